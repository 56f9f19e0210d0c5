/**
 * The JSON of `activity.`: the latest activities at `/`, and a health check.
 */

import { createServer } from "node:http";

import { isOwnOrigin, pathOf } from "./environment.js";

const ROUTES = {
  "/": ({ feed }) => feed.latest(),
  "/health": async ({ database }) => {
    await database.command({ ping: 1 });
    return { status: "ok" };
  },
};

function answer(response, status, body) {
  response.writeHead(status, { "Content-Type": "application/json" });
  response.end(JSON.stringify(body));
}

/** Return a server that is not listening yet. Pages of `site` may read what it answers. */
export function createHttpServer({ feed, database, site }) {
  return createServer(async (request, response) => {
    response.setHeader("Vary", "Origin");
    const { origin } = request.headers;
    if (isOwnOrigin(site, origin)) response.setHeader("Access-Control-Allow-Origin", origin);

    const route = ROUTES[pathOf(request)];
    if (!route) return answer(response, 404, { error: "not found" });
    if (!["GET", "HEAD"].includes(request.method)) {
      response.setHeader("Allow", "GET, HEAD");
      return answer(response, 405, { error: "method not allowed" });
    }
    try {
      answer(response, 200, await route({ feed, database }));
    } catch (error) {
      console.warn(`${request.method} ${request.url}: ${error.message}`);
      answer(response, 503, { error: "MongoDB does not answer" });
    }
  });
}
