"""The page `docs/reference.md`: prose from `reference.md` beside this file, tables from the models.

    python -m devenv.config.reference > docs/reference.md

The example on the page is read and the mistakes on it are made while rendering, so neither can go
stale; a test holds the committed page to what this returns.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

from devenv.config.load import CONFIG_NAME, read_project
from devenv.config.shapes import Field, Fields, Leaf, ListOf, MapOf, Shape, Variants, fields_of
from devenv.errors import ConfigError, Problem
from devenv.model.spec import (
    RESERVED_NAMES,
    Assets,
    Model,
    MongoDB,
    MySQL,
    Node,
    Process,
    Project,
    Python,
    RabbitMQ,
    Ready,
    Redis,
    Route,
    Service,
    Step,
)

TEMPLATE = Path(__file__).with_name("reference.md")
MARKER = re.compile(r"\{\{(\w+)\}\}")
MODELS: tuple[type[Model], ...] = (
    Project,
    Python,
    Node,
    MySQL,
    Redis,
    RabbitMQ,
    MongoDB,
    Step,
    Process,
    Ready,
    Route,
    Assets,
)
ARTICLE = re.compile("^(a|the) ")
HEADER = "| key | type | default | meaning |\n|---|---|---|---|"

EXAMPLE = """\
name: shop

python: {requirements: [requirements.txt]}
node: {dirs: [frontend]}

services:
  mysql: {database: shop, user: shop, password: "${SHOP_DB_PASSWORD:-shop}"}
  redis:

setup:
  migrate:
    run: python manage.py migrate
    needs: [mysql]
    inputs: ["**/migrations/*.py"]

processes:
  web:
    run: python manage.py runserver --noreload $HOST:$PORT
    port: 8000
    needs: [migrate, redis]
    ready: {http: /health}
  worker:
    run: celery -A shop worker
    needs: [migrate, redis]
    restart: always
  frontend:
    run: node server.js
    dir: frontend
    port: 9001

routes:
  app: frontend
  cdn: {assets: {django: manage.py}}
  "*": web
"""

MISTAKEN = """\
name: shop
services:
  mysql: {port: 70000}
processes:
  web: {run: ./serve, prot: 8000, needs: [mysqll]}
  api: {run: ./api, needs: [jobs]}
  jobs: {run: ./jobs, needs: [api]}
"""


def render_reference() -> str:
    """Return the Markdown of the page."""
    blocks = {model.__name__: _section(fields_of(model)) for model in MODELS}
    blocks["example"] = _checked(EXAMPLE).rstrip()
    blocks["mistakes"] = "\n".join(map(str, _problems(MISTAKEN)))
    blocks["reserved"] = _enumerate(sorted(RESERVED_NAMES))
    return MARKER.sub(lambda match: blocks[match[1]], TEMPLATE.read_text(encoding="utf-8"))


def _section(fields: Fields) -> str:
    rows = [_row(name, field, fields.model) for name, field in fields.fields.items()]
    return "\n".join([fields.model.__doc__ or "", "", HEADER, *rows])


def _row(name: str, field: Field, model: type[Model]) -> str:
    default = _default(field)
    if name == "port" and issubclass(model, Service):
        default = f"`{model.usual_port}`"
    cells = (f"`{name}`", _type(field.shape, name), default, field.description)
    return f"| {' | '.join(cell.replace('|', '&#124;') for cell in cells)} |"


def _type(shape: Shape, name: str) -> str:
    """Return the type of the key *name*; what has keys of its own has a section of that name."""
    match shape:
        case Leaf():
            return ARTICLE.sub("", shape.expected)
        case ListOf():
            return f"list: {_type(shape.item, name)}"
        case MapOf() if isinstance(shape.value, Leaf):
            return f"mapping: name to {_type(shape.value, name)}"
        case MapOf() | Fields() | Variants():
            return f"[mapping](#{name})"


def _default(field: Field) -> str:
    if field.required:
        return "**required**"
    if field.default is None or field.default == []:
        return ""
    if isinstance(field.default, str):
        return f"`{field.default}`"
    return f"`{json.dumps(field.default)}`"


def _problems(text: str) -> tuple[Problem, ...]:
    try:
        read_project(text, CONFIG_NAME, {})
    except ConfigError as error:
        return error.problems
    return ()


def _checked(text: str) -> str:
    assert not _problems(text), "the example must be right"
    return text


def _enumerate(words: list[str]) -> str:
    quoted = [f"`{word}`" for word in words]
    return f"{', '.join(quoted[:-1])} or {quoted[-1]}"


if __name__ == "__main__":
    sys.stdout.write(render_reference())
