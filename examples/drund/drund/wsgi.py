"""The WSGI application, as `runserver` and any WSGI server find it."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "drund.settings")

application = get_wsgi_application()
