"""The resolved configuration: complete, readable again, without secrets."""

from __future__ import annotations

import json

from fakes.configuration import WHOLE, project_of

from devenv.config.show import render_yaml, resolved

TEXT = """\
name: shop
services:
  mysql: {password: hunter2}
processes:
  web: {run: 'echo ${HOME} $$', dir: "a $${b} $$ $c", port: 8000, stop_grace_period: 1m30s}
routes: {"*": web}
"""


def test_whole_text_as_yaml():
    assert render_yaml(project_of(TEXT)) == (
        """\
name: shop
domain: shop.localhost
provider: native
services:
  mysql:
    type: mysql
    port: 3306
    restart: always
    stop_grace_period: 10s
    database: app
    user: app
    password: '***'
processes:
  web:
    run: echo ${HOME} $$
    dir: a $${b} $$ $$c
    port: 8000
    restart: on-failure
    stop_grace_period: 90s
routes:
  '*':
    to: web
"""
    )


def test_data_has_the_plain_values():
    data = resolved(project_of(TEXT))
    assert data["processes"]["web"]["dir"] == "a ${b} $ $c"
    assert "hunter2" not in json.dumps(data)


def test_what_is_shown_is_a_file_again():
    for text in (TEXT, WHOLE):
        shown = render_yaml(project_of(text))
        assert render_yaml(project_of(shown)) == shown
        assert resolved(project_of(shown)) == resolved(project_of(text))
