"""Envoy's administration interface, asked over its unix socket.

It reads; nothing is changed through it. Paths and fields: Envoy's "Administration interface" page.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

TIMEOUT_S = 2.0
"""Envoy's main thread answers in milliseconds; longer means that it is starting or stuck."""


class AdminUnreachable(Exception):  # noqa: N818 (a fact about Envoy, not an error of ours)
    """Nothing answers on the socket: Envoy is not running, or only just starting."""


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("admin", timeout=TIMEOUT_S)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


class Admin:
    """Questions to one Envoy.

    Every method raises AdminUnreachable if there is no answer.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    async def is_live(self) -> bool:
        """Return whether Envoy has started and read its first configuration."""
        status, _ = await self._get("/ready")
        return status == 200

    async def listener_names(self) -> frozenset[str]:
        """Return the listeners that have their sockets."""
        listeners = (await self._get_json("/listeners?format=json")).get("listener_statuses", [])
        return frozenset(listener["name"] for listener in listeners)

    async def statistics(self) -> Mapping[str, str]:
        """Return the statistics that are kept, names to values as text."""
        _, body = await self._get("/stats?filter=version_text|update_rejected|update_failure")
        lines = (line.partition(": ") for line in body.decode().splitlines())
        return {name: value.strip('"') for name, _, value in lines}

    async def listener_refusals(self) -> tuple[str, ...]:
        """Return why listeners were refused, in Envoy's words."""
        dump = await self._get_json("/config_dump?resource=dynamic_listeners")
        states = [entry.get("error_state", {}) for entry in dump.get("configs", [])]
        return tuple(state["details"] for state in states if state.get("details"))

    async def active_requests(self, cluster: str) -> Mapping[tuple[str, int], int]:
        """Return how many requests each endpoint of *cluster* is working on."""
        clusters = (await self._get_json("/clusters?format=json")).get("cluster_statuses", [])
        hosts = [h for c in clusters if c["name"] == cluster for h in c.get("host_statuses", [])]
        found = {}
        for host in hosts:
            address = host["address"].get("socket_address")
            if address is not None:
                place = address["address"], address["port_value"]
                found[place] = _gauge(host.get("stats", []), "rq_active")
        return found

    async def _get_json(self, path: str) -> dict[str, Any]:  # Any: Envoy's JSON
        _, body = await self._get(path)
        answer: dict[str, Any] = json.loads(body)
        return answer

    async def _get(self, path: str) -> tuple[int, bytes]:
        return await asyncio.to_thread(self._ask, path)

    def _ask(self, path: str) -> tuple[int, bytes]:
        connection = _UnixConnection(self._path)
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            return response.status, response.read()
        except (OSError, http.client.HTTPException) as error:
            raise AdminUnreachable(f"no answer on {self._path}: {error}") from error
        finally:
            connection.close()


def _gauge(statistics: list[dict[str, str]], name: str) -> int:
    """Return a gauge's value; Envoy leaves out the value where it is 0."""
    return sum(int(entry.get("value", 0)) for entry in statistics if entry.get("name") == name)
