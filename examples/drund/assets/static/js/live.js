/**
 * A WebSocket that comes back: after a loss it connects again, each time a little later.
 */
define(function () {
  "use strict";

  const FIRST_PAUSE_MS = 300;
  const LONGEST_PAUSE_MS = 5000;

  /** Half fixed, half random, so that browsers do not all return at the same moment. */
  function pause(tries) {
    const longest = Math.min(FIRST_PAUSE_MS * 2 ** tries, LONGEST_PAUSE_MS);
    return longest / 2 + (Math.random() * longest) / 2;
  }

  function connect(url, { onState, onMessage }, tries = 0) {
    let next = tries;
    const socket = new WebSocket(url);
    onState("connecting");
    socket.addEventListener("open", () => {
      next = 0;
      onState("open");
    });
    socket.addEventListener("message", (event) => onMessage(JSON.parse(event.data)));
    socket.addEventListener("close", () => {
      onState("closed");
      setTimeout(connect, pause(next), url, { onState, onMessage }, next + 1);
    });
  }

  return { connect };
});
