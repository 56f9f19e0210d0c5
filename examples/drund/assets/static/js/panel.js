/**
 * The panel at the top: what each server did last, and a light that runs along when news arrive.
 */
define(["ago"], function (ago) {
  "use strict";

  const STATES = { connecting: "connecting", open: "live", closed: "reconnecting" };

  const route = document.getElementById("route");
  const entries = document.getElementById("entry-count");
  const job = document.getElementById("job-state");
  const activities = document.getElementById("activity-count");
  const live = document.getElementById("live-state");

  /** The entry that this visitor has just posted, and whose activity has not been seen yet. */
  let awaited = Number(job?.dataset.awaited) || null;

  function showConnection(state) {
    live.dataset.state = state;
    live.textContent = STATES[state];
  }

  function showDelivery(activity) {
    job.dataset.state = "delivered";
    job.textContent = ago.sayWhile(activity.deliveredMs);
  }

  function runLight() {
    route.classList.remove("is-running");
    void route.offsetWidth; // a style flush, so that the animation starts anew
    route.classList.add("is-running");
  }

  /** Show the newest of `items`; the light runs for news, and for what this visitor waited for. */
  function showActivities(items, total, { areNews }) {
    activities.textContent = total;
    const own = items.find(({ entry }) => entry === awaited);
    if (awaited && !own) return;
    awaited = null;
    if (items.length > 0) showDelivery(own ?? items[0]);
    if (own || areNews) runLight();
  }

  async function refreshEntries(url) {
    try {
      const response = await fetch(url);
      if (response.ok) entries.textContent = (await response.json()).count;
    } catch {
      // the number stays as it was; the next activity asks again
    }
  }

  return { refreshEntries, showActivities, showConnection };
});
