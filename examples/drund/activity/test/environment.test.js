import assert from "node:assert/strict";
import { test } from "node:test";

import { isOwnOrigin, readEnvironment } from "../lib/environment.js";

const { site } = readEnvironment({
  DEVENV_DOMAIN: "drund.localhost",
  DEVENV_URL: "https://activity.drund.localhost:8443",
});

test("pages of every subdomain and of the bare domain are ours", () => {
  for (const origin of [
    "https://drund.localhost:8443",
    "https://www.drund.localhost:8443",
    "https://ada.drund.localhost:8443",
  ]) {
    assert.equal(isOwnOrigin(site, origin), true, origin);
  }
});

test("pages of others are not", () => {
  for (const origin of [
    undefined,
    "null",
    "",
    "https://www.drund.localhost",
    "http://www.drund.localhost:8443",
    "https://www.drund.localhost:8443.evil.example",
    "https://evildrund.localhost:8443",
    "https://drund.localhost.evil.example:8443",
  ]) {
    assert.equal(isOwnOrigin(site, origin), false, String(origin));
  }
});

test("a URL without a port is HTTPS's own", () => {
  const usual = readEnvironment({ DEVENV_URL: "https://activity.drund.localhost" }).site;
  assert.equal(isOwnOrigin(usual, "https://www.drund.localhost"), true);
});
