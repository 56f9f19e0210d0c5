"""What must hold across fields, and that one mistake is reported once."""

from __future__ import annotations

import pytest
from fakes.configuration import problems_of, project_of


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (
            "processes: {web: {run: x, needs: [wbe]}, api: {run: x}}",
            "2:35: processes.web.needs: no service, step or process is called `wbe`, "
            "did you mean `web`?",
        ),
        (
            "processes: {web: {run: x, needs: [web]}}",
            "2:35: processes.web.needs: `web` needs itself",
        ),
        (
            "processes: {w: {run: x, needs: [python]}}",
            "2:33: processes.w.needs: no service, step or process is called `python`",
        ),
        (
            "setup: {s: {run: x, needs: [w]}}\nprocesses: {w: {run: x}}",
            "2:29: setup.s.needs: a step cannot need `w`: processes start after set-up",
        ),
        (
            "processes:\n  a: {run: x, needs: [b]}\n  b: {run: x, needs: [c]}\n"
            "  c: {run: x, needs: [a]}",
            "5:23: processes.c.needs: these need each other: a -> b -> c -> a",
        ),
        (
            "services: {redis: }\nprocesses: {redis: {run: x}}",
            "3:13: processes.redis: the name `redis` is taken: see `services.redis` in line 2",
        ),
        (
            "processes: {cdn: {run: x}}\nroutes: {cdn: {assets: {dirs: [x]}}}",
            "3:10: routes.cdn: the name `cdn` is taken: see `processes.cdn` in line 2",
        ),
        (
            "processes: {a-b: {run: x}}\nroutes: {a.b: {assets: {dirs: [x]}}}",
            '3:10: routes."a.b": the name `a-b` is taken: see `processes.a-b` in line 2',
        ),
        (
            "processes: {all: {run: x}}",
            "2:13: processes.all: the name `all` is devenv's own: choose another",
        ),
        (
            "processes:\n  a: {run: x, port: 80}\n  b: {run: x, port: 80}",
            "4:21: processes.b.port: port 80 is taken: see `processes.a.port` in line 3",
        ),
        (
            "services: {redis: }\nprocesses: {a: {run: x, port: 6379}}",
            "3:31: processes.a.port: port 6379 is taken: see `services.redis` in line 2",
        ),
        (
            "services: {redis: , other: {type: redis}}",
            "2:21: services.other: port 6379 is taken: see `services.redis` in line 2",
        ),
        (
            "processes: {a: {run: x, ready: {http: /}}}",
            "2:39: processes.a.ready.http: this needs a port: set `processes.a.port`",
        ),
        (
            "processes: {a: {run: x, ready: {tcp: true}}}",
            "2:38: processes.a.ready.tcp: this needs a port: set `processes.a.port`",
        ),
        (
            "processes: {web: {run: x, port: 1}}\nroutes: {api: wbe}",
            "3:15: routes.api: no service or process is called `wbe`, did you mean `web`?",
        ),
        (
            "setup: {s: {run: x}}\nroutes: {api: {to: s}}",
            "3:20: routes.api.to: `s` is a step and answers nothing: name a process",
        ),
        (
            "processes: {a: {run: x}}\nroutes: {'*': a}",
            "3:15: routes.*: `a` has no port: set `processes.a.port`",
        ),
        (
            "routes: {'*': {assets: {dirs: [x]}}}",
            "2:10: routes.*: assets need a subdomain of their own, such as `cdn`",
        ),
    ],
)
def test_each_rule_says_what_breaks_it(body, problem):
    assert problems_of(f"name: s\n{body}\n") == [problem]


@pytest.mark.parametrize(
    "body",
    [
        "python: {}\nprocesses: {w: {run: x, needs: [python]}}",
        "processes: {a: {run: x, needs: [b, b]}, b: {run: x}}",
        "services: {redis: }\nroutes: {cache: redis}",
        "processes: {a: {run: x, ready: {exec: x}}}",
        "processes: {a: {run: x, ready: {exec: x, tcp: false}}}",
        "processes: {a: {run: x, port: 6379}}",
    ],
)
def test_what_breaks_no_rule_is_accepted(body):
    project_of(f"name: s\n{body}\n")


@pytest.mark.parametrize(
    "body",
    [
        "services: {mysq: }\nprocesses: {w: {run: x, needs: [mysql]}}",
        "services: {mysq: }\nprocesses: {w: {run: x, needs: [mysq]}}",
        "processes: {w: just text, v: {run: x, needs: [w]}}",
        "processes: {w: {run: x, prot: 80, ready: {http: /}}}",
        "processes: {w: {run: x, port: 99999, ready: {tcp: true}}}\nroutes: {'*': w}",
        "processes: {w: just text}\nroutes: {'*': w}",
        "python: [x]\nprocesses: {w: {run: x, needs: [python]}}",
        "processes: {w: {run: x, needs: ['${NONE}']}}",
        "routes: {'*': '${NONE}'}",
        "processes: {w: {command: x}}",
        "processes: {w: {run: [x]}}",
        "processes: {w: {run: x, ready: {htp: /}}}",
        "services: {db: {type: mysqll}}\nprocesses: {w: {run: x, needs: [db]}}",
        "routes: {cdn: {assets: {djnago: x}}}",
    ],
)
def test_one_mistake_is_one_problem(body):
    assert len(problems_of(f"name: s\n{body}\n")) == 1


def test_two_circles_are_two_problems():
    problems = problems_of(
        """\
        name: s
        processes:
          a: {run: x, needs: [b]}
          b: {run: x, needs: [a]}
          c: {run: x, needs: [d]}
          d: {run: x, needs: [c]}
        """
    )
    assert [problem.rpartition(": ")[2] for problem in problems] == ["a -> b -> a", "c -> d -> c"]
