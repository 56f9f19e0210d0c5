/**
 * The WebSocket at `/live`: each browser first gets the latest activities, then every new one.
 *
 * A message is `{kind: "latest" | "new", activities, total}`, activities newest first.
 */

import { WebSocketServer } from "ws";

import { isOwnOrigin, pathOf } from "./environment.js";

const PATH = "/live";

/** Proxies drop connections that are silent for minutes; a browser that is gone never answers. */
const PING_PERIOD_MS = 30_000;

/** Browsers only listen here. */
const LARGEST_MESSAGE_BYTES = 1024;

function refuse(socket, status) {
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}

export class Live {
  #server = new WebSocketServer({ noServer: true, maxPayload: LARGEST_MESSAGE_BYTES });
  #feed;
  #answered = new WeakSet();
  #pings;

  constructor({ httpServer, feed, site }) {
    this.#feed = feed;
    httpServer.on("upgrade", (request, socket, head) => {
      socket.on("error", () => socket.destroy());
      if (pathOf(request) !== PATH) return refuse(socket, "404 Not Found");
      if (!isOwnOrigin(site, request.headers.origin)) return refuse(socket, "403 Forbidden");
      this.#server.handleUpgrade(request, socket, head, (client) => this.#welcome(client));
    });
    this.#pings = setInterval(() => this.#ping(), PING_PERIOD_MS);
  }

  /** Send new activities to every browser. */
  tell(news) {
    const message = JSON.stringify({ kind: "new", ...news });
    for (const client of this.#server.clients) client.send(message);
  }

  /** Say goodbye to every browser; each connects again by itself. */
  close() {
    clearInterval(this.#pings);
    for (const client of this.#server.clients) client.close(1001, "restarting");
  }

  async #welcome(client) {
    this.#answered.add(client);
    client.on("pong", () => this.#answered.add(client));
    client.on("error", () => client.terminate());
    try {
      client.send(JSON.stringify({ kind: "latest", ...(await this.#feed.latest()) }));
    } catch (error) {
      console.warn(`cannot welcome a browser: ${error.message}`);
      client.close(1013, "try again later");
    }
  }

  #ping() {
    for (const client of this.#server.clients) {
      if (!this.#answered.delete(client)) client.terminate();
      else client.ping();
    }
  }
}
