"""The visit counter, in Redis. The pages do without it when Redis is down."""

import logging

import redis
from django.conf import settings

KEY = "visits"
ANSWER_TIMEOUT_S = 1

logger = logging.getLogger(__name__)
_client = redis.Redis.from_url(
    settings.REDIS_URL,
    socket_connect_timeout=ANSWER_TIMEOUT_S,
    socket_timeout=ANSWER_TIMEOUT_S,
)


def count_visit() -> int | None:
    """Count one more visit and return its number, or None if Redis does not answer."""
    try:
        return int(_client.incr(KEY))
    except redis.RedisError as error:
        logger.warning("a visit went uncounted: %s", error)
        return None


def number_of_visits() -> int | None:
    """Return how many visits were counted, or None if Redis does not answer."""
    try:
        return int(_client.get(KEY) or 0)
    except redis.RedisError as error:
        logger.warning("the number of visits is unknown: %s", error)
        return None
