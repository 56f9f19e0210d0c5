"""Tests of Drund: `python manage.py test --settings tests.settings`."""
