"""The web's half of the activity feed: publish one job per guestbook entry."""

import logging

from django.utils import timezone
from kombu.exceptions import OperationalError

from feed.tasks import record_signature
from guestbook.models import Entry

EXCERPT_LENGTH = 90

logger = logging.getLogger(__name__)


def excerpt(message: str) -> str:
    """Return the beginning of *message* on one line."""
    line = " ".join(message.split())
    if len(line) <= EXCERPT_LENGTH:
        return line
    return line[:EXCERPT_LENGTH].rsplit(" ", 1)[0] + "…"


def announce(entry: Entry) -> bool:
    """Publish the job that puts *entry* on the feed; return whether the broker took it.

    An entry that could not be announced stays marked as such: `manage.py announce` tries again.
    """
    try:
        record_signature.delay(
            entry=entry.pk,
            name=entry.name,
            person=entry.person,
            excerpt=excerpt(entry.message),
            posted_at=entry.posted_at.isoformat(),
            queued_at=timezone.now().isoformat(),
        )
    except OperationalError as error:
        logger.warning("entry %d is not announced: %s", entry.pk, error)
        return False
    Entry.objects.filter(pk=entry.pk).update(announced=True)
    return True
