"""What the guestbook keeps in MySQL."""

from django.conf import settings
from django.db import models
from django.utils import timezone

from guestbook.people import SUBDOMAIN_LENGTH, hue_of


class Entry(models.Model):
    """One entry of the guestbook."""

    name = models.CharField(max_length=40)
    person = models.CharField(
        max_length=SUBDOMAIN_LENGTH,
        db_index=True,
        editable=False,
        help_text="the subdomain of the person's page",
    )
    message = models.TextField(max_length=500)
    posted_at = models.DateTimeField(default=timezone.now, db_index=True, editable=False)
    announced = models.BooleanField(
        default=False, help_text="a job has been published that puts it on the activity feed"
    )

    class Meta:
        ordering = ("-posted_at", "-id")
        verbose_name_plural = "entries"

    def __str__(self) -> str:
        return f"{self.name}: {self.message[:40]}"

    def get_absolute_url(self) -> str:
        """Return the page of the person who wrote it, on its own subdomain."""
        return settings.SITE.origin(self.person) + "/"

    @property
    def hue(self) -> int:
        """The colour of the person who wrote it."""
        return hue_of(self.person)
