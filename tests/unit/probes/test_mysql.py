import errno

import pymysql
import pytest

from devenv.model.unit import Endpoint, ServiceProbe
from devenv.probes.mysql import explain_error

PROBE = ServiceProbe("mysql", Endpoint("127.0.0.1", 3306), "app", "secret", "shop")


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (pymysql.err.OperationalError(1045, "Access denied"), "access denied for user `app`"),
        (
            pymysql.err.OperationalError(1044, "Access denied"),
            "access denied for user `app` to the database `shop`",
        ),
        (pymysql.err.OperationalError(1049, "Unknown"), "there is no database `shop`"),
        (pymysql.err.OperationalError(1040, "Too many"), "mysql says: Too many"),
        (pymysql.err.InterfaceError("odd"), "mysql says: odd"),
        (pymysql.err.InterfaceError(), "mysql says: "),
    ],
)
def test_an_error_is_told_in_a_users_words(error, reason):
    assert explain_error(error, PROBE) == reason


def test_a_failed_connect_is_told_in_the_systems_words():
    error = pymysql.err.OperationalError(2003, "Can't connect")
    error.original_exception = ConnectionRefusedError(errno.ECONNREFUSED, "long-winded")

    assert explain_error(error, PROBE) == "connection refused"
