"""The worker's half: turn a job into an activity document.

RabbitMQ delivers a job at least once, so an activity's id is made of what it is about and storing
it twice changes nothing. The note on the Redis channel carries no data: MongoDB is the truth, and
whoever missed a note finds the activity there.
"""

import logging
from datetime import UTC, datetime
from functools import cache

import redis
from celery import shared_task
from django.conf import settings
from pymongo import MongoClient
from pymongo.collection import Collection
from pymongo.errors import PyMongoError

CHANNEL = "activities"
"""The Redis channel of the notes; `activity/server.js` listens on the same."""

ANSWER_TIMEOUT_S = 3
"""How long a server may take to answer before a job is tried again later."""

logger = logging.getLogger(__name__)


@cache
def activities() -> Collection:
    """Return the collection of activities; its client reconnects by itself."""
    timeout_ms = ANSWER_TIMEOUT_S * 1000
    client = MongoClient(
        settings.MONGODB_URI,
        serverSelectionTimeoutMS=timeout_ms,
        connectTimeoutMS=timeout_ms,
        socketTimeoutMS=timeout_ms,
    )
    return client.get_default_database()["activities"]


def milliseconds_since(moment: datetime) -> int:
    """Return how long ago *moment* was; 0 where the clocks of two machines disagree."""
    return max(0, round((datetime.now(UTC) - moment).total_seconds() * 1000))


@cache
def notes() -> redis.Redis:
    """Return the client that publishes notes."""
    return redis.Redis.from_url(settings.REDIS_URL, socket_timeout=ANSWER_TIMEOUT_S)


@shared_task(
    autoretry_for=(PyMongoError,), retry_backoff=True, retry_backoff_max=30, max_retries=None
)
def record_signature(
    *, entry: int, name: str, person: str, excerpt: str, posted_at: str, queued_at: str
) -> None:
    """Store the activity that *name* signed the guestbook, and tell those who show activities.

    Args:
        entry: key of the guestbook entry
        name: of who wrote it
        person: the subdomain of their page
        excerpt: the beginning of the message
        posted_at: when the entry was written, ISO 8601 with its offset
        queued_at: when this job was published, likewise
    """
    document = {
        "entry": entry,
        "name": name,
        "person": person,
        "excerpt": excerpt,
        "at": datetime.fromisoformat(posted_at),
        "delivered_ms": milliseconds_since(datetime.fromisoformat(queued_at)),
    }
    activities().update_one({"_id": f"entry-{entry}"}, {"$setOnInsert": document}, upsert=True)
    try:
        notes().publish(CHANNEL, "")
    except redis.RedisError as error:
        logger.warning("activity of entry %d is stored, but not announced: %s", entry, error)
