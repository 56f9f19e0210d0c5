"""The edge on a real Envoy, in front of real upstreams, asked by real clients."""

import asyncio
import datetime as dt
import http.client
import ipaddress
import json
import shutil
import socket
import ssl
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import websockets
from fakes import upstream as upstream_program

from devenv.edge.config import EdgeConfig, UnitKey
from devenv.edge.envoy import Edge
from devenv.errors import DevenvError
from devenv.model.routing import VirtualHost
from devenv.model.unit import Endpoint
from devenv.pki.authority import Authority

pytestmark = pytest.mark.integration

ADDRESS = "127.77.40.1"
CLIENT = "127.77.40.9"
PORT = 8543
WEB = Endpoint("127.77.40.2", 8000)
ACTIVITY = Endpoint("127.77.40.3", 9001)
KEY = UnitKey("checkout", "web")


@contextmanager
def running(argv):
    """Run a program that prints one line when it is ready; end it at once afterwards."""
    process = subprocess.Popen(argv, stdout=subprocess.PIPE)
    try:
        process.stdout.readline()
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def upstream(endpoint, name="web"):
    return running(
        [sys.executable, upstream_program.__file__, endpoint.host, str(endpoint.port), name]
    )


class Stage:
    """An edge with a few hosts, and clients that trust its authority."""

    def __init__(self, base):
        self.authority = Authority(base / "ca", now=lambda: dt.datetime.now(dt.UTC))
        self.authority.ensure(["shop.localhost"])
        self.folder = base / "edge"
        self.edge = Edge(self.folder, base / "run")
        self.process = None

    def config(self, *hosts, **changes):
        return EdgeConfig(
            https_port=PORT,
            fallback=self.authority.leaf(["localhost"]),
            hosts=hosts,
            certificates={host.host: self.authority.leaf([host.host]) for host in hosts},
            addresses=(ADDRESS,),
            **changes,
        )

    def start(self, config):
        self.edge.prepare(config)
        with (self.folder / "log").open("w") as log:
            self.process = subprocess.Popen(self.edge.command(), stderr=log, cwd=self.folder)
        wait_until(lambda: asyncio.run(self.edge.ready()))

    def stop(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def publish(self, config):
        asyncio.run(self.edge.publish(config))

    def context(self):
        return ssl.create_default_context(cafile=self.authority.ca_file)

    def connect(self, host):
        """Return a keep-alive connection that named *host* in its handshake."""
        connection = http.client.HTTPSConnection(host, PORT, timeout=40)
        plain = socket.create_connection((ADDRESS, PORT), timeout=40)
        connection.sock = self.context().wrap_socket(plain, server_hostname=host)
        return connection

    def get(self, host, path="/", **headers):
        """Return status, headers and text of a GET by a new connection."""
        connection = self.connect(host)
        try:
            connection.request("GET", path, headers={"Host": host} | headers)
            response = connection.getresponse()
            return response.status, response.headers, response.read().decode()
        finally:
            connection.close()

    def curl(self, host, *options, path="/"):
        """Return what curl prints for *host*, with the local authority trusted."""
        return subprocess.run(
            [
                *("curl", "--silent", "--show-error", "--max-time", "40"),
                *("--cacert", self.authority.ca_file),
                *("--resolve", f"{host}:{PORT}:{ADDRESS}"),
                *options,
                f"https://{host}:{PORT}{path}",
            ],
            capture_output=True,
            text=True,
            check=False,
        )


def wait_until(condition, *, timeout_s=10):
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def host(name, endpoint=WEB, unit="web"):
    return VirtualHost(name, endpoint, "checkout", unit)


HOSTS = (
    host("shop.localhost"),
    host("*.shop.localhost"),
    host("www.shop.localhost"),
    host("activity.shop.localhost", ACTIVITY, "activity"),
)


@pytest.fixture
def stage(tmp_path_factory):
    # Not `tmp_path`: its name is too long for a socket.
    base = tmp_path_factory.mktemp("e")
    (base / "run").mkdir(mode=0o700)
    stage = Stage(base)
    yield stage
    stage.stop()
    shutil.rmtree(base)


@pytest.fixture
def served(stage):
    stage.start(stage.config(*HOSTS))
    with upstream(WEB), upstream(ACTIVITY, "activity"):
        yield stage


def test_each_host_shows_a_certificate_of_its_own(served):
    for name, shown in {
        "shop.localhost": "shop.localhost",
        "www.shop.localhost": "www.shop.localhost",
        "matt.shop.localhost": "*.shop.localhost",
    }.items():
        connection = served.connect(name)
        names = [value for _, value in connection.sock.getpeercert()["subjectAltName"]]
        connection.close()
        assert names == [shown]


def test_exact_host_wins_over_wildcard(served):
    assert json.loads(served.get("activity.shop.localhost")[2])["name"] == "activity"
    assert json.loads(served.get("anything.shop.localhost")[2])["name"] == "web"


def test_longer_wildcard_wins_over_shorter(served):
    longer = host("*.matt.shop.localhost", ACTIVITY, "activity")
    served.publish(served.config(*HOSTS, longer))
    assert json.loads(served.get("www.matt.shop.localhost")[2])["name"] == "activity"
    assert json.loads(served.get("matt.shop.localhost")[2])["name"] == "web"


@pytest.mark.parametrize("version", ["1.1", "2"])
def test_curl_is_answered_over_each_http_version(served, version):
    flag = "--http2" if version == "2" else "--http1.1"
    done = served.curl("www.shop.localhost", flag, "-w", "\n%{http_code} %{http_version}")
    assert done.stdout.endswith(f"\n200 {version}"), done.stderr


def test_node_trusts_the_edge(served):
    script = f"""
        const options = {{host: "{ADDRESS}", port: {PORT}, servername: "www.shop.localhost",
                          headers: {{host: "www.shop.localhost"}}}};
        require("https").get(options, answer => {{
            console.log(answer.statusCode);
            process.exit();
        }});
    """
    environment = {"NODE_EXTRA_CA_CERTS": str(served.authority.ca_file), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(
        ["node", "-e", script], env=environment, capture_output=True, text=True, check=False
    )
    assert done.stdout == "200\n", done.stderr


def test_authority_decides_not_sni(served):
    """A browser reuses an HTTP/2 connection for every host its certificate covers."""
    connection = served.connect("matt.shop.localhost")
    connection.request("GET", "/", headers={"Host": f"activity.shop.localhost:{PORT}"})
    assert json.loads(connection.getresponse().read())["name"] == "activity"
    connection.close()


def test_host_is_kept_and_the_client_is_described(served):
    headers = json.loads(served.curl("www.shop.localhost").stdout)["headers"]
    assert headers["host"] == f"www.shop.localhost:{PORT}"
    assert headers["x-forwarded-host"] == f"www.shop.localhost:{PORT}"
    assert headers["x-forwarded-proto"] == "https"
    assert headers["x-forwarded-port"] == str(PORT)
    assert ipaddress.ip_address(headers["x-forwarded-for"])
    assert not [name for name in headers if name.startswith("x-envoy")]


@pytest.mark.parametrize("flag", ["--http1.1", "--http2"])
def test_what_a_client_says_about_itself_is_not_believed(served, flag):
    """Least of all by Envoy, which trusts a loopback address to set retries and time-outs."""
    lies = {
        "X-Forwarded-For": "203.0.113.9",
        "X-Forwarded-Proto": "http",
        "X-Forwarded-Host": "evil.example",
        "X-Forwarded-Port": "1",
        "X-Forwarded-Prefix": "/evil",
        "X-Real-IP": "203.0.113.9",
        "Forwarded": "for=203.0.113.9",
        "X-Envoy-Max-Retries": "0",
        "X-Envoy-Upstream-Rq-Timeout-Ms": "1",
    }
    options = [option for name, lie in lies.items() for option in ("-H", f"{name}: {lie}")]
    done = served.curl("www.shop.localhost", flag, "--interface", CLIENT, *options)
    headers = json.loads(done.stdout)["headers"]
    assert headers["x-forwarded-for"] == CLIENT
    assert "203.0.113.9" not in str(headers)
    assert "evil" not in str(headers)
    assert headers["x-forwarded-proto"] == "https"
    assert headers["x-forwarded-port"] == str(PORT)
    assert not [name for name in headers if name.startswith("x-envoy")]


def test_path_is_normalised_but_its_slashes_are_kept(served):
    def seen(path):
        done = served.curl("www.shop.localhost", "--path-as-is", path=path)
        return json.loads(done.stdout)["path"]

    assert seen("/a/../b//c?d=//e") == "/b//c?d=//e"
    assert seen("/a%2Fb") == "/a%2Fb"


def test_unknown_host_is_told_which_there_are(served):
    connection = served.connect("localhost")
    bodies = {}
    for accept in ("text/html,*/*;q=0.8", "application/json", "*/*"):
        connection.request("GET", "/", headers={"Host": "shpo.localhost", "Accept": accept})
        response = connection.getresponse()
        assert response.status == 404
        bodies[accept] = response.headers["content-type"], response.read().decode()
    connection.close()
    html, data, text = bodies.values()
    assert html[0] == "text/html; charset=utf-8"
    assert f'<a href="https://www.shop.localhost:{PORT}/">' in html[1]
    assert data[0] == "application/json; charset=utf-8"
    assert f"https://www.shop.localhost:{PORT}/" in json.loads(data[1])["urls"]
    assert text[0] == "text/plain; charset=utf-8"
    assert f"https://activity.shop.localhost:{PORT}/" in text[1]


def test_client_without_sni_gets_the_fallback_certificate(served):
    context = served.context()
    context.check_hostname = False
    with (
        socket.create_connection((ADDRESS, PORT)) as plain,
        context.wrap_socket(plain) as secure,
    ):
        names = [value for _, value in secure.getpeercert()["subjectAltName"]]
    assert names == ["localhost"]


def test_old_tls_is_refused(served):
    done = served.curl("www.shop.localhost", "--tls-max", "1.1")
    assert done.returncode == 35  # CURLE_SSL_CONNECT_ERROR


def test_oversize_path_gets_a_client_error(served):
    status = ("-o", "/dev/null", "-w", "%{http_code}")
    path = "/" + "a" * 100_000
    assert served.curl("www.shop.localhost", "--http1.1", *status, path=path).stdout == "431"


def test_oversize_path_over_http2_ends_its_own_connection_only(served):
    """Envoy's HPACK decoder gives up on a string that long, which ends the connection."""
    other = served.connect("www.shop.localhost")
    done = served.curl("www.shop.localhost", "--http2", path="/" + "a" * 100_000)
    assert done.returncode != 0
    other.request("GET", "/", headers={"Host": "www.shop.localhost"})
    assert other.getresponse().status == 200
    other.close()


def test_upstream_that_hangs_up_is_told_from_one_that_is_gone(served):
    status, headers, body = served.get("www.shop.localhost", "/hang-up", Accept="text/html")
    assert (status, headers["content-type"]) == (502, "text/html; charset=utf-8")
    assert "The application hung up" in body
    assert headers["retry-after"] is None


def test_server_sent_events_arrive_one_by_one(served):
    connection = served.connect("www.shop.localhost")
    connection.request("GET", "/events", headers={"Host": "www.shop.localhost"})
    response = connection.getresponse()
    started = time.monotonic()
    arrivals = [time.monotonic() - started for _ in range(6) if response.readline()]
    connection.close()
    assert arrivals[0] < 0.3  # the whole stream takes 0.9 s
    assert arrivals[-2] > 0.5


def test_websocket_is_echoed(stage):
    stage.start(stage.config(host("ws.shop.localhost")))

    async def echo(connection):
        async for message in connection:
            await connection.send(message)

    async def converse():
        async with (
            websockets.serve(echo, WEB.host, WEB.port),
            websockets.connect(
                f"wss://ws.shop.localhost:{PORT}/",
                host=ADDRESS,
                ssl=stage.context(),
                proxy=None,
            ) as client,
        ):
            await client.send("hello")
            return await client.recv()

    assert asyncio.run(converse()) == "hello"


def test_changed_routes_leave_open_connections_alone(served):
    connection = served.connect("www.shop.localhost")

    def ask():
        connection.request("GET", "/", headers={"Host": "www.shop.localhost"})
        return json.loads(connection.getresponse().read())["name"]

    assert ask() == "web"
    before = connection.sock.getsockname()
    moved = host("www.shop.localhost", ACTIVITY, "activity")
    served.publish(served.config(moved, host("new.shop.localhost")))
    assert ask() == "activity"
    assert connection.sock.getsockname() == before
    connection.close()
    assert served.get("new.shop.localhost")[0] == 200


def test_publishing_the_same_again_writes_nothing(served):
    before = {path.name: path.stat().st_ino for path in served.folder.glob("*.json")}
    served.publish(served.config(*HOSTS))
    assert {path.name: path.stat().st_ino for path in served.folder.glob("*.json")} == before


def test_refused_configuration_keeps_the_old(served, tmp_path):
    (tmp_path / "empty.pem").touch()
    before = {path.name: path.read_bytes() for path in served.folder.glob("*.json")}
    broken = served.config(*HOSTS, host("new.shop.localhost"))
    leaf = replace(broken.certificates["new.shop.localhost"], key=tmp_path / "empty.pem")
    broken = replace(broken, certificates={**broken.certificates, "new.shop.localhost": leaf})
    with pytest.raises(DevenvError) as caught:
        served.publish(broken)
    assert caught.value.code == "edge.rejected"
    assert "empty.pem" in caught.value.message
    assert served.get("www.shop.localhost")[0] == 200
    assert {path.name: path.read_bytes() for path in served.folder.glob("*.json")} == before
    served.publish(served.config(*HOSTS, host("new.shop.localhost")))
    assert served.get("new.shop.localhost")[0] == 200


def test_renewed_certificate_is_shown_without_a_restart(served):
    def serial():
        connection = served.connect("www.shop.localhost")
        number = connection.sock.getpeercert()["serialNumber"]
        connection.close()
        return number

    before, pid = serial(), served.process.pid
    leaf = served.authority.leaf(["www.shop.localhost"])
    shutil.rmtree(leaf.certificate.parent)
    served.publish(served.config(*HOSTS))
    wait_until(lambda: serial() != before)
    assert served.process.pid == pid
    assert served.process.poll() is None


def test_taken_port_is_reported_and_never_shared(stage):
    with socket.create_server((ADDRESS, PORT)), pytest.raises(DevenvError) as caught:
        stage.start(stage.config(*HOSTS))
    assert caught.value.code == "port.in-use"
    assert f"{ADDRESS}:{PORT}" in caught.value.message
    stage.publish(stage.config(*HOSTS))
    assert asyncio.run(stage.edge.ready())


def test_no_envoy_is_not_ready_and_cannot_be_told(stage):
    assert not asyncio.run(stage.edge.ready())
    with pytest.raises(DevenvError) as caught:
        stage.publish(stage.config())
    assert caught.value.code == "edge.unreachable"


def test_edge_killed_comes_back_on_the_same_sockets(served):
    served.stop()
    served.start(served.config(*HOSTS))
    assert served.get("www.shop.localhost")[0] == 200


def test_control_socket_is_private(served):
    socket_file = next(served.folder.parent.glob("run/*.sock"))
    assert socket_file.stat().st_mode & 0o777 == 0o600
    assert listening_addresses(served.process.pid) == [f"{ADDRESS}:{PORT}"]


def listening_addresses(pid):
    done = subprocess.run(["ss", "-Hltnp"], capture_output=True, text=True, check=True)
    return [line.split()[3] for line in done.stdout.splitlines() if f"pid={pid}," in line]


def test_plain_http_is_redirected(stage):
    stage.start(stage.config(*HOSTS, http_port=8580))
    connection = http.client.HTTPConnection(ADDRESS, 8580)
    connection.request("GET", "/a?b", headers={"Host": "www.shop.localhost:8580"})
    response = connection.getresponse()
    connection.close()
    assert response.status == 301
    assert response.headers["location"] == f"https://www.shop.localhost:{PORT}/a?b"


def test_request_waits_for_an_upstream_that_is_not_up_yet(stage):
    stage.start(stage.config(*HOSTS))
    answers = []
    client = threading.Thread(target=lambda: answers.append(stage.get("www.shop.localhost")))
    client.start()
    time.sleep(1)
    assert not answers
    with upstream(WEB):
        client.join()
    assert answers[0][0] == 200


def test_upstream_that_stays_away_is_answered_for(stage):
    stage.start(stage.config(*HOSTS, hold_s=3))
    started = time.monotonic()
    status, headers, body = stage.get("www.shop.localhost", Accept="text/html")
    assert 1.5 < time.monotonic() - started < 10
    assert (status, headers["retry-after"], headers["refresh"]) == (503, "2", "2")
    assert "Nothing answers here yet" in body
    assert "http://" not in body
    assert "https://" not in body


class Load:
    """Clients that ask without pause until told to stop, and remember what went wrong."""

    def __init__(self, stage, *, clients=8):
        self._stage = stage
        self._enough = threading.Event()
        self.answered = 0
        self.failures = []
        self._threads = [threading.Thread(target=self._ask) for _ in range(clients)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._enough.set()
        for thread in self._threads:
            thread.join()

    def _ask(self):
        connection = self._stage.connect("www.shop.localhost")
        while not self._enough.is_set():
            try:
                connection.request("POST", "/", b"x" * 1000, {"Host": "www.shop.localhost"})
                response = connection.getresponse()
                body = json.loads(response.read())
                assert (response.status, body["body_bytes"]) == (200, 1000)
                self.answered += 1
            except Exception as error:  # noqa: BLE001 (any failure is what is counted)
                self.failures.append(repr(error))
                break
            time.sleep(0.005)
        connection.close()


def test_restarts_under_load_lose_no_request(stage):
    stage.start(stage.config(*HOSTS))
    edge = stage.edge

    with upstream(WEB) as first, Load(stage) as load:
        process = first
        for _ in range(5):
            before = load.answered
            wait_until(lambda before=before: load.failures or load.answered > before + 20)
            asyncio.run(edge.set_endpoint(KEY, None))
            wait_until(lambda: asyncio.run(edge.in_flight(KEY)) == 0)
            process.kill()
            process.wait()
            time.sleep(0.2)
            process = subprocess.Popen(
                [sys.executable, upstream_program.__file__, WEB.host, str(WEB.port), "web"],
                stdout=subprocess.PIPE,
            )
            process.stdout.readline()
            process.stdout.close()
            asyncio.run(edge.set_endpoint(KEY, WEB))
        wait_until(lambda: load.failures or load.answered > before + 20)
    process.kill()
    process.wait()
    assert load.failures == []


def test_hold_survives_a_publication(stage):
    stage.start(stage.config(*HOSTS))
    with upstream(WEB), upstream(ACTIVITY, "activity"):
        asyncio.run(stage.edge.set_endpoint(KEY, None))
        stage.publish(stage.config(*HOSTS, host("new.shop.localhost")))
        answers = []
        client = threading.Thread(target=lambda: answers.append(stage.get("new.shop.localhost")))
        client.start()
        assert stage.get("activity.shop.localhost")[0] == 200
        time.sleep(0.5)
        assert not answers
        asyncio.run(stage.edge.set_endpoint(KEY, WEB))
        client.join()
    assert answers[0][0] == 200


def test_held_request_may_be_answered_by_another_endpoint(stage):
    stage.start(stage.config(*HOSTS))
    with upstream(ACTIVITY, "elsewhere"):
        asyncio.run(stage.edge.set_endpoint(KEY, None))
        answers = []
        client = threading.Thread(target=lambda: answers.append(stage.get("www.shop.localhost")))
        client.start()
        time.sleep(0.3)
        asyncio.run(stage.edge.set_endpoint(KEY, ACTIVITY))
        client.join()
    assert json.loads(answers[0][2])["name"] == "elsewhere"


def test_requests_in_flight_are_counted_while_new_ones_wait(served):
    client = threading.Thread(target=lambda: served.get("www.shop.localhost", "/slow"))
    client.start()
    wait_until(lambda: asyncio.run(served.edge.in_flight(KEY)) == 1)
    asyncio.run(served.edge.set_endpoint(KEY, None))
    assert asyncio.run(served.edge.in_flight(KEY)) == 1
    client.join()
    wait_until(lambda: asyncio.run(served.edge.in_flight(KEY)) == 0)


def test_a_thousand_hosts_need_no_more_of_the_machine(stage):
    """Envoy aborts when a user's 128 inotify instances are used up (envoyproxy/envoy#7130)."""
    certificate = stage.authority.leaf(["*.shop.localhost"])
    hosts = [
        VirtualHost(f"h{n}.shop.localhost", replace(WEB, port=8001 + n), "checkout", f"unit{n}")
        for n in range(1000)
    ]
    config = replace(
        stage.config(*HOSTS),
        hosts=(*HOSTS, *hosts),
        certificates={
            **stage.config(*HOSTS).certificates,
            **dict.fromkeys([each.host for each in hosts], certificate),
        },
    )
    config = replace(
        config,
        certificates={**config.certificates, "*.shop.localhost": certificate},
    )
    stage.start(config)
    files = Path(f"/proc/{stage.process.pid}/fd").iterdir()
    assert len([file for file in files if "inotify" in str(file.readlink())]) <= 8
    with upstream(replace(WEB, port=8001 + 500), "unit500"):
        assert json.loads(stage.get("h500.shop.localhost")[2])["name"] == "unit500"
