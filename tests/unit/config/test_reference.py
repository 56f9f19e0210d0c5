"""The page is what the models say."""

from __future__ import annotations

from pathlib import Path

from fakes.configuration import project_of

from devenv.config.reference import EXAMPLE, MARKER, render_reference
from devenv.config.shapes import fields_of
from devenv.model.spec import SERVICE_TYPES, Model, Project

PAGE = Path(__file__).parents[3] / "docs" / "reference.md"


def test_the_committed_page_is_current():
    """Mend it with `python -m devenv.config.reference > docs/reference.md`."""
    assert PAGE.read_text(encoding="utf-8") == render_reference()


def test_every_model_has_its_keys_on_the_page():
    page = render_reference()
    assert not MARKER.search(page)
    for model in [*Model.__subclasses__(), *SERVICE_TYPES.values()]:
        if model is Project or not model.__subclasses__():
            for name, field in fields_of(model).fields.items():
                assert f"| `{name}` |" in page
                assert field.description in page


def test_the_example_is_right():
    assert project_of(EXAMPLE).routes["*"].to == "web"
