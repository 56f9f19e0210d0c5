"""What the models expect, read from their annotations."""

from __future__ import annotations

from devenv.config.shapes import Fields, Leaf, ListOf, MapOf, Variants, fields_of, project_shape
from devenv.model.spec import MySQL, Process, Project, Python, Ready


def test_a_model_has_a_field_for_each_of_its_own():
    assert list(project_shape().fields) == list(Project.model_fields)


def test_a_type_keeps_the_words_that_describe_it():
    port = fields_of(Process).fields["port"].shape
    assert isinstance(port, Leaf)
    assert port.expected == "a port from 1 to 65535"
    assert not port.textual


def test_every_leaf_has_words():
    def leaves(shape):
        match shape:
            case Leaf():
                yield shape
            case ListOf():
                yield from leaves(shape.item)
            case MapOf():
                yield shape.key
                yield from leaves(shape.value)
            case Fields():
                for field in shape.fields.values():
                    yield from leaves(field.shape)
            case Variants():
                yield shape.tag
                for fields in shape.by_type.values():
                    yield from leaves(fields)

    found = list(leaves(project_shape()))
    assert len(found) > 50
    assert all(leaf.expected for leaf in found)


def test_words_of_an_enumeration_are_listed():
    restart = fields_of(Process).fields["restart"].shape
    assert isinstance(restart, Leaf)
    assert restart.expected == "`no`, `on-failure` or `always`"
    assert restart.textual


def test_commands_are_verbatim_and_passwords_secret():
    run = fields_of(Process).fields["run"].shape
    probe = fields_of(Ready).fields["exec"].shape
    password = fields_of(MySQL).fields["password"].shape
    assert isinstance(run, Leaf)
    assert isinstance(probe, Leaf)
    assert isinstance(password, Leaf)
    assert run.verbatim
    assert probe.verbatim
    assert password.secret
    assert not password.verbatim


def test_services_are_found_by_type():
    services = project_shape().fields["services"].shape
    assert isinstance(services, MapOf)
    assert isinstance(services.value, Variants)
    assert list(services.value.by_type) == ["mysql", "redis", "rabbitmq", "mongodb"]


def test_defaults_are_plain_data():
    assert fields_of(Python).fields["requirements"].default == ["requirements.txt"]
    assert fields_of(Process).fields["stop_grace_period"].default == "10s"
    assert fields_of(MySQL).fields["password"].default == "app"
    assert fields_of(Process).fields["restart"].default == "on-failure"


def test_a_mapping_says_what_it_cannot_do_without():
    assert fields_of(Process).expected == "a mapping with `run`"
    assert fields_of(Ready).expected == "a mapping"
