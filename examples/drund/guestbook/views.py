"""The pages: the guestbook itself, and the page of each person who wrote in it."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from guestbook.announcing import announce_entries
from guestbook.forms import EntryForm
from guestbook.models import Entry
from guestbook.people import hue_of
from guestbook.visits import count_visit, number_of_visits

LATEST = 20


@require_http_methods(["GET", "HEAD", "POST"])
def home(request: HttpRequest) -> HttpResponse:
    """Show the guestbook, or sign it."""
    if request.method == "POST":
        form = EntryForm(request.POST)
        if form.is_valid():
            return _sign(request, form)
    else:
        form = EntryForm(initial={"name": request.session.get("name", "")})
    context = {
        "form": form,
        "entries": Entry.objects.all()[:LATEST],
        "entry_count": Entry.objects.count(),
        "visits": count_visit() if request.method == "GET" else number_of_visits(),
        "awaited": request.session.pop("awaited", None),
    }
    return render(request, "guestbook/home.html", context, status=422 if form.errors else 200)


def _sign(request: HttpRequest, form: EntryForm) -> HttpResponse:
    """Store the entry, publish its job, and remember the name on all subdomains."""
    entry = form.save()
    request.session["name"] = entry.name
    if announce_entries():
        request.session["awaited"] = entry.pk
    else:
        messages.warning(
            request,
            "Your entry is saved. RabbitMQ does not answer, so it goes on the activity feed later.",
        )
    return redirect("home")


@require_POST
def forget(request: HttpRequest) -> HttpResponse:
    """Forget the visitor's name."""
    request.session.pop("name", None)
    return redirect("home")


@require_safe
def person(request: HttpRequest) -> HttpResponse:
    """Show what the person of this subdomain wrote."""
    entries = Entry.objects.filter(person=request.subdomain)
    latest = list(entries[:LATEST])
    context = {
        "name": latest[0].name if latest else request.subdomain,
        "hue": hue_of(request.subdomain),
        "entries": latest,
        "entry_count": entries.count(),
    }
    return render(request, "guestbook/person.html", context)
