"""Pure. From a document to the project, or to every problem in it.

Stages: resolve (references, types, unknown keys), validate (the models), check (across fields).
All of them run whatever the ones before found; of several problems at one place the first stage's
is kept, since it knows best what was meant.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pydantic import ValidationError

from devenv.config.checks import Checks
from devenv.config.positions import Document
from devenv.config.resolve import Resolution
from devenv.config.shapes import project_shape
from devenv.config.wording import problems_of
from devenv.errors import Problem
from devenv.model.spec import Project


def parse(
    document: Document, variables: Mapping[str, str]
) -> tuple[Project | None, tuple[Problem, ...]]:
    """Return the project, or None and its problems in the order of the file.

    Args:
        document: the file.
        variables: what `${NAME}` stands for.
    """
    shape = project_shape()
    resolution = Resolution(document, shape, variables)
    if not isinstance(resolution.data, dict):
        return None, tuple(resolution.problems)
    project: Project | None = None
    problems = [*resolution.problems]
    try:
        project = Project.model_validate(resolution.data)
    except ValidationError as error:
        problems.extend(problems_of(error, document, shape, resolution.spoiled))
    problems.extend(Checks(resolution).problems())
    if problems:
        return None, in_order(problems)
    return project, ()


def in_order(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Return *problems* by place, one for each place: the first that was given."""
    by_place: dict[tuple[int, int], Problem] = {}
    for problem in problems:
        by_place.setdefault((problem.line, problem.column), problem)
    return tuple(by_place[place] for place in sorted(by_place))
