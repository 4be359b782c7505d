"""GOCACHEPROG: what one machine compiled, no other compiles; nothing doubtful is shared."""

import re
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.docs.composite import run_step
from tests.docs.pages import PAGES
from tests.e2e.conftest import FLAGS
from tests.e2e.test_save_and_undo import race, word
from tests.environment import CLEAN
from tests.projects import EMPTY, REPO, main_printing, write
from tests.store.compiling import CIGOCACHER, Runner, gocached
from tests.store.issuer import issuing

MODULE = "example.com/repo"


@pytest.fixture(scope="session")
def go() -> str:
    found = shutil.which("go")
    assert found is not None
    return found


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    with gocached(tmp_path / "server") as address:
        yield address


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the cigocacher of some tests keeps: with all of it, Go's own packages are compiled once."""
    return tmp_path_factory.mktemp("shared")


@pytest.fixture
def runner(tmp_path: Path, go: str, shared: Path) -> Runner:
    """A machine whose own build cache is this machine's, beside what its cigocacher keeps."""
    runner = Runner(tmp_path / "runner", go)
    environment = runner.project.environment
    environment["GOCACHEPROG"] = f"{CIGOCACHER} --cache-dir={shared}"
    del environment["GOCACHE"]
    environment.update({name: CLEAN[name] for name in ("GOCACHE", "HOME") if name in CLEAN})
    return runner


def built(runner: Runner, env: Mapping[str, str] | None = None) -> dict[str, bytes]:
    """Build all functions, and return their executables."""
    result = runner.project.run("all", "--json", env=env)
    assert (result.code, set(result.statuses.values())) == (0, {"built"}), result.err
    return {
        name: (runner.project / f"dist/{name}/bootstrap").read_bytes() for name in result.statuses
    }


def go_build(runner: Runner, environment: Mapping[str, str]) -> None:
    """Have somebody's `go build` compile all functions for Lambda, and share that."""
    target = {"GOOS": "linux", "GOARCH": "amd64", "GOAMD64": "v1", **environment}
    runner.project.go_run("build", *FLAGS, "-o", "/dev/null", "./api/...", env=target)


def test_what_one_runner_compiled_no_other_compiles(tmp_path: Path, go: str, server: str) -> None:
    one, two, three = (
        Runner(tmp_path / name, go, f"--cigocached-url={server}") for name in ("1", "2", "3")
    )
    for runner in (one, two, three):
        write(runner.project.path, REPO)

    first = built(one)
    assert {"runtime", f"{MODULE}/internal/auth"} <= set(one.compiled())

    assert built(two) == first
    assert two.compiled() == []

    three.project.replace("internal/auth/auth.go", "auth 1", "auth 2")
    changed = {name for name, content in built(three).items() if content != first[name]}
    assert changed == {"login", "users"}
    affected = ("api/login", "api/users", "internal/auth")
    assert three.compiled() == [f"{MODULE}/{package}" for package in affected]


def test_a_server_that_is_not_there_costs_compiling(runner: Runner) -> None:
    write(runner.project.path, REPO)
    runner.project.environment["GOCACHEPROG"] += " --cigocached-url=http://127.0.0.1:9"
    runner.project.replace("internal/log/log.go", "log 1", word())
    runner.project.write("api/ping/main.go", "package main\n\nfunc main() { undefined() }\n")

    result = runner.project.run("all", "--json")

    assert {name for name, status in result.statuses.items() if status != "built"} == {"ping"}
    (error,) = result.functions["ping"]["errors"]
    assert error["message"] == "undefined: undefined"


def test_what_was_saved_and_undone_while_it_was_compiled_is_not_shared(
    runner: Runner, shared: Path
) -> None:
    right, wrong = word(), word()
    write(runner.project.path, {"go.mod": f"module {MODULE}\n\ngo 1.22\n"})
    runner.project.write("api/f/main.go", main_printing(right))
    racing = race(
        *(runner.project, "api/f/main.go", main_printing(wrong)),
        package=f"{MODULE}/api/f", tools="compile",
    )  # fmt: skip

    built(runner, racing)

    assert runner.project.says("f") == right
    assert holds(shared, right)
    assert not holds(shared, wrong)


def with_c_from_elsewhere(runner: Runner) -> str:
    """Write a function with what no key of Go's cache takes in, and return what it prints.

    That is a header of another directory.
    """
    said = word()
    write(runner.project.path, {"go.mod": f"module {MODULE}\n\ngo 1.22\n"})
    runner.project.write(
        "api/f/main.go",
        'package main\n\n// #include "../../elsewhere/four.h"\nimport "C"\n\n'
        f'func main() {{ println("{said}", C.FOUR) }}\n',
    )
    runner.project.write("elsewhere/four.h", "#define FOUR 4001\n")
    runner.project.write("lambdabuild.toml", 'cgo = true\nenv = { CC = "cc" }\n')
    return said


def holds(directory: Path, text: str) -> bool:
    return any(text.encode() in p.read_bytes() for p in directory.rglob("*") if p.is_file())


def test_what_no_key_of_go_tells_apart_is_neither_taken_nor_shared(
    runner: Runner, shared: Path
) -> None:
    said = with_c_from_elsewhere(runner)
    built(runner)
    assert not holds(shared, said)
    # Now this machine has what is out of date, and somebody's `go build` shares it.
    go_build(runner, {"CGO_ENABLED": "1", "CC": "cc"})
    assert holds(shared, said)
    runner.project.write("elsewhere/four.h", "#define FOUR 9001\n")
    runner.compiled()

    built(runner)

    assert runner.project.says("f") == f"{said} 9001"
    assert runner.compiled() == [f"{MODULE}/api/f"]


def test_nor_is_it_where_go_env_names_the_program(runner: Runner, shared: Path) -> None:
    """An empty variable does not override what `go env -w` wrote; the rest of that holds."""
    said = with_c_from_elsewhere(runner)
    runner.project.write("api/f/nine.go", "//go:build nine\n\npackage main\n\nconst nine = 9\n")
    runner.project.replace("api/f/main.go", "C.FOUR", "C.FOUR, nine")
    environment = runner.project.environment
    goenv = runner.project.path.with_name("env")
    flags = f"{environment.pop('GOFLAGS')} -tags=nine"
    program = environment.pop("GOCACHEPROG")
    goenv.write_text(f"GOFLAGS={flags}\nGOCACHEPROG={program}\n", "utf-8")
    environment["GOENV"] = str(goenv)

    built(runner)

    assert runner.project.says("f") == f"{said} 4001 9"
    assert f"{MODULE}/api/f" in runner.compiled()
    assert not holds(shared, said)


def test_force_takes_nothing_that_others_compiled(runner: Runner) -> None:
    right, wrong = word(), word()
    write(runner.project.path, REPO)
    runner.project.replace("internal/log/log.go", "log 1", right)
    text = (runner.project / "internal/log/log.go").read_text("utf-8")
    racing = race(
        *(runner.project, "internal/log/log.go", text.replace(right, wrong)),
        package=f"{MODULE}/internal/log", tools="compile",
    )  # fmt: skip
    go_build(runner, {**racing, "CGO_ENABLED": "0"})
    built(runner)
    assert runner.project.says("users") == f"{wrong}: auth 1"

    assert runner.project.run("all", "--force").code == 0

    assert runner.project.says("users") == f"{right}: auth 1"


def test_the_action_shares_what_main_compiled_and_takes_nothing_of_pull_requests(
    tmp_path: Path, go: str
) -> None:
    """By the tokens of jobs, as docs/guide/compile-cache.md sets the server up."""
    page = PAGES["docs/guide/compile-cache.md"].replace("OWNER/REPOSITORY", "o/r")
    claims = re.findall(r"--[\w-]*jwt-claim=\S+", page)
    with (
        issuing() as issuer,
        gocached(tmp_path / "server", f"--jwt-issuer={issuer.address}", *claims) as server,
    ):

        def job(name: str, **own: str) -> Runner:
            """Run a job of the repository until lambdabuild has built."""
            runner = Runner(tmp_path / name, go)
            write(runner.project.path, EMPTY | {"api/f/main.go": main_printing(name)})
            environment = runner.project.environment
            del environment["GOCACHEPROG"]
            # As `go install` leaves it, which would compile for a minute.
            programs = tmp_path / name / "lambdabuild" / "bin"
            programs.mkdir(parents=True)
            shutil.copy(CIGOCACHER, programs)
            of_github = issuer.job(repository="o/r", **own) if own else {}
            temporary = {"RUNNER_TEMP": str(tmp_path / name)}
            ended = run_step(
                *("Share compiled packages", runner.project.path, environment | temporary | of_github),
                inputs={"compile-cache": server},
            )  # fmt: skip
            assert ended.code == 0, ended.said
            environment.update(ended.variables)
            built(runner)
            return runner

        push = {"ref": "refs/heads/main", "event_name": "push"}
        request = {"ref": "refs/pull/1/merge", "event_name": "pull_request"}
        target = {"ref": "refs/heads/main", "event_name": "pull_request_target"}
        assert "runtime" in job("1", **request).compiled()
        # One that runs what a pull request brings, as a job of `main`.
        assert job("2", **target).compiled() == ["example.com/empty/api/f"]
        assert "runtime" in job("3", **push).compiled()
        assert job("4", **push).compiled() == ["example.com/empty/api/f"]
        assert job("5", **request).compiled() == ["example.com/empty/api/f"]
        assert "runtime" in job("6").compiled()
