"""`www.` and the bare domain: the guestbook."""

from django.urls import path

from drund.health import health
from guestbook import views

urlpatterns = [
    path("", views.home, name="home"),
    path("forget", views.forget, name="forget"),
    path("health", health),
]
