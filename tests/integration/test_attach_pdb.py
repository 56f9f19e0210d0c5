"""A debugger's prompt in Django's runserver, from any terminal, with line editing."""

from __future__ import annotations

import threading

import pytest
from fakes.browsers import Connection, get

pytestmark = pytest.mark.integration

SITE = """\
import os
import sys

from django.conf import settings
from django.core.management import execute_from_command_line
from django.http import JsonResponse
from django.urls import path

settings.configure(
    DEBUG=True, SECRET_KEY="s", ALLOWED_HOSTS=["*"], ROOT_URLCONF=__name__, USE_TZ=True
)


def home(request):
    return JsonResponse({"path": request.path})


def traced(request):
    answer = 6 * 7
    breakpoint()
    return JsonResponse({"answer": answer})


urlpatterns = [path("", home), path("traced", traced)]

if __name__ == "__main__":
    execute_from_command_line(sys.argv)
"""
CONFIG = """\
name: app
processes:
  web:
    run: python site_of_one_file.py runserver --noreload $HOST:$PORT
    port: 8000
    ready: {http: /}
routes: {"*": web}
"""
LEFT, UP, BACKSPACE, DETACH = "\x1b[D", "\x1b[A", "\x7f", "\x1d"


def test_pdb_in_runserver(checkout):
    (checkout.folder / "site_of_one_file.py").write_text(SITE)
    checkout.write(CONFIG)
    assert checkout.up()["ready"] is True
    answers = []

    def ask() -> None:
        connection = Connection(checkout.home, "www.app.localhost")
        connection.timeout = 50
        answers.append(connection.get("/traced"))
        connection.close()

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        with checkout.screen("attach", "web") as user:
            user.sees("attached to `web`; detach with Ctrl-]")
            user.sees("(Pdb)")
            user.type(f"p answer + 10{LEFT}{LEFT}1{BACKSPACE}2\r")  # answer + 210
            user.sees("252")
            user.type(f"{UP}\r")
            user.sees("252")
            user.type(DETACH)
            user.sees("detached from `web`; it goes on")
            assert user.exits() == 0
        assert get(checkout.home, "www.app.localhost") == {"path": "/"}  # others are served
        assert answers == []
        with checkout.screen("attach", "web") as user:
            user.sees("(Pdb)")
            user.type("answer = 43\r")
            user.sees("(Pdb)")
            user.type("continue\r")
            asking.join(20)
            user.type(DETACH)
            assert user.exits() == 0
    finally:
        checkout.down()
        asking.join(30)
    assert answers == [(200, b'{"answer": 43}')]


def test_what_cannot_be_attached_to(checkout):
    checkout.write(CONFIG.replace("$HOST:$PORT", "$HOST:$PORT # not started"))
    done = checkout.devenv("attach", "web")
    assert (done.returncode, done.stderr) == (
        1,
        "error: this checkout is not up\n\nhint: devenv up\n",
    )
