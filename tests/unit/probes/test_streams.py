import errno

from devenv.probes.streams import explain


def test_an_error_is_told_in_the_systems_words():
    error = ConnectionRefusedError(errno.ECONNREFUSED, "Connect call failed ('127.0.0.1', 1)")

    assert explain(error) == "connection refused"


def test_an_error_without_a_number_is_told_all_the_same():
    assert explain(OSError("Multiple exceptions")) == "cannot connect"
