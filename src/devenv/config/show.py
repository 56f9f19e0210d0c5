"""Pure but for YAML's door. The resolved configuration, for people and for scripts.

Defaults are filled in, references replaced, secrets hidden. As YAML it is a `devenv.yml` again:
dollar signs that would be taken for a reference are doubled. As data it is the plain values.
"""

from __future__ import annotations

from devenv.config.interpolate import refers
from devenv.config.shapes import Fields, Leaf, ListOf, MapOf, Shape, Variants, project_shape
from devenv.config.syntax import render
from devenv.model.spec import Project


def resolved(project: Project) -> dict[str, object]:
    """Return the project as plain data: durations as text, secrets as `***`, empty values left out.

    A route is always a mapping, a service always has its port.
    """
    data: dict[str, object] = project.model_dump(mode="json", exclude_none=True)
    services = {
        name: {
            "type": service.type,
            "port": service.usual_port if service.port is None else service.port,
            **service.model_dump(mode="json", exclude_none=True),
        }
        for name, service in project.services.items()
    }
    return {key: _filled(value) for key, value in {**data, "services": services}.items() if value}


def render_yaml(project: Project) -> str:
    """Return the project as the text of a `devenv.yml`."""
    return render(_escaped(resolved(project), project_shape()))


def _filled(value: object) -> object:
    """Return *value* without the lists and mappings in it that hold nothing."""
    if not isinstance(value, dict):
        return value
    return {key: _filled(item) for key, item in value.items() if item not in ([], {})}


def _escaped(value: object, shape: Shape) -> object:
    """Return *value* so that interpolation gives it back."""
    match shape, value:
        case Leaf(), str() if not shape.verbatim and refers(value):
            return value.replace("$", "$$")
        case ListOf(), list():
            return [_escaped(item, shape.item) for item in value]
        case MapOf(), dict():
            return {key: _escaped(item, shape.value) for key, item in value.items()}
        case Variants(), dict():
            return _escaped(value, shape.by_type[value["type"]])
        case Fields(), dict():
            return {key: _escaped(item, shape.fields[key].shape) for key, item in value.items()}
        case _:
            return value
