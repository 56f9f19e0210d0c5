from devenv.errors import ConfigError, DevenvError, ExitCode, Problem


def test_an_error_carries_what_failed_what_to_type_and_a_code():
    error = DevenvError("cannot start `web`", hint="devenv why web", code="a.b")
    assert (str(error), error.hint, error.code) == ("cannot start `web`", "devenv why web", "a.b")
    assert error.exit_code is ExitCode.FAILED


def test_the_mistakes_of_a_file_come_in_the_order_of_their_places():
    later, earlier = Problem("f", 10, 1, "b"), Problem("f", 2, 5, "a")
    error = ConfigError((later, earlier))
    assert error.message == "f:2:5: a\nf:10:1: b"
    assert (error.code, error.exit_code) == ("config.invalid", ExitCode.USAGE)
