"""`api.`: JSON."""

from django.urls import path

from drund.health import health
from guestbook import api

urlpatterns = [
    path("", api.index),
    path("entries", api.entries),
    path("visits", api.visits),
    path("health", health),
]
