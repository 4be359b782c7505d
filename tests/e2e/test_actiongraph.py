"""The action graph of a real Go tells what was executed."""

import time

import pytest

from lambdabuild.core.result import Activity
from lambdabuild.golang.action_graph import parse_actions, parse_dependencies
from tests.e2e.conftest import FLAGS, Project


@pytest.mark.oldest_go
def test_go_tells_what_it_compiled_and_linked_and_what_it_had(empty: Project) -> None:
    main = 'package main\n\nimport "example.com/empty/lib"\n\nfunc main() { lib.F() }\n'
    empty.write("api/a/main.go", main)
    empty.write("lib/lib.go", 'package lib\n\nfunc F() { println("one") }\n')
    build = ("build", *FLAGS, "-debug-actiongraph=graph.json", "-o", "a", "./api/a")
    empty.go_run(*build)
    (empty / "a").unlink()
    empty.write("lib/lib.go", f'package lib\n\nfunc F() {{ println("{time.time_ns()}") }}\n')
    empty.go_run(*build)
    found = parse_actions(
        (empty / "graph.json").read_text("utf-8"), {"example.com/empty/api/a": "a"}
    )
    assert {(span.activity, span.name) for span in found.spans} == {
        (Activity.COMPILE, "example.com/empty/lib"),
        (Activity.COMPILE, "example.com/empty/api/a"),
        (Activity.LINK, "a"),
    }
    path = {(span.activity, span.name) for span in found.spans if span.critical}
    assert path >= {(Activity.COMPILE, "example.com/empty/api/a"), (Activity.LINK, "a")}
    assert "runtime" in found.timings
    # Written before anything is compiled, it has the same packages.
    packages = parse_dependencies((empty / "graph.json").read_text("utf-8"))
    assert {*packages} == {*found.timings}
    assert "example.com/empty/lib" in packages["example.com/empty/api/a"]
