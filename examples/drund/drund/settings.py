"""Settings of Drund; everything that differs between machines comes from the environment.

See https://docs.djangoproject.com/en/5.2/ref/settings/ for what each means.
"""

import os
from pathlib import Path

from drund.environment import Site, mysql_database

BASE_DIR = Path(__file__).resolve().parent.parent
SITE = Site.from_environment(os.environ)

DEBUG = os.environ.get("DEBUG", "1") == "1"
SECRET_KEY = os.environ.get("SECRET_KEY", "for development only, and public")
ALLOWED_HOSTS = [
    f".{SITE.domain}",
    os.environ.get("HOST", "127.0.0.1"),  # a health check asks by address
]

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "feed",
    "guestbook",
]

MIDDLEWARE = [
    "subdomains.middleware.subdomain_urls",
    "subdomains.middleware.site_origins",
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "drund.urls.www"
SUBDOMAIN_URLCONFS = {
    "": "drund.urls.www",
    "www": "drund.urls.www",
    "api": "drund.urls.api",
    "admin": "drund.urls.admin",
}
PERSON_URLCONF = "drund.urls.person"
WSGI_APPLICATION = "drund.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "subdomains.context.site",
            ]
        },
    }
]

# MySQL
DATABASES = {
    "default": mysql_database(
        os.environ.get("DATABASE_URL", "mysql://drund:drund@127.0.0.1:3306/drund")
    )
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Redis, RabbitMQ, MongoDB
REDIS_URL = os.environ.get("REDIS_URL", "redis://127.0.0.1:6379/0")
MONGODB_URI = os.environ.get("MONGODB_URI", "mongodb://127.0.0.1:27017/drund")

CELERY_BROKER_URL = os.environ.get("AMQP_URL", "amqp://drund:drund@127.0.0.1:5672/drund")
CELERY_BROKER_CONNECTION_TIMEOUT = 1  # seconds; a page must not wait long for a broker that is down
CELERY_BROKER_TRANSPORT_OPTIONS = {"confirm_publish": True}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_PUBLISH_RETRY_POLICY = {"max_retries": 1, "interval_start": 0, "interval_max": 0.2}
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True  # a job that dies with its worker is delivered again
CELERY_WORKER_PREFETCH_MULTIPLIER = 1

# One session for all subdomains, over HTTPS only: the edge ends TLS and says so
SESSION_COOKIE_DOMAIN = f".{SITE.domain}"
SESSION_COOKIE_SECURE = True
CSRF_COOKIE_SECURE = True
CSRF_TRUSTED_ORIGINS = [SITE.origin(), SITE.origin("*")]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

# Assets come from the CDN, whose sources are what Django's finders find
STATIC_URL = SITE.origin("cdn") + "/"
STATICFILES_DIRS = [
    BASE_DIR / "assets" / "static",
    *(
        (prefix, BASE_DIR / "assets" / "node_modules" / package)
        for prefix, package in {
            "js/lib/requirejs": "requirejs",
            "fonts/figtree": "@fontsource-variable/figtree",
        }.items()
    ),
]

LANGUAGE_CODE = "en-gb"
TIME_ZONE = "UTC"
USE_TZ = True
