"""A `devenv.yml` given as text, without a file."""

from __future__ import annotations

from collections.abc import Mapping
from textwrap import dedent

from devenv.config.load import CONFIG_NAME, read_project
from devenv.errors import ConfigError
from devenv.model.spec import Project

WHOLE = """\
name: drund
domain: drund.localhost
address: 127.0.0.9
environment: {STAGE: dev}
python: {venv: .venv, requirements: [requirements.txt]}
node: {dirs: [activity]}
services:
  mysql: {database: drund, user: drund, password: drund}
  redis: {}
  rabbitmq: {vhost: drund}
  mongodb: {}
setup:
  submodules: {run: git submodule update --init, inputs: [.gitmodules]}
  migrate: {run: python manage.py migrate, needs: [mysql], inputs: ["**/migrations/*.py"]}
processes:
  web:
    run: python manage.py runserver --noreload $HOST:$PORT
    port: 8000
    needs: [mysql, redis, migrate]
    ready: {http: /health, timeout: 1m30s}
  activity: {run: node server.js, dir: activity, port: 9001, needs: [mongodb]}
  worker: {run: celery -A drund worker, needs: [rabbitmq, migrate], restart: always}
routes:
  activity: activity
  cdn: {assets: {django: manage.py}}
  "*": web
"""
"""One of everything."""


def read(text: str, variables: Mapping[str, str] | None = None) -> tuple[Project | None, list[str]]:
    """Return the project and the problems of *text*, each problem as a line."""
    try:
        return read_project(dedent(text), CONFIG_NAME, variables or {}), []
    except ConfigError as error:
        return None, [str(problem) for problem in error.problems]


def project_of(text: str, variables: Mapping[str, str] | None = None) -> Project:
    """Return the project of a *text* that must be right."""
    project, problems = read(text, variables)
    assert project is not None, problems
    return project


def problems_of(text: str, variables: Mapping[str, str] | None = None) -> list[str]:
    """Return the problems of a *text* that must be wrong, without the file's name."""
    problems = read(text, variables)[1]
    assert problems
    return [problem.removeprefix("devenv.yml:") for problem in problems]
