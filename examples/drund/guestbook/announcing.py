"""The web's half of the activity feed: publish one job per guestbook entry.

An entry is stored first and announced afterwards, and is marked when the broker has confirmed its
job. So nothing is lost while RabbitMQ is down: the next one who announces, be it a visitor's post
or `manage.py announce`, makes good for it. A job published twice is no harm, see `feed.tasks`.
"""

import logging

from django.utils import timezone
from kombu.exceptions import OperationalError

from feed.tasks import record_signature
from guestbook.models import Entry

EXCERPT_LENGTH = 90
CONFIRMATION_TIMEOUT_S = 2
"""How long a page waits for a broker that took the connection and says nothing."""

logger = logging.getLogger(__name__)


def excerpt(message: str) -> str:
    """Return the beginning of *message* on one line."""
    line = " ".join(message.split())
    if len(line) <= EXCERPT_LENGTH:
        return line
    return line[:EXCERPT_LENGTH].rsplit(" ", 1)[0] + "…"


def announce_entries() -> bool:
    """Publish the jobs of all entries that have none yet, oldest first.

    Returns whether the broker took them all; it is not asked again after it failed once.
    """
    for entry in Entry.objects.filter(announced=False).order_by("posted_at", "pk"):
        try:
            _publish(entry)
        except OperationalError as error:
            logger.warning("entry %d is not announced: %s", entry.pk, error)
            return False
        Entry.objects.filter(pk=entry.pk).update(announced=True)
    return True


def _publish(entry: Entry) -> None:
    job = {
        "entry": entry.pk,
        "name": entry.name,
        "person": entry.person,
        "excerpt": excerpt(entry.message),
        "posted_at": entry.posted_at.isoformat(),
        "queued_at": timezone.now().isoformat(),
    }
    record_signature.apply_async(
        kwargs=job, timeout=CONFIRMATION_TIMEOUT_S, confirm_timeout=CONFIRMATION_TIMEOUT_S
    )
