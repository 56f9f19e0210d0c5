"""Pydantic's findings in words for people."""

from __future__ import annotations

import pytest
from fakes.configuration import problems_of


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("domain: a.b", "1:1: missing key `name`"),
        ("name: s\nsetup: {a: {}}", "2:9: setup.a: missing key `run`"),
        ("name: s\nsetup:\n  a:\n    dir: x", "3:3: setup.a: missing key `run`"),
        (
            "name: My_App",
            "1:7: name: expected a name of at most 63 lower-case letters, digits and inner "
            'hyphens, got "My_App"',
        ),
        (
            "name: s\ndomain: Shop",
            "2:9: domain: expected a domain in lower case with a dot in it, such as "
            'shop.localhost, got "Shop"',
        ),
        (
            "name: s\naddress: 10.0.0.1",
            '2:10: address: expected a loopback address from 127.0.0.0/8, got "10.0.0.1"',
        ),
        (
            "name: s\nprovider: dokcer",
            '2:11: provider: expected `native`, `docker` or `vagrant`, got "dokcer"',
        ),
        (
            "name: s\nservices: {db: {type: mysql, port: 70000}}",
            "2:36: services.db.port: expected a port from 1 to 65535, got 70000",
        ),
        (
            "name: s\nservices: {mysql: {port: '80'}}",
            '2:26: services.mysql.port: expected a port from 1 to 65535, got "80"',
        ),
        (
            "name: s\nservices: {mysql: {database: a b}}",
            "2:30: services.mysql.database: expected at most 64 letters, digits, hyphens and "
            'underscores, got "a b"',
        ),
        (
            "name: s\nprocesses: {w: {run: }}",
            "2:22: processes.w.run: expected a shell command, got nothing",
        ),
        (
            "name: s\nprocesses: {w: {run: x, stop_grace_period: soon}}",
            "2:44: processes.w.stop_grace_period: expected a duration such as 30s or 1m30s, "
            'got "soon"',
        ),
        (
            "name: s\nprocesses: {w: {run: x, restart: yes}}",
            '2:34: processes.w.restart: expected `no`, `on-failure` or `always`, got "yes"',
        ),
        (
            "name: s\nprocesses: {w: {run: x, ready: {}}}",
            "2:32: processes.w.ready: expected exactly one of http, tcp and exec",
        ),
        (
            "name: s\nprocesses: {w: {run: x, ready: {tcp: 1, exec: x}}}",
            "2:38: processes.w.ready.tcp: expected true or false, got 1",
        ),
        (
            "name: s\nenvironment: {1A: x}",
            "2:15: environment.1A: expected a variable's name: letters, digits and underscores, "
            'no digit first, got "1A"',
        ),
        ("name: s\nenvironment: {A: }", "2:18: environment.A: expected text, got nothing"),
        ('name: s\nenvironment: {A: "a\\0"}', '2:18: environment.A: expected text, got "a\\u0000"'),
        (
            "name: s\nroutes: {UP: {assets: {dirs: [x]}}}",
            '2:10: routes.UP: expected a subdomain in lower case, "*" or "@", got "UP"',
        ),
        (
            "name: s\nroutes: {a: {}}",
            "2:13: routes.a: expected exactly one of to and assets",
        ),
        (
            "name: s\nroutes: {a: {assets: {}}}",
            "2:22: routes.a.assets: expected exactly one of django and dirs",
        ),
        ("name: s\nroutes: {a: ''}", "2:13: routes.a: no service or process is called ``"),
        (
            "name: s\nnode: {dirs: [a, '']}",
            '2:18: node.dirs: expected text, got ""',
        ),
    ],
)
def test_a_value_that_does_not_fit_is_told_what_would(text, problem):
    assert problems_of(text) == [problem]


def test_a_secret_is_not_shown_even_if_it_is_wrong():
    problems = problems_of('name: s\nservices: {mysql: {password: "${P}"}}', {"P": "a\0hunter2"})
    assert problems == ["2:30: services.mysql.password: expected text"]
