"""Pure. What the edge serves, as the four files that Envoy watches.

    rds.json   host -> unit                 replaced when hosts change
    eds.json   unit -> endpoint             replaced when an upstream restarts or moves
    lds.json   sockets and certificates     replaced when a certificate comes, goes or is renewed
    cds.json   how to speak to upstreams    never replaced in practice

There is one cluster for all units, and a unit is a *subset* of it (a value of the endpoint's
metadata), for two reasons. Envoy takes one inotify instance per watched file and aborts when there
are no more (128 per user by default; envoyproxy/envoy#7130), so a file per unit would not scale.
And an endpoint can be swapped under waiting requests, which then retry against the new one.

JSON, because YAML reads a bare `n` as false. Each file carries the digest of its content as its
version, so that what Envoy runs can be compared with what it was given. Field names are Envoy's
v3 API; `edge.listener` has the part that faces the client.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path

from devenv.edge.config import EdgeConfig, EdgeFiles, UnitKey, key_of
from devenv.edge.listener import accepts, file_source, header_to_set, listeners, typed
from devenv.edge.pages import Format, Page, render_page, unknown_host
from devenv.model.routing import VirtualHost
from devenv.model.unit import Endpoint

CLUSTER = "upstreams"
ROUTES = "routes"
METADATA_KEY = "unit"

RESTING = "resting"
"""Prefix of the subset that a held unit's real endpoint moves to: no route leads there, but Envoy
still counts the requests it has in flight."""

LIMIT = 1_000_000
"""In place of circuit breakers: one client, one machine; the default of 3 retries at once would
fail requests that wait for a restart."""

UPSTREAM_IDLE = "1s"
"""Shorter than any development server keeps an idle connection (gunicorn 2 s, Node 5 s), so that
no request is sent into one that is being closed."""

RETRY_BASE_S = 0.025
RETRY_LONGEST_S = 0.2
"""Envoy draws each wait evenly from 0 to an interval that doubles up to this one."""

WEBSOCKET_KEY = base64.b64encode(b"devenv's own key").decode()
"""16 bytes, as RFC 6455 section 4.1 asks."""

MAX_BODY_BYTES = 1024 * 1024
"""Room for the page that lists hosts; Envoy's default for its own bodies is 4 KiB."""


def render(
    config: EdgeConfig, files: EdgeFiles, held: Collection[UnitKey] = ()
) -> Mapping[str, bytes]:
    """Return the content of each watched file by its name; equal input gives equal bytes.

    Args:
        config: consistent (`edge.config.problems`).
        files: where the watched files will be, and what the pages look like.
        held: units whose requests wait.
    """
    route_table = {
        "route_config_name": ROUTES,
        "config_source": file_source(files.folder / "rds.json"),
    }
    return {
        "cds.json": _response([_cluster(files)]),
        "eds.json": _response([_endpoints(config.hosts, files, held)]),
        "rds.json": _response([_routes(config, files.layout)]),
        "lds.json": _response(listeners(config, route_table, files.layout)),
    }


def version_of(content: bytes) -> str:
    """Return the version that *content*, one of the rendered files, carries."""
    return str(json.loads(content)["version_info"])


def _response(resources: Sequence[Mapping[str, object]]) -> bytes:
    body = json.dumps(resources, sort_keys=True)
    version = hashlib.sha256(body.encode()).hexdigest()[:16]
    return json.dumps({"version_info": version, "resources": resources}, sort_keys=True).encode()


def _cluster(files: EdgeFiles) -> Mapping[str, object]:
    limits = ("max_connections", "max_pending_requests", "max_requests", "max_retries")
    return {
        "@type": "type.googleapis.com/envoy.config.cluster.v3.Cluster",
        "name": CLUSTER,
        "type": "EDS",
        "eds_cluster_config": {"eds_config": file_source(files.folder / "eds.json")},
        "connect_timeout": "5s",
        "circuit_breakers": {"thresholds": [dict.fromkeys(limits, LIMIT)]},
        "lb_subset_config": {
            "fallback_policy": "NO_FALLBACK",
            "list_as_any": True,
            "subset_selectors": [{"keys": [METADATA_KEY]}],
        },
        "typed_extension_protocol_options": {
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": typed(
                "envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
                common_http_protocol_options={"idle_timeout": UPSTREAM_IDLE},
                explicit_http_config={"http_protocol_options": {}},
            )
        },
    }


def _endpoints(
    hosts: Iterable[VirtualHost], files: EdgeFiles, held: Collection[UnitKey]
) -> Mapping[str, object]:
    """Return all endpoints; one that several units name carries all their subsets."""
    subsets: dict[Endpoint, list[str]] = {}
    upstreams = {key_of(host): host.upstream for host in hosts}
    for key, endpoint in upstreams.items():
        subsets.setdefault(endpoint, []).append(f"{RESTING}:{key}" if key in held else str(key))
    resting = {
        str(key): {"pipe": {"path": str(_refusing_socket(files.sockets, key))}}
        for key in upstreams
        if key in held
    }
    live = [_endpoint(_address(endpoint), names) for endpoint, names in subsets.items()]
    refusing = [_endpoint(address, [name]) for name, address in resting.items()]
    return {
        "@type": "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment",
        "cluster_name": CLUSTER,
        "endpoints": [{"lb_endpoints": live + refusing}],
    }


def _endpoint(address: Mapping[str, object], subsets: Sequence[str]) -> Mapping[str, object]:
    return {
        "endpoint": {"address": address},
        "metadata": {"filter_metadata": {"envoy.lb": {METADATA_KEY: sorted(subsets)}}},
    }


def _address(endpoint: Endpoint) -> Mapping[str, object]:
    return {"socket_address": {"address": endpoint.host, "port_value": endpoint.port}}


def _refusing_socket(folder: Path, key: UnitKey) -> Path:
    """Return a socket's path that does not exist, so that every connect fails at once.

    A path of our own, because on any address and port somebody might listen one day.
    """
    digest = hashlib.sha256(str(key).encode()).hexdigest()[:12]
    return folder / f"hold-{digest}"


def _routes(config: EdgeConfig, layout: str) -> Mapping[str, object]:
    unknown = unknown_host([host.host for host in config.hosts], config.https_port)
    return {
        "@type": "type.googleapis.com/envoy.config.route.v3.RouteConfiguration",
        "name": ROUTES,
        "virtual_hosts": [
            *(_virtual_host(host, config.hold_s) for host in config.hosts),
            {"name": "unknown", "domains": ["*"], "routes": _page_routes(unknown, layout)},
        ],
        "ignore_port_in_host_matching": True,
        "max_direct_response_body_size_bytes": MAX_BODY_BYTES,
        "request_headers_to_remove": ["x-envoy-external-address", "x-envoy-internal"],
        "request_headers_to_add": [
            header_to_set("x-forwarded-host", "%REQ(:AUTHORITY)%"),
            header_to_set("x-forwarded-port", str(config.https_port)),
        ],
    }


def _virtual_host(host: VirtualHost, hold_s: float) -> Mapping[str, object]:
    subset = {"filter_metadata": {"envoy.lb": {METADATA_KEY: str(key_of(host))}}}
    action = {
        "cluster": CLUSTER,
        "metadata_match": subset,
        "timeout": "0s",
        "retry_policy": _retry_policy(hold_s),
    }
    return {
        "name": host.host,
        "domains": [host.host],
        "routes": [_websocket_route(action), {"match": {"prefix": "/"}, "route": action}],
    }


def _websocket_route(action: Mapping[str, object]) -> Mapping[str, object]:
    """Return the route of WebSocket handshakes, completed where they came over HTTP/2.

    A handshake over HTTP/2 (RFC 8441) has no `Sec-WebSocket-Key`; Envoy hands it to an HTTP/1.1
    upstream without one (envoyproxy/envoy#8547), and servers rightly refuse that (RFC 6455 section
    4.2.1). Any 16 bytes do: the answer to them is for Envoy, which drops it.
    """
    upgrade = {"name": "upgrade", "string_match": {"exact": "websocket", "ignore_case": True}}
    missing = [("sec-websocket-key", WEBSOCKET_KEY), ("sec-websocket-version", "13")]
    return {
        "match": {"prefix": "/", "headers": [upgrade]},
        "route": action,
        "request_headers_to_add": [
            {"header": {"key": key, "value": value}, "append_action": "ADD_IF_ABSENT"}
            for key, value in missing
        ],
    }


def _retry_policy(hold_s: float) -> Mapping[str, object]:
    """Return how a request waits *hold_s* on average.

    Only failures before anything was sent count, so no request is ever processed twice.
    """
    return {
        "retry_on": "connect-failure,refused-stream",
        "num_retries": round(hold_s / (RETRY_LONGEST_S / 2)),
        "retry_back_off": {
            "base_interval": f"{RETRY_BASE_S:.3f}s",
            "max_interval": f"{RETRY_LONGEST_S:.3f}s",
        },
    }


def _page_routes(page: Page, layout: str) -> list[Mapping[str, object]]:
    """Return one route per format, the last for whoever accepts none of them by name."""
    return [
        {
            "match": {
                "prefix": "/",
                "headers": [] if format_ is Format.TEXT else [accepts(format_)],
            },
            "direct_response": {
                "status": page.status,
                "body": {"inline_string": render_page(page, format_, layout)},
            },
            "response_headers_to_add": [
                header_to_set("content-type", f"{format_}; charset=utf-8"),
                header_to_set("cache-control", "no-store"),
            ],
        }
        for format_ in Format
    ]
