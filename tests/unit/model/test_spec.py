"""The models as the rest of devenv uses them: defaults, freezing, serialising."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from devenv.model.spec import SERVICE_TYPES, Project, Ready, Route


def test_the_domain_follows_from_the_name():
    assert Project(name="shop").domain == "shop.localhost"
    assert Project(name="shop", domain="shop.test").domain == "shop.test"


def test_a_service_has_the_type_of_its_name_unless_it_says_another():
    services = Project.model_validate(
        {"name": "shop", "services": {"redis": None, "sessions": {"type": "redis"}}}
    ).services
    assert [service.type for service in services.values()] == ["redis", "redis"]


def test_every_service_knows_its_usual_port():
    usual = {kind: model.usual_port for kind, model in SERVICE_TYPES.items()}
    assert usual == {"mysql": 3306, "redis": 6379, "rabbitmq": 5672, "mongodb": 27017}


def test_a_route_may_be_one_word():
    assert Route.model_validate("web") == Route(to="web")


@pytest.mark.parametrize("body", [{}, {"http": "/", "tcp": True}, {"tcp": False}])
def test_readiness_is_exactly_one_check(body):
    with pytest.raises(ValidationError, match="exactly one of http, tcp and exec"):
        Ready.model_validate(body)


def test_models_are_frozen():
    project = Project(name="shop")
    with pytest.raises(ValidationError):
        project.name = "other"


def test_a_secret_is_never_serialised_nor_printed():
    project = Project.model_validate({"name": "s", "services": {"mysql": {"password": "hunter2"}}})
    assert "hunter2" not in project.model_dump_json()
    assert "hunter2" not in repr(project)
    assert '"password":"***"' in project.model_dump_json()
