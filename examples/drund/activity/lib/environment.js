/**
 * What the environment says: where to listen, where the servers are, and which pages are ours.
 */

/** Read the variables that devenv gives each process; the defaults are those of the services. */
export function readEnvironment(variables) {
  const domain = (variables.DEVENV_DOMAIN ?? "drund.localhost").toLowerCase();
  const { port } = new URL(variables.DEVENV_URL ?? `https://activity.${domain}`);
  return {
    host: variables.HOST ?? "127.0.0.1",
    port: Number(variables.PORT ?? 9001),
    mongodbUri: variables.MONGODB_URI ?? "mongodb://127.0.0.1:27017/drund",
    redisUrl: variables.REDIS_URL ?? "redis://127.0.0.1:6379/0",
    site: { domain, port },
  };
}

/**
 * Whether `origin`, an `Origin` header, is one of the site's own pages. A WebSocket is not bound by
 * the same-origin policy, so its server must ask (RFC 6455 section 10.2).
 */
export function isOwnOrigin({ domain, port }, origin) {
  let url;
  try {
    url = new URL(origin);
  } catch {
    return false;
  }
  const ownHost = url.hostname === domain || url.hostname.endsWith(`.${domain}`);
  return url.protocol === "https:" && url.port === port && ownHost;
}

/** The path that a request asks for; unlike a parsed URL it exists for any request line. */
export function pathOf(request) {
  return request.url.split("?", 1)[0];
}
