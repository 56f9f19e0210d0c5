"""Drund, a tiny social site: the project package.

PyMySQL stands in for mysqlclient, so that a new checkout needs no compiler and no headers. The
Celery application is imported here so that tasks find it however Django was started.
"""

import pymysql

from drund.celery import app as celery_app

pymysql.install_as_MySQLdb()

__all__ = ["celery_app"]
