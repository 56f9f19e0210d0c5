"""Pure. The part of the edge's configuration that faces the client: sockets, TLS, HTTP rules.

A filter chain per certificate, chosen by SNI; all chains share one route table, in which
`:authority` decides alone. A chain that did not change keeps its connections when the others are
replaced (Envoy: "filter chain only update"), so nothing that changes with the hosts may stand in
what every chain repeats. Field names are those of Envoy's v3 API.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from devenv.edge.config import CertificateFiles, EdgeConfig
from devenv.edge.pages import FAILURES, Format, Page, render_page

UNTRUSTED = (
    "forwarded",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-port",
    "x-forwarded-prefix",
    "x-forwarded-proto",
    "x-forwarded-scheme",
    "x-forwarded-server",
    "x-forwarded-ssl",
    "x-real-ip",
)
"""Headers that applications believe about the client; a client's own copies are removed, and so is
`x-envoy-*`, by which a client on this machine could set retries and time-outs."""

MAX_HEADERS_KIB = 60
"""Envoy's default, said aloud: a larger request line or header gets 431."""

HANDSHAKE_TIMEOUT = "10s"
HEADERS_TIMEOUT = "30s"
"""Bounds on a client that says nothing, or says it slowly; bodies and answers have none."""

BACKLOG = 4096
"""Connections that wait to be accepted, up to the kernel's own limit (net.core.somaxconn)."""

MANAGER = "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
TLS = "envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext"


def typed(name: str, **fields: object) -> dict[str, object]:
    """Return the message *name* as a protobuf Any."""
    return {"@type": f"type.googleapis.com/{name}", **fields}


def file_source(path: Path) -> dict[str, object]:
    """Return a source of configuration that Envoy reads, and reads again when it is replaced."""
    return {"path_config_source": {"path": str(path)}, "resource_api_version": "V3"}


def header_to_set(name: str, value: str) -> dict[str, object]:
    """Return a header that replaces whatever stands there."""
    return {
        "header": {"key": name, "value": value},
        "append_action": "OVERWRITE_IF_EXISTS_OR_ADD",
    }


def accepts(format_: Format) -> dict[str, object]:
    """Return a header match: the client names *format_* among those it accepts."""
    return {"name": "accept", "string_match": {"contains": str(format_)}}


def listeners(
    config: EdgeConfig, route_table: Mapping[str, object], layout: str
) -> list[dict[str, object]]:
    """Return the HTTPS listener and, if asked for, the one that redirects to it."""
    manager = _connection_manager(
        "edge",
        rds=route_table,
        upgrade_configs=[{"upgrade_type": "websocket"}],
        local_reply_config={"mappers": [m for page in FAILURES for m in _mappers(page, layout)]},
    )
    chains = [_chain(files, names, manager) for files, names in _by_certificate(config)]
    secure = _listener("https", config.addresses, config.https_port)
    secure["filter_chains"] = chains
    secure["default_filter_chain"] = _chain(config.fallback, (), manager)
    secure["listener_filters"] = [_tls_inspector()]
    if config.http_port is None:
        return [secure]
    plain = _listener("http", config.addresses, config.http_port)
    plain["filter_chains"] = [{"filters": [_redirecting_manager(config.https_port)]}]
    return [secure, plain]


def _by_certificate(config: EdgeConfig) -> list[tuple[CertificateFiles, list[str]]]:
    """Return each certificate once, with the hosts that show it."""
    groups: dict[Path, tuple[CertificateFiles, list[str]]] = {}
    for host in config.hosts:
        files = config.certificates[host.host]
        groups.setdefault(files.certificate, (files, []))[1].append(host.host)
    return list(groups.values())


def _listener(name: str, addresses: Sequence[str], port: int) -> dict[str, object]:
    """Return a listener's sockets; a port that is in use is refused, never shared."""
    sockets = [{"socket_address": {"address": host, "port_value": port}} for host in addresses]
    return {
        "@type": "type.googleapis.com/envoy.config.listener.v3.Listener",
        "name": name,
        "address": sockets[0],
        "additional_addresses": [{"address": socket} for socket in sockets[1:]],
        "enable_reuse_port": False,
        "tcp_backlog_size": BACKLOG,
    }


def _tls_inspector() -> dict[str, object]:
    config = typed("envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector")
    return {"name": "tls_inspector", "typed_config": config}


def _chain(
    files: CertificateFiles, names: Sequence[str], manager: Mapping[str, object]
) -> dict[str, object]:
    """Return what serves connections that ask for *names* with one certificate."""
    context = typed(
        TLS,
        common_tls_context={
            "alpn_protocols": ["h2", "http/1.1"],
            "tls_params": {"tls_minimum_protocol_version": "TLSv1_2"},
            "tls_certificates": [
                {
                    "certificate_chain": {"filename": str(files.certificate)},
                    "private_key": {"filename": str(files.key)},
                }
            ],
        },
    )
    return {
        "name": names[0] if names else "unknown",
        **({"filter_chain_match": {"server_names": list(names)}} if names else {}),
        "filters": [manager],
        "transport_socket": {"name": "tls", "typed_config": context},
        "transport_socket_connect_timeout": HANDSHAKE_TIMEOUT,
    }


def _connection_manager(name: str, **fields: object) -> dict[str, object]:
    """Return the HTTP rules; *fields* say where routes come from."""
    router = typed("envoy.extensions.filters.http.router.v3.Router", suppress_envoy_headers=True)
    manager = typed(
        MANAGER,
        stat_prefix=name,
        http_filters=[{"name": "router", "typed_config": router}],
        http2_protocol_options={"allow_connect": True},
        use_remote_address=True,
        early_header_mutation_extensions=[_distrust()],
        generate_request_id=False,
        server_header_transformation="PASS_THROUGH",
        normalize_path=True,
        merge_slashes=False,
        strip_trailing_host_dot=True,
        max_request_headers_kb=MAX_HEADERS_KIB,
        request_headers_timeout=HEADERS_TIMEOUT,
        stream_idle_timeout="0s",
        **fields,
    )
    return {"name": "http", "typed_config": manager}


def _redirecting_manager(https_port: int) -> dict[str, object]:
    redirect: dict[str, object] = {"https_redirect": True, "port_redirect": https_port}
    route = {"match": {"prefix": "/"}, "redirect": redirect}
    everywhere = {"name": "any", "domains": ["*"], "routes": [route]}
    return _connection_manager("redirect", route_config={"virtual_hosts": [everywhere]})


def _distrust() -> dict[str, object]:
    mutation = typed(
        "envoy.extensions.http.early_header_mutation.header_mutation.v3.HeaderMutation",
        mutations=[
            *({"remove": name} for name in UNTRUSTED),
            {"remove_on_match": {"key_matcher": {"prefix": "x-envoy-"}}},
        ],
    )
    return {"name": "distrust", "typed_config": mutation}


def _mappers(page: Page, layout: str) -> list[dict[str, object]]:
    """Return how *page* replaces Envoy's own words, the most particular request first."""
    asks_by_get = {"name": ":method", "string_match": {"exact": "GET"}}
    html = accepts(Format.HTML)
    return [
        _mapper(page, Format.HTML, layout, [html, asks_by_get], refresh=True),
        _mapper(page, Format.HTML, layout, [html]),
        _mapper(page, Format.JSON, layout, [accepts(Format.JSON)]),
        _mapper(page, Format.TEXT, layout, []),
    ]


def _mapper(
    page: Page,
    format_: Format,
    layout: str,
    conditions: Sequence[Mapping[str, object]],
    *,
    refresh: bool = False,
) -> dict[str, object]:
    """Return one rule for local replies.

    A browser may only ask again by itself for what it asked by GET: it would repeat anything else
    as a GET, and the form that was posted would be lost.
    """
    headers = [header_to_set("cache-control", "no-store")]
    if page.retry_after_s is not None:
        headers.append(header_to_set("retry-after", str(page.retry_after_s)))
        if refresh:
            headers.append(header_to_set("refresh", str(page.retry_after_s)))
    flagged: dict[str, object] = {"response_flag_filter": {"flags": page.flags}}
    filters = [flagged, *({"header_filter": {"header": each}} for each in conditions)]
    body = render_page(page, format_, layout)
    return {
        "filter": {"and_filter": {"filters": filters}} if conditions else flagged,
        "status_code": page.status,
        "headers_to_add": headers,
        "body_format_override": {
            "text_format_source": {"inline_string": body.replace("%", "%%")},
            "content_type": f"{format_}; charset=utf-8",
        },
    }
