"""What a run leaves behind: the reports of shards, GitHub's lines, traces, pages, the history."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import Project
from tests.e2e.history import History, without_settings
from tests.projects import main_printing
from tests.schemas import code_quality

NAMES = ("a", "b", "c", "d", "e")
DURATIONS = ("seconds", "compile_seconds", "link_seconds")

# No more depends on the version of Go than the end-to-end tests of building see.
pytestmark = pytest.mark.parametrize("go", ["go"], indirect=True)


@pytest.fixture
def repo(empty: Project) -> Project:
    """Five functions."""
    empty.write("go.mod", "module example.com/repo\n\ngo 1.22\n")
    for name in NAMES:
        empty.write(f"api/{name}/main.go", main_printing(name))
    return empty


def read(path: Path) -> Any:
    return json.loads(path.read_text("utf-8"))


def data_of(page: Path) -> Any:
    """Return what a page of `--html` draws."""
    [data] = re.findall('id="data">(.*?)</script>', page.read_text("utf-8"), re.DOTALL)
    return json.loads(data)


def without_times(report: Any) -> Any:
    """Return a report without what no two builds have in common."""
    functions = [
        {key: value for key, value in function.items() if key not in {*DURATIONS, "artifact"}}
        for function in report["functions"]
    ]
    rest = {key: value for key, value in report.items() if key not in {"seconds", "shard", "jobs"}}
    return rest | {"functions": functions}


@pytest.mark.extended
def test_shards_build_each_function_once_and_their_reports_are_that_of_the_whole(
    repo: Project,
) -> None:
    for index in (1, 2, 3):
        out = f"shards/{index}"
        shard = (f"--shard={index}/3", f"--out={out}", f"--report={out}/report.json")
        assert repo.run("all", *shard).code == 0
    built = sorted(path.parent.name for path in (repo / "shards").rglob("bootstrap"))
    assert built == list(NAMES)
    outputs = ("--report=shards/all.json", "--manifest=shards/manifest.json")
    for _ in range(2):
        # The second time, what was joined before lies among the others.
        joined = repo.run("merge-reports", "shards", *outputs)
        assert (joined.code, joined.out) == (0, ""), joined.err
        assert joined.err == "joined 3 reports of 5 functions\n"
    (repo / ".lambdabuild/state.json").unlink()
    whole = repo.run("all", "--json")
    assert without_times(read(repo / "shards/all.json")) == without_times(whole.json)
    assert without_times(read(repo / "shards/manifest.json")) == without_times(
        read(repo / "dist/manifest.json")
    )


def test_a_failure_in_one_shard_is_one_of_the_whole(repo: Project) -> None:
    repo.write("api/b/main.go", "package main\n\nfunc main() { none() }\n")
    codes = [
        repo.run("all", f"--shard={index}/2", f"--report={index}.json", "--out=out").code
        for index in (1, 2)
    ]
    assert sorted(codes) == [0, 1]
    merged = repo.run("merge-reports", "1.json", "2.json")
    assert merged.code == 1
    assert merged.statuses == dict.fromkeys(NAMES, "built") | {"b": "failed"}
    one = repo.run("merge-reports", "1.json")
    assert (one.code, one.out) == (2, "")
    assert "hint: " in one.err


def test_shards_are_balanced_by_times(repo: Project) -> None:
    functions = [
        {"name": name, "target": "linux/amd64", "status": "built", "link_seconds": seconds,
         "compile_seconds": 0, "seconds": seconds}
        for name, seconds in zip(NAMES, (1, 1, 1, 4, 1), strict=True)
    ]  # fmt: skip
    times = {"schema": 1, "ok": True, "seconds": 8, "go": "go", "jobs": 1, "functions": functions}
    repo.write("times.json", json.dumps(times))
    shares = [
        [f["name"] for f in repo.run("list", f"--shard={i}/2", "--times=times.json", "--json")
         .json["functions"]]
        for i in (1, 2)
    ]  # fmt: skip
    assert sorted(shares) == [["a", "b", "c", "e"], ["d"]]


def test_github_gets_errors_at_their_lines_and_a_summary(repo: Project, tmp_path: Path) -> None:
    summary = tmp_path / "summary.md"
    env = {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(summary),
           "GITHUB_WORKSPACE": str(repo.path.parent), "GITHUB_SERVER_URL": "https://git.example.com",
           "GITHUB_REPOSITORY": "acme/shop", "GITHUB_SHA": "1" * 40,
           "GITHUB_REF_NAME": "main"}  # fmt: skip
    repo.write("api/b/main.go", "package main\n\nfunc main() { none() }\n")
    result = repo.run("all", "--json", "--html=page.html", env=env)
    assert (result.code, result.statuses["b"]) == (1, "failed")
    file = f"{repo.path.name}/api/b/main.go"
    assert (
        f"::error file={file},line=3,col=15,title=b did not build::undefined: none"
        in result.err.splitlines()
    )
    drawn = data_of(repo / "page.html")
    # Nothing was checked out with git.
    assert (drawn["origin"]["commit"], drawn["origin"]["branch"]) == ("1" * 40, "main")
    [[_, [_, address, _]]] = drawn["failures"]
    assert address == f"https://git.example.com/acme/shop/blob/{'1' * 40}/{file}#L3"
    repo.write("api/b/main.go", main_printing("b"))
    assert repo.run("all", env=env).code == 0
    _, first, second = re.split("^## ", summary.read_text("utf-8"), flags=re.MULTILINE)
    assert "built 4, failed 1 of 5" in first
    assert "undefined: none" in first
    assert "built 1, up to date 4 of 5" in second
    assert repo.run("all").code == 0
    assert summary.read_text("utf-8").count("## ✅") == 1


def test_gitlab_gets_errors_at_their_lines_from_the_top_of_the_repository(repo: Project) -> None:
    (repo / ".git").mkdir()
    repo.write("service/api/b/main.go", "package main\n\nfunc main() { none() }\n")
    failed = repo.run("build", "b", "--code-quality", "b.json", cwd=repo / "service")
    repo.write("service/api/b/main.go", main_printing("b"))
    built = repo.run("-C", "service", "build", "b", "--code-quality", "out/b.json")
    refused = repo.run("-C", "service", "build", "c", "--code-quality", "c.json")

    assert (failed.code, built.code, refused.code) == (1, 0, 2)
    assert code_quality(repo / "service/b.json") == [
        ("build", "blocker", "service/api/b/main.go", 3, "undefined: none; `b` did not build")
    ]
    assert code_quality(repo / "service/out/b.json") == []
    ((check, severity, place, line, said),) = code_quality(repo / "service/c.json")
    assert (check, severity, place, line) == ("start", "blocker", ".gitlab-ci.yml", 1)
    assert "`c`" in said


def test_a_trace_and_a_page_tell_of_all_that_was_done(repo: Project, tmp_path: Path) -> None:
    cached = replace(
        repo,
        environment=repo.environment
        | {"LAMBDABUILD_CACHE_MODE": "read-write", "LAMBDABUILD_CACHE_DIR": str(tmp_path / "c")},
    )
    outputs = ("--zip", "--trace=out/trace.json", "--html=out/page.html")
    assert cached.run("build", "a", "b").code == 0
    cached.run("clean")
    assert cached.run("all", *outputs).code == 0
    events = [e for e in read(repo / "out/trace.json")["traceEvents"] if e["ph"] == "X"]
    found = {(event["args"]["activity"], event["name"]) for event in events}
    assert {("fetch", "a"), ("fetch", "b"), ("link", "c"), ("pack", "a"), ("pack", "e")} <= found
    assert not {("link", "a"), ("fetch", "c")} & found
    assert any(event["args"].get("critical") for event in events)
    assert_nested(events)
    drawn = data_of(repo / "out/page.html")
    assert [function["name"] for function in drawn["functions"]] == list(NAMES)
    # Here is no repository.
    assert (drawn["origin"]["commit"], drawn["origin"]["page"]) == (None, None)
    assert sum(len(lane["spans"]) for lane in drawn["lanes"]) == len(events)


def test_a_page_names_the_commit_and_links_the_lines_of_it(repo: Project) -> None:
    history = History(repo.path, without_settings(repo.environment), repo.go)
    broken = "package main\n\nfunc main() { none() }\n"
    repo.write(".gitignore", "/dist\n*.html\n")
    repo.write("api/a/main.go", broken)
    history.start_history()
    commit = history.git("rev-parse", "HEAD")
    history.git("remote", "add", "origin", "https://someone:secret@github.com/acme/shop.git")
    repo.write("api/b/main.go", broken)
    repo.write("api/c/new.go", "package main\n\nvar x = none\n")
    assert history.run("build", "a", "b", "c", "--html=page.html").code == 1
    assert "secret" not in (repo / "page.html").read_text("utf-8")
    drawn = data_of(repo / "page.html")
    web = "https://github.com/acme/shop"
    keys = ("commit", "branch", "is_changed", "page")
    told = {key: drawn["origin"][key] for key in keys}
    assert told == {
        "commit": commit, "branch": "main", "is_changed": True, "page": f"{web}/commit/{commit}",
    }  # fmt: skip
    # Other lines may be at those places of the commit.
    assert [line for _, line in drawn["failures"]] == [
        ["api/a/main.go:3:15", f"{web}/blob/{commit}/api/a/main.go#L3", ": undefined: none"],
        "api/b/main.go:3:15: undefined: none",
        "api/c/new.go:3:9: undefined: none",
    ]


def assert_nested(events: list[Any]) -> None:
    """See that on each lane, a span is within another one or beside it."""
    for lane in {event["tid"] for event in events}:
        open_until: list[float] = []
        spans = [(e["ts"], -e["dur"]) for e in events if e["tid"] == lane]
        for start, negative in sorted(spans):
            while open_until and open_until[-1] <= start:
                open_until.pop()
            end = start - negative
            assert not open_until or end <= open_until[-1], lane
            open_until.append(end)


def test_the_history_tells_how_it_went(repo: Project) -> None:
    nothing = repo.run("history")
    assert (nothing.code, nothing.out, nothing.err) == (0, "", "nothing was built here yet\n")
    repo.run("all")
    repo.run("all")
    repo.replace("api/a/main.go", '"a"', '"aa"')
    repo.run("all")
    functions = repo.run("history", "--json").json["functions"]
    assert {f["name"]: len(f["runs"]) for f in functions} == dict.fromkeys(NAMES, 1) | {"a": 2}
    head, *lines = repo.run("history", "a", "b").out.splitlines()
    assert head.split()[:3] == ["function", "target", "runs"]
    assert sorted(line.split()[0] for line in lines) == ["a", "b"]
    assert "█" in next(line for line in lines if line.startswith("a"))


def test_an_executable_that_is_too_large_is_told_of_or_refused(repo: Project) -> None:
    repo.write("lambdabuild.toml", 'max_size = "1MB"\n[functions."a"]\nmax_size = "100MB"\n')
    told = repo.run("all", "--json")
    assert (told.code, set(told.statuses.values())) == (0, {"built"})
    assert told.err.count("over max_size (1.0 MB)") == 4
    assert told.err.count("warning: ") == 4
    repo.write("lambdabuild.toml", 'max_growth = "1%"\n')
    before = {name: (repo / "dist" / name).read_bytes() for name in repo.files()}
    large = "x" * 200_000
    repo.write("api/a/main.go", main_printing(large))
    refused = repo.run("all", "--json", "--check-size")
    assert refused.code == 1
    assert refused.statuses == dict.fromkeys(NAMES, "up-to-date") | {"a": "failed"}
    assert "(--check-size)" in refused.functions["a"]["errors"][0]["message"]
    assert before == {name: (repo / "dist" / name).read_bytes() for name in repo.files()}
    grown = repo.run("all", "--json")
    assert (grown.code, grown.statuses["a"]) == (0, "built")
    assert "warning: `a`: " in grown.err
    assert "over max_growth" in grown.err


@pytest.mark.extended
def test_a_strict_run_fails_because_of_warnings_and_builds_everything_all_the_same(
    repo: Project,
) -> None:
    repo.write("api/e/main.go", f"//go:build arm64\n\n{main_printing('e')}")
    assert (repo.run("all").code, repo.run("all", "--strict", "--exclude", "e").code) == (0, 0)
    left_out = "`api/e` is not built: build constraints exclude all its Go files for linux/amd64"
    end = ["up to date 4 of 4", "error: 1 warning, and --strict is given"]

    for command, more in (("all", ["--force"]), ("check", [])):
        result = repo.run(command, "--strict", "--json", *more)
        assert (result.code, result.json["ok"]) == (1, False)
        assert result.json["warnings"] == [left_out]
        assert result.err.splitlines()[-1] == end[1]
        assert {function["name"] for function in result.json["functions"]} >= {*"abcd"}
    last = [
        line.rpartition(" in ")[0] or line for line in repo.run("all", "--strict").err.splitlines()
    ]
    assert last[-2:] == end

    repo.write("lambdabuild.toml", "strict = true\n")
    warning, hint, error = repo.run("build", "a", "--quiet").err.splitlines()
    assert (warning, hint[:8]) == (f"warning: {left_out}", "  hint: ")
    assert error == "error: 1 warning, and lambdabuild.toml has `strict = true`"
