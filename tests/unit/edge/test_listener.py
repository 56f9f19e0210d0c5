from dataclasses import replace
from pathlib import Path

from devenv.edge.config import EdgeConfig
from devenv.edge.listener import listeners
from devenv.model.routing import VirtualHost
from devenv.model.unit import Endpoint
from devenv.pki.authority import Leaf

LAYOUT = "$status $title 100% $message $list $hint"
TABLE = {"route_config_name": "routes"}


def leaf(name):
    return Leaf(Path(f"/ca/{name}.pem"), Path(f"/ca/{name}.key"))


def config(*names, **changes):
    upstream = Endpoint("127.84.1.1", 8000)
    return EdgeConfig(
        https_port=8443,
        fallback=leaf("localhost"),
        hosts=tuple(VirtualHost(name, upstream, "one", "web") for name in names),
        certificates={name: leaf(name) for name in names},
        addresses=("127.0.0.1", "::1"),
        **changes,
    )


def secure(config):
    return listeners(config, TABLE, LAYOUT)[0]


def shown(chain):
    context = chain["transport_socket"]["typed_config"]["common_tls_context"]
    return context["tls_certificates"][0]["certificate_chain"]["filename"]


def manager(chain):
    return chain["filters"][0]["typed_config"]


def test_each_name_is_shown_its_own_certificate():
    chains = secure(config("a.test", "*.a.test"))["filter_chains"]
    assert {chain["filter_chain_match"]["server_names"][0]: shown(chain) for chain in chains} == {
        "a.test": "/ca/a.test.pem",
        "*.a.test": "/ca/*.a.test.pem",
    }


def test_unknown_name_is_shown_the_fallback():
    assert shown(secure(config("a.test"))["default_filter_chain"]) == "/ca/localhost.pem"


def test_hosts_may_share_a_certificate():
    """Envoy refuses two filter chains that match the same names."""
    both = replace(
        config("a.test", "b.test"), certificates=dict.fromkeys(("a.test", "b.test"), leaf("x"))
    )
    chains = secure(both)["filter_chains"]
    assert [chain["filter_chain_match"]["server_names"] for chain in chains] == [
        ["a.test", "b.test"]
    ]


def test_new_host_changes_no_other_chain():
    """What a chain repeats must not depend on the hosts, or connections would be drained."""
    before, after = secure(config("a.test")), secure(config("a.test", "b.test"))
    assert before["filter_chains"][0] == after["filter_chains"][0]
    assert before["default_filter_chain"] == after["default_filter_chain"]


def test_every_address_is_bound_and_none_is_shared():
    listener = secure(config("a.test"))
    others = [each["address"] for each in listener["additional_addresses"]]
    bound = [each["socket_address"]["address"] for each in (listener["address"], *others)]
    assert bound == ["127.0.0.1", "::1"]
    assert listener["enable_reuse_port"] is False


def test_plain_http_is_redirected_only_if_asked_for():
    names = [each["name"] for each in listeners(config("a.test", http_port=80), TABLE, LAYOUT)]
    assert names == ["https", "http"]
    assert len(listeners(config("a.test"), TABLE, LAYOUT)) == 1


def test_pages_survive_envoys_own_substitution():
    """Envoy expands `%...%` in bodies; a lone percent sign makes it refuse the configuration."""
    mappers = manager(secure(config("a.test"))["default_filter_chain"])["local_reply_config"][
        "mappers"
    ]
    bodies = [m["body_format_override"]["text_format_source"]["inline_string"] for m in mappers]
    assert [body for body in bodies if "100%" in body]
    assert all("%" not in body.replace("%%", "") for body in bodies)


def test_only_what_was_asked_by_get_is_asked_again():
    mappers = manager(secure(config("a.test"))["default_filter_chain"])["local_reply_config"][
        "mappers"
    ]
    refreshing = [m for m in mappers if "refresh" in str(m["headers_to_add"])]
    assert len(refreshing) == 1
    assert "'exact': 'GET'" in str(refreshing[0]["filter"])
