/**
 * The guestbook's page: connects the live feed to the list of activities and to the panel above it.
 */
define(["activities", "ago", "live", "panel"], function (activities, ago, live, panel) {
  "use strict";

  const { liveUrl, entriesUrl } = document.body.dataset;

  ago.keepCurrent(document);
  if (!document.getElementById("activity-list")) return;

  live.connect(liveUrl, {
    onState: panel.showConnection,
    onMessage({ kind, activities: items, total }) {
      const areNews = kind === "new" && activities.add(items) > 0;
      if (kind === "latest") activities.replace(items);
      panel.showActivities(items, total, { areNews });
      if (areNews) panel.refreshEntries(entriesUrl);
    },
  });
});
