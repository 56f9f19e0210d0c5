"""`manage.py announce`: publish the jobs that could not be published before."""

from django.core.management.base import BaseCommand, CommandError

from guestbook.announcing import announce
from guestbook.models import Entry


class Command(BaseCommand):
    """Does nothing where every entry is announced."""

    help = "Publish a job for each guestbook entry that the activity feed does not know of."

    def handle(self, *args: object, **options: object) -> None:
        """Announce the entries in the order in which they were posted."""
        waiting = Entry.objects.filter(announced=False).order_by("posted_at", "id")
        for entry in waiting:
            if not announce(entry):
                raise CommandError("RabbitMQ does not answer")
        self.stdout.write("every entry is announced")
