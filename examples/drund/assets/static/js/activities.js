/**
 * The list of activities, rendered by a Mustache template that the CDN compiled.
 */
define(["ago", "templates/hello.template"], function (ago, template) {
  "use strict";

  const LONGEST_LIST = 20;
  const HUES = 6;

  const list = document.getElementById("activity-list");
  const empty = document.getElementById("activity-empty");

  /** The same colour as the server gives the person's entries. */
  function hueOf(person) {
    return [...person].reduce((sum, letter) => sum + letter.charCodeAt(0), 0) % HUES;
  }

  function present(activity) {
    const { port } = window.location;
    return {
      ...activity,
      hue: hueOf(activity.person),
      initial: [...activity.name][0],
      page: `https://${activity.person}.${document.body.dataset.domain}${port && `:${port}`}/`,
      delivery: ago.sayWhile(activity.deliveredMs),
      ago: ago.say(Date.parse(activity.at)),
    };
  }

  function render(activities) {
    return template.render({ activities: activities.map(present) });
  }

  function isListed({ id }) {
    return list.querySelector(`[data-id="${CSS.escape(id)}"]`) !== null;
  }

  /** Show these instead of what is shown. */
  function replace(activities) {
    list.innerHTML = render(activities);
    empty.hidden = activities.length > 0;
  }

  /** Put these before what is shown; return how many were not shown before. */
  function add(activities) {
    const fresh = activities.filter((activity) => !isListed(activity));
    list.insertAdjacentHTML("afterbegin", render(fresh));
    for (const item of [...list.children].slice(0, fresh.length)) item.classList.add("is-new");
    for (const item of [...list.children].slice(LONGEST_LIST)) item.remove();
    empty.hidden = list.children.length > 0;
    return fresh.length;
  }

  return { add, replace };
});
