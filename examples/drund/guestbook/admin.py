"""The guestbook in Django's admin."""

from django.contrib import admin

from guestbook.models import Entry


@admin.register(Entry)
class EntryAdmin(admin.ModelAdmin):
    """Entries, newest first."""

    list_display = ("name", "message", "posted_at", "announced")
    list_filter = ("announced",)
    search_fields = ("name", "message")
    readonly_fields = ("person", "posted_at")
