"""HTTP clients that reach an environment as a browser does: by its name, through TLS."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import threading
import time
from collections.abc import Callable
from typing import Any, Self

from fakes.checkouts import Home

REQUEST_TIMEOUT_S = 10


class Connection(http.client.HTTPSConnection):
    """A keep-alive connection to one host of the edge; the name is resolved to loopback."""

    def __init__(self, home: Home, host: str) -> None:
        ca_file = home.folder / ".local/share/devenv/ca/ca.pem"
        context = ssl.create_default_context(cafile=str(ca_file))
        super().__init__(host, home.https_port, timeout=REQUEST_TIMEOUT_S, context=context)
        self._tls = context

    def connect(self) -> None:
        """Connect to 127.0.0.1, as every resolver says of `*.localhost`."""
        raw = socket.create_connection(("127.0.0.1", self.port), self.timeout)
        self.sock = self._tls.wrap_socket(raw, server_hostname=self.host)

    def get(self, path: str = "/") -> tuple[int, bytes]:
        """Return status and body."""
        self.request("GET", path)
        answer = self.getresponse()
        return answer.status, answer.read()


def get(home: Home, host: str, path: str = "/") -> Any:
    """Return what a new connection gets, as JSON."""
    connection = Connection(home, host)
    try:
        status, body = connection.get(path)
    finally:
        connection.close()
    assert status == 200, (status, body)
    return json.loads(body)


class Visitors:
    """Ask one host without a pause, on a connection that is kept and on new ones, until stopped."""

    def __init__(self, home: Home, host: str) -> None:
        self._home = home
        self._host = host
        self._stop = threading.Event()
        self.failures: list[str] = []
        self.served = {"kept": 0, "new": 0}
        self.servers: set[int] = set()
        """Pids of the processes that answered."""
        self._threads = [threading.Thread(target=self._visit, args=(kind,)) for kind in self.served]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _visit(self, kind: str) -> None:
        connection = Connection(self._home, self._host)
        while not self._stop.is_set():
            try:
                status, body = connection.get(f"/{kind}/{self.served[kind]}")
                answer = json.loads(body) if status == 200 else {}
                if answer.get("path") != f"/{kind}/{self.served[kind]}":
                    self.failures.append(f"{kind}: {status} {body!r}")
                self.servers.add(answer.get("pid"))
                self.served[kind] += 1
            except (OSError, http.client.HTTPException) as error:
                self.failures.append(f"{kind}: {error!r}")
                connection.close()
                connection = Connection(self._home, self._host)
            if kind == "new":
                connection.close()
            time.sleep(0.002)
        connection.close()


def until_served(look: Callable[[], Any], *, timeout_s: float) -> float:
    """Return how many seconds it took until *look* did not fail any more."""
    begun = time.monotonic()
    while True:
        try:
            look()
        except (OSError, http.client.HTTPException, AssertionError):
            if time.monotonic() - begun > timeout_s:
                raise
            time.sleep(0.02)
        else:
            return time.monotonic() - begun
