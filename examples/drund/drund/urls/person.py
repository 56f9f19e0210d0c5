"""Every other subdomain: the page of the person of that name."""

from django.urls import path

from drund.health import health
from guestbook import views

urlpatterns = [
    path("", views.person, name="person"),
    path("health", health),
]
