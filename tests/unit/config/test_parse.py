"""Whole files: everything at once, in order, and never anything but problems."""

from __future__ import annotations

import pytest
import yaml
from fakes.configuration import WHOLE, problems_of, project_of, read
from hypothesis import given, settings
from hypothesis import strategies as st

from devenv.config.syntax import render


def test_one_of_everything():
    project = project_of(WHOLE)
    assert list(project.services) == ["mysql", "redis", "rabbitmq", "mongodb"]
    assert project.processes["web"].run == "python manage.py runserver --noreload $HOST:$PORT"
    assert project.processes["web"].needs == ("mysql", "redis", "migrate")
    assert project.routes["*"].to == "web"
    assert project.routes["cdn"].assets is not None


def test_a_name_is_enough():
    assert project_of("name: shop\n").domain == "shop.localhost"


def test_every_problem_comes_at_once_in_the_order_of_the_file():
    assert problems_of(
        """\
        name: My_App
        services:
          mysq: {port: 1}
          redis: {port: 70000, prot: 1}
        setup:
          migrate: {run: x, needs: [web, migrate]}
        processes:
          web: {command: x, depends_on: [redis]}
          api: {run: x, port: "${API_PORT}", needs: [worker]}
          worker: {run: x, needs: [api], stop_grace_period: soon}
          redis: celery
        routes:
          "*": wbe
        unknown: 1
        """
    ) == [
        "1:7: name: expected a name of at most 63 lower-case letters, digits and inner hyphens, "
        'got "My_App"',
        "3:3: services.mysq: unknown service `mysq`, did you mean `mysql`?",
        "4:17: services.redis.port: expected a port from 1 to 65535, got 70000",
        "4:24: services.redis: unknown key `prot`, did you mean `port`?",
        "6:29: setup.migrate.needs: a step cannot need `web`: processes start after set-up",
        "6:34: setup.migrate.needs: `migrate` needs itself",
        "8:9: processes.web: unknown key `command`, did you mean `run`?",
        "8:21: processes.web: unknown key `depends_on`, did you mean `needs`?",
        "9:23: processes.api.port: variable `API_PORT` is not set: "
        "set it, or write `${API_PORT:-default}`",
        "10:28: processes.worker.needs: these need each other: api -> worker -> api",
        "10:53: processes.worker.stop_grace_period: expected a duration such as 30s or 1m30s, "
        'got "soon"',
        '11:10: processes.redis: expected a mapping with `run`, got "celery"',
        "13:8: routes.*: no service or process is called `wbe`, did you mean `web`?",
        "14:1: unknown key `unknown`, expected one of `name`, `domain`, `address`, `provider`, "
        "`environment`, `python`, `node`, `services`, `setup`, `processes`, `routes`",
    ]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "1:1: the file is empty, expected at least `name: ...`"),
        ("# nothing\n", "1:1: the file is empty, expected at least `name: ...`"),
        ("just text", '1:1: expected a mapping with `name`, got "just text"'),
        ("- a\n", "1:1: expected a mapping with `name`, got a list"),
        (
            "name: [a]\n",
            "1:7: name: expected a name of at most 63 lower-case letters, digits and "
            "inner hyphens, got a list",
        ),
        (
            "name: s\nservices: [mysql]\n",
            "2:11: services: expected a mapping (`name: value`), got a list",
        ),
        ("name: s\nservices: {mysql: 8}\n", "2:19: services.mysql: expected a mapping, got 8"),
        (
            "name: s\nenvironment: [A=1]\n",
            "2:14: environment: expected a mapping (`name: value`), got a list",
        ),
        (
            "name: s\nsetup: {a: {run: x, needs: b}}\n",
            '2:28: setup.a.needs: expected a list, such as [a, b], got "b"',
        ),
        (
            "name: s\nversion: 3\n",
            "2:1: unknown key `version`: devenv.yml has no version: remove it",
        ),
        (
            "name: s\nservices: {mysql: {image: x}}\n",
            "2:20: services.mysql: unknown key `image`: "
            "the server follows from the service's name or `type`, how it runs from `provider`",
        ),
        (
            "name: s\nservices: {postgres: }\n",
            "2:12: services.postgres: unknown service `postgres`, "
            "expected one of `mysql`, `redis`, `rabbitmq`, `mongodb` as its name or its `type`",
        ),
        (
            "name: s\nservices: {db: {type: mysqll}}\n",
            "2:23: services.db.type: unknown service `mysqll`, did you mean `mysql`?",
        ),
        (
            "name: s\nservices: {db: {type: [a]}}\n",
            "2:23: services.db.type: expected `mysql`, "
            "`redis`, `rabbitmq` or `mongodb`, got a list",
        ),
    ],
)
def test_a_file_of_the_wrong_shape(text, problem):
    assert problems_of(text) == [problem]


ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.sampled_from(["", "web", "mysql", "${X}", "${", "$$", "*", "30s", "\0", "x" * 300, "ä b"]),
    st.text(),
    st.lists(st.text() | st.integers(), max_size=3),
    st.dictionaries(
        st.sampled_from(["run", "type", "needs", "port", "to", "http", "", "x-y", "a b"]),
        st.none() | st.text() | st.integers() | st.lists(st.text(), max_size=2),
        max_size=3,
    ),
)
NESTED = st.recursive(ODD, lambda s: st.lists(s, max_size=4) | st.dictionaries(st.text(), s))


def answered(text: str) -> bool:
    """Tell whether *text* is read whole, or every problem in it is one short line."""
    project, problems = read(text, {"X": "1"})
    assert (project is None) or not problems
    assert all("\n" not in problem and len(problem) < 1000 for problem in problems)
    return project is not None or bool(problems)


@settings(deadline=None)
@given(st.text())
def test_any_text_is_answered(text):
    assert answered(text)


@settings(deadline=None)
@given(NESTED)
def test_any_data_is_answered(data):
    assert answered(render(data))


def paths_of(data: object, path: tuple[object, ...] = ()) -> list[tuple[object, ...]]:
    """Return the path of everything in *data*."""
    items: list[tuple[object, object]] = []
    if isinstance(data, dict):
        items = list(data.items())
    elif isinstance(data, list):
        items = list(enumerate(data))
    return [path, *(p for key, value in items for p in paths_of(value, (*path, key)))]


VALID = yaml.safe_load(WHOLE)
PATHS = paths_of(VALID)[1:]


def replaced(data: object, path: tuple[object, ...], value: object) -> object:
    """Return *data* with *value* at *path*, if there still is such a path."""
    if not path:
        return value
    if isinstance(data, dict) and path[0] in data:
        return {**data, path[0]: replaced(data[path[0]], path[1:], value)}
    if isinstance(data, list) and isinstance(path[0], int) and path[0] < len(data):
        head, tail = data[: path[0]], data[path[0] + 1 :]
        return [*head, replaced(data[path[0]], path[1:], value), *tail]
    return data


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(PATHS), ODD), min_size=1, max_size=4))
def test_a_valid_file_with_odd_values_is_answered(changes):
    data = VALID
    for path, value in changes:
        data = replaced(data, path, value)
    assert answered(render(data))


@settings(max_examples=300, deadline=None)
@given(
    st.integers(0, len(WHOLE)),
    st.integers(0, 40),
    st.sampled_from(["", "\t", "{", "}", "[", ": ", "\n", "&a ", "*a", "'", '"', "${", "- ", "!x "])
    | st.text(max_size=3),
)
def test_a_valid_file_with_a_piece_replaced_is_answered(start, length, piece):
    assert answered(WHOLE[:start] + piece + WHOLE[start + length :])


def test_every_problem_points_into_the_file():
    text = "name: s\nprocesses:\n" + "".join(f"  p{n}: {{run: x, port: 0}}\n" for n in range(50))
    places = [problem.split(":")[:2] for problem in problems_of(text)]
    assert places == [[str(line), "22" if line < 13 else "23"] for line in range(3, 53)]
