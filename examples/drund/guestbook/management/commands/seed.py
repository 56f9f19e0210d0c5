"""`manage.py seed`: an administrator, and a guestbook that somebody already wrote in."""

from datetime import timedelta

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand
from django.utils import timezone

from guestbook.models import Entry
from guestbook.people import subdomain_for

ENTRIES = (
    (3, "Grace", "Found it running on my machine before the coffee was ready."),
    (26, "Radia", "Every host finds its way here, and nobody edited /etc/hosts."),
    (95, "Margaret", "Four servers, three processes, and not a single port to remember."),
)
"""Minutes ago, name, message."""


class Command(BaseCommand):
    """Does nothing where its work is done already."""

    help = "Create the administrator admin/admin, and first entries in an empty guestbook."

    def handle(self, *args: object, **options: object) -> None:
        """Create what is missing."""
        users = get_user_model().objects
        if not users.filter(username="admin").exists():
            users.create_superuser("admin", password="admin")
            self.stdout.write("created the administrator `admin`, password `admin`")
        if not Entry.objects.exists():
            now = timezone.now()
            Entry.objects.bulk_create(
                Entry(
                    name=name,
                    person=subdomain_for(name),
                    message=message,
                    posted_at=now - timedelta(minutes=minutes),
                )
                for minutes, name, message in reversed(ENTRIES)
            )
            self.stdout.write(f"wrote {len(ENTRIES)} entries")
