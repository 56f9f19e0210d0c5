"""`admin.`: Django's admin, at the root."""

from django.contrib import admin
from django.urls import path

from drund.health import health

urlpatterns = [
    path("health", health),
    path("", admin.site.urls),
]
