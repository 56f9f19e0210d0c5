from pathlib import Path

import pytest
from fakes.configuration import project_of

from devenv.daemon.definition import check_known, check_providers, labels_of
from devenv.errors import DevenvError
from devenv.system.registry import identity_of


def refusal(call, *arguments):
    with pytest.raises(DevenvError) as caught:
        call(*arguments)
    return caught.value.message, caught.value.hint, caught.value.code


def test_an_unknown_name_gets_a_close_match():
    assert refusal(check_known, "wbe", ["web", "worker"]) == (
        "no unit is called `wbe`",
        "did you mean `web`?",
        "unit.unknown",
    )


def test_without_a_close_match_all_names_are_told():
    assert refusal(check_known, "zzz", ["worker", "web"])[1] == "there are: web, worker"


def test_a_known_name_is_fine():
    check_known("web", ["web"])


def test_a_provider_of_a_later_version_is_refused_with_what_to_set():
    assert refusal(
        check_providers, project_of("name: app\nprovider: docker\nservices: {redis: {}}")
    ) == (
        "cannot run `redis`: the provider `docker` is not available in this version",
        "set `services.redis.provider: native` in `devenv.yml`",
        "provider.unavailable",
    )


def test_a_service_may_overrule_the_provider():
    check_providers(
        project_of("name: app\nprovider: docker\nservices: {redis: {provider: native}}")
    )


@pytest.mark.parametrize(
    ("root", "labels"),
    [
        ("/home/you/shop-two", ("shop-two", "you")),
        ("/home/you/Über Projekt!", ("ber-projekt", "you")),
        ("/srv/shop/shop", ()),
    ],
)
def test_a_second_checkout_is_called_after_its_folders(root, labels):
    *readable, last = labels_of(Path(root), "shop")
    assert tuple(readable) == labels
    assert last == identity_of(Path(root))[:6]
