"""Ready when the application's own user can `SELECT 1` on its own database.

The only door to PyMySQL: the authentication methods of MySQL and MariaDB are many, and it knows
them. It blocks, so it runs in a thread, whose own time-outs end it soon after ours.
"""

from __future__ import annotations

import asyncio

import pymysql

from devenv.model.unit import ServiceProbe
from devenv.probes.base import ProbeError
from devenv.probes.streams import explain

TIMEOUT_S = 2
"""Bounds the thread: it cannot be cancelled when the caller's own time is over."""

ACCESS_DENIED = 1045
DATABASE_DENIED = 1044
UNKNOWN_DATABASE = 1049
CANNOT_CONNECT = 2003
"""Error codes of the MySQL server and client (MySQL Error Message Reference)."""


async def check_mysql(probe: ServiceProbe) -> None:
    """Log in and ask."""
    await asyncio.to_thread(_select_one, probe)


def _select_one(probe: ServiceProbe) -> None:
    try:
        with (
            pymysql.connect(
                host=probe.endpoint.host,
                port=probe.endpoint.port,
                user=probe.user,
                password=probe.password.encode(),  # PyMySQL would make Latin-1 of it
                database=probe.database or None,
                connect_timeout=TIMEOUT_S,
                read_timeout=TIMEOUT_S,
                write_timeout=TIMEOUT_S,
            ) as connection,
            connection.cursor() as cursor,
        ):
            cursor.execute("SELECT 1")
    except pymysql.Error as error:
        raise ProbeError(explain_error(error, probe)) from error
    except OSError as error:
        raise ProbeError(explain(error)) from error
    except Exception as error:  # PyMySQL meets bytes of no MySQL with whatever error comes first
        raise ProbeError("answered with something other than the MySQL protocol") from error


def explain_error(error: pymysql.Error, probe: ServiceProbe) -> str:
    """Return the reason in a user's words."""
    code, text = (*error.args, None, None)[:2]
    cause = getattr(error, "original_exception", None)
    if code == CANNOT_CONNECT and isinstance(cause, OSError):
        return explain(cause)
    if code == ACCESS_DENIED:
        return f"access denied for user `{probe.user}`"
    if code == DATABASE_DENIED:
        return f"access denied for user `{probe.user}` to the database `{probe.database}`"
    if code == UNKNOWN_DATABASE:
        return f"there is no database `{probe.database}`"
    return f"mysql says: {text or error}"
