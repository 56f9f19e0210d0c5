/**
 * `activity.`: shows the latest activities of Drund, and pushes each new one to the browsers.
 *
 * The worker writes an activity to MongoDB and publishes a note on a Redis channel. Here a note
 * means one look into MongoDB, and nothing is polled. Both clients reconnect by themselves, and after
 * Redis was away one look finds what was missed.
 */

import { once } from "node:events";

import { MongoClient } from "mongodb";
import { createClient } from "redis";

import { readEnvironment } from "./lib/environment.js";
import { Feed } from "./lib/feed.js";
import { createHttpServer } from "./lib/http.js";
import { Live } from "./lib/live.js";

/** The channel that `feed/tasks.py` publishes on. */
const CHANNEL = "activities";

const ANSWER_TIMEOUT_MS = 3_000;
const RETRY_PAUSE_MS = 1_000;
const LONGEST_RECONNECT_PAUSE_MS = 2_000;

const { host, port, mongodbUri, redisUrl, site } = readEnvironment(process.env);

const mongodb = new MongoClient(mongodbUri, {
  serverSelectionTimeoutMS: ANSWER_TIMEOUT_MS,
  socketTimeoutMS: ANSWER_TIMEOUT_MS,
});
const database = mongodb.db();
const feed = new Feed(database.collection("activities"));
const httpServer = createHttpServer({ feed, database, site });
const live = new Live({ httpServer, feed, site });

let retry;

async function look() {
  clearTimeout(retry);
  try {
    await feed.refresh((news) => live.tell(news));
  } catch (error) {
    console.warn(`cannot read activities: ${error.message}`);
    retry = setTimeout(look, RETRY_PAUSE_MS).unref();
  }
}

const notes = createClient({
  url: redisUrl,
  socket: { reconnectStrategy: (tries) => Math.min(50 * 2 ** tries, LONGEST_RECONNECT_PAUSE_MS) },
});
notes.on("error", (error) => console.warn(`Redis: ${error.message}`));
notes.on("ready", look);

for (const signal of ["SIGINT", "SIGTERM"]) {
  process.once(signal, async () => {
    live.close();
    httpServer.close();
    httpServer.closeAllConnections();
    notes.destroy();
    await mongodb.close();
  });
}

httpServer.listen(port, host);
await once(httpServer, "listening");
console.log(`listening on ${host}:${port}`);
await notes.connect();
await notes.subscribe(CHANNEL, look);
