"""The JSON of `api.`; pages of every subdomain may read it."""

from django.conf import settings
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe

from guestbook.models import Entry
from guestbook.visits import number_of_visits

LATEST = 20


@require_safe
def index(request: HttpRequest) -> JsonResponse:
    """List what there is."""
    origin = settings.SITE.origin("api")
    return JsonResponse({name: f"{origin}/{name}" for name in ("entries", "visits", "health")})


@require_safe
def entries(request: HttpRequest) -> JsonResponse:
    """Return the latest entries, and how many there are."""
    latest = [
        {
            "id": entry.pk,
            "name": entry.name,
            "person": entry.get_absolute_url(),
            "message": entry.message,
            "posted_at": entry.posted_at.isoformat(),
        }
        for entry in Entry.objects.all()[:LATEST]
    ]
    return JsonResponse({"count": Entry.objects.count(), "entries": latest})


@require_safe
def visits(request: HttpRequest) -> JsonResponse:
    """Return how many visits were counted; null while Redis is down."""
    return JsonResponse({"visits": number_of_visits()})
