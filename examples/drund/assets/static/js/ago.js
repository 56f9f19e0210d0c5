/**
 * Times as people say them, "3 minutes ago", in every `<time data-ago>`, and kept true.
 */
define(function () {
  "use strict";

  const PERIOD_MS = 30_000;
  const UNITS = [
    ["day", 86_400],
    ["hour", 3_600],
    ["minute", 60],
  ];

  const words = new Intl.RelativeTimeFormat(document.documentElement.lang, { numeric: "auto" });

  function say(moment) {
    const seconds = (Date.now() - moment) / 1000;
    const unit = UNITS.find(([, length]) => seconds >= length);
    return unit ? words.format(-Math.floor(seconds / unit[1]), unit[0]) : "just now";
  }

  /** A short while: "38 ms", "1.2 s". */
  function sayWhile(milliseconds) {
    return milliseconds < 1000 ? `${milliseconds} ms` : `${(milliseconds / 1000).toFixed(1)} s`;
  }

  function update(root) {
    for (const time of root.querySelectorAll("time[data-ago]")) {
      time.textContent = say(Date.parse(time.dateTime));
    }
  }

  function keepCurrent(root) {
    update(root);
    setInterval(update, PERIOD_MS, root);
  }

  return { keepCurrent, say, sayWhile };
});
