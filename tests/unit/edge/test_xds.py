import base64
import json
from dataclasses import replace
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from devenv.edge import xds
from devenv.edge.config import EdgeConfig, EdgeFiles, UnitKey
from devenv.model.routing import VirtualHost
from devenv.model.unit import Endpoint
from devenv.pki.authority import Leaf

LEAF = Leaf(Path("/ca/certificate.pem"), Path("/ca/key.pem"))
FILES = EdgeFiles(Path("/state/edge"), Path("/run/devenv"), "$status $title $message $list $hint")
WEB = Endpoint("127.84.1.1", 8000)
KEY = UnitKey("one", "web")


def host(name, endpoint=WEB, unit="web"):
    return VirtualHost(name, endpoint, "one", unit)


def config(*hosts):
    return EdgeConfig(8443, LEAF, hosts, {each.host: LEAF for each in hosts})


def resource(rendered, name):
    return json.loads(rendered[name])["resources"][0]


def endpoints(rendered):
    """Return address -> subsets."""
    found = {}
    for each in resource(rendered, "eds.json")["endpoints"][0]["lb_endpoints"]:
        address = each["endpoint"]["address"]
        place = address.get("pipe", {}).get("path") or "{address}:{port_value}".format(
            **address["socket_address"]
        )
        found[place] = each["metadata"]["filter_metadata"]["envoy.lb"]["unit"]
    return found


def wanted_subsets(rendered):
    actions = [
        virtual_host["routes"][0]["route"]
        for virtual_host in resource(rendered, "rds.json")["virtual_hosts"]
        if "route" in virtual_host["routes"][0]
    ]
    return [action["metadata_match"]["filter_metadata"]["envoy.lb"]["unit"] for action in actions]


def test_equal_input_gives_equal_bytes():
    assert xds.render(config(host("a.test")), FILES) == xds.render(config(host("a.test")), FILES)


def test_version_follows_content():
    before = xds.render(config(host("a.test")), FILES)
    after = xds.render(config(host("a.test", replace(WEB, port=8001))), FILES)
    changed = {
        name for name in before if xds.version_of(before[name]) != xds.version_of(after[name])
    }
    assert changed == {"eds.json"}


def test_new_host_leaves_how_upstreams_are_spoken_to_alone():
    before = xds.render(config(host("a.test")), FILES)
    after = xds.render(config(host("a.test"), host("b.test")), FILES)
    assert before["cds.json"] == after["cds.json"]
    assert before["eds.json"] == after["eds.json"]


hosts = st.lists(
    st.builds(
        lambda n, unit: host(f"h{n}.test", Endpoint("127.84.1.1", 8000 + unit), f"unit{unit}"),
        st.integers(0, 50),
        st.integers(0, 5),
    ),
    unique_by=lambda each: each.host,
)


@given(hosts, st.sets(st.integers(0, 5)))
def test_every_route_leads_to_exactly_one_endpoint(hosts, held):
    keys = frozenset(UnitKey("one", f"unit{n}") for n in held)
    rendered = xds.render(config(*hosts), FILES, keys)
    subsets = [subset for names in endpoints(rendered).values() for subset in names]
    for wanted in wanted_subsets(rendered):
        assert subsets.count(wanted) == 1


def test_held_unit_is_sent_where_nobody_listens_and_stays_counted():
    rendered = xds.render(
        config(host("a.test"), host("b.test", replace(WEB, port=1), "b")), FILES, [KEY]
    )
    places = endpoints(rendered)
    refusing = [place for place in places if place.startswith("/run/devenv/hold-")]
    assert [places[place] for place in refusing] == [["one/web"]]
    assert places["127.84.1.1:8000"] == ["resting:one/web"]
    assert places["127.84.1.1:1"] == ["one/b"]


def test_units_on_one_endpoint_share_it():
    rendered = xds.render(config(host("a.test"), host("b.test", unit="b")), FILES)
    assert endpoints(rendered) == {"127.84.1.1:8000": ["one/b", "one/web"]}


def test_wait_adds_up_to_the_bound():
    rendered = xds.render(replace(config(host("a.test")), hold_s=30), FILES)
    policy = resource(rendered, "rds.json")["virtual_hosts"][0]["routes"][0]["route"][
        "retry_policy"
    ]
    mean_wait_s = float(policy["retry_back_off"]["max_interval"].rstrip("s")) / 2
    assert policy["num_retries"] * mean_wait_s == 30
    assert policy["retry_on"] == "connect-failure,refused-stream"


def test_a_websocket_that_came_over_http2_is_given_the_key_it_lacks():
    """RFC 8441 has no Sec-WebSocket-Key; RFC 6455 servers insist on 16 bytes of it."""
    rendered = xds.render(config(host("a.test")), FILES)
    handshakes, rest = resource(rendered, "rds.json")["virtual_hosts"][0]["routes"]
    added = {each["header"]["key"]: each for each in handshakes["request_headers_to_add"]}
    assert len(base64.b64decode(added["sec-websocket-key"]["header"]["value"])) == 16
    assert {each["append_action"] for each in added.values()} == {"ADD_IF_ABSENT"}
    assert handshakes["route"] == rest["route"]
    assert "request_headers_to_add" not in rest
