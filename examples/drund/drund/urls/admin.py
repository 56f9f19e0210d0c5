"""`admin.`: Django's admin, at the root."""

from django.conf import settings
from django.contrib import admin
from django.urls import path

from drund.health import health

admin.site.site_header = admin.site.site_title = "Drund"
admin.site.site_url = settings.SITE.origin("www")

urlpatterns = [
    path("health", health),
    path("", admin.site.urls),
]
