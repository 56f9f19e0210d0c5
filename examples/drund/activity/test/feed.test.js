import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";

import { MongoClient } from "mongodb";

import { readEnvironment } from "../lib/environment.js";
import { Feed } from "../lib/feed.js";

const client = new MongoClient(readEnvironment(process.env).mongodbUri, {
  serverSelectionTimeoutMS: 3_000,
});
const collection = client.db("drund_test").collection("activities");

function activity(number) {
  return {
    _id: `entry-${number}`,
    entry: number,
    name: "Ada",
    person: "ada",
    excerpt: "Hello",
    at: new Date(Date.UTC(2026, 0, 1, 0, number)),
    delivered_ms: 7,
  };
}

before(() => client.connect());
beforeEach(() => collection.deleteMany({}));
after(async () => {
  await collection.drop();
  await client.close();
});

test("the latest come newest first, with the number of all", async () => {
  await collection.insertMany(Array.from({ length: 25 }, (_, number) => activity(number)));
  const { activities, total } = await new Feed(collection).latest();
  assert.deepEqual(
    activities.map(({ entry }) => entry),
    Array.from({ length: 20 }, (_, index) => 24 - index),
  );
  assert.equal(total, 25);
});

test("each activity is told once", async () => {
  const feed = new Feed(collection);
  const told = [];
  const tell = ({ activities }) => told.push(...activities.map(({ id }) => id));
  await collection.insertOne(activity(1));
  await feed.refresh(tell);
  await feed.refresh(tell);
  await collection.insertOne(activity(2));
  await Promise.all([feed.refresh(tell), feed.refresh(tell), feed.refresh(tell)]);
  assert.deepEqual(told, ["entry-1", "entry-2"]);
});

test("a look that failed does not end the looking", async () => {
  const away = new MongoClient("mongodb://127.0.0.1:1/drund", { serverSelectionTimeoutMS: 50 });
  const feed = new Feed(away.db().collection("activities"));
  for (let turn = 0; turn < 2; turn += 1) {
    await assert.rejects(feed.refresh(() => assert.fail("there is nothing to tell")));
  }
  await away.close();
});
