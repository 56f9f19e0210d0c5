"""Isolation for every test: a home of its own, no colour, no variables of the developer's."""

import os

import pytest

KEPT = ("PATH", "LANG", "TMPDIR", "CI", "VIRTUAL_ENV")
KEPT_PREFIXES = ("PIP_", "SSL_", "npm_", "NODE_EXTRA", "REQUESTS_", "CURL_", "GO", "DEVENV_TEST_")


@pytest.fixture(autouse=True)
def isolation(tmp_path_factory, monkeypatch):
    """No test touches the user's CA, registry, sockets or settings."""
    for name in list(os.environ):
        if name not in KEPT and not name.startswith(KEPT_PREFIXES):
            monkeypatch.delenv(name)
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("LANG", "C.UTF-8")
    return home
