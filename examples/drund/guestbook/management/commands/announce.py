"""`manage.py announce`: publish the jobs that could not be published before."""

from django.core.management.base import BaseCommand, CommandError

from guestbook.announcing import announce_entries


class Command(BaseCommand):
    """Does nothing where every entry is announced."""

    help = "Publish a job for each guestbook entry that the activity feed does not know of."

    def handle(self, *args: object, **options: object) -> None:
        """Announce the entries, and fail if the broker does not take them."""
        if not announce_entries():
            raise CommandError("RabbitMQ does not answer")
        self.stdout.write("every entry is announced")
