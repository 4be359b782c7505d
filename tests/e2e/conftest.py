"""Run the installed command on copies of the fixtures, with a real Go, an old one as well."""

import json
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.environment import CLEAN
from tests.projects import EMPTY, REPO, SHARING, write

ROOT = Path(__file__).parents[2]
FIXTURES = ROOT / "fixtures"
OLD_GO = ROOT / ".go-1.22" / "go" / "bin" / "go"
LAMBDABUILD = Path(sys.executable).with_name("lambdabuild")
FLAGS = (
    "-trimpath",
    "-buildvcs=false",
    "-tags=lambda.norpc",
    "-ldflags=-s -w",
    "-gcflags=all=-dwarf=false",
)
"""What lambdabuild has Go build with; with others, it compiles the standard library again."""
NOT_COPIED = shutil.ignore_patterns("dist", ".lambdabuild", "bootstrap")
"""What a person may have built in the fixtures."""


@dataclass(frozen=True, slots=True)
class Result:
    """How the command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def functions(self) -> dict[str, dict[str, Any]]:
        """What `--json` says, by name; by name and target where there are several targets."""
        functions = self.json["functions"]
        several = len({f["name"] for f in functions}) < len(functions)
        return {f"{f['name']} {f['target']}" if several else f["name"]: f for f in functions}

    @property
    def statuses(self) -> dict[str, str]:
        return {name: function["status"] for name, function in self.functions.items()}

    @property
    def summary(self) -> str:
        """The last line of stderr, without the time."""
        return self.err.splitlines()[-1].rpartition(" in ")[0]


@dataclass(frozen=True, slots=True)
class Project:
    """A copy of a fixture, and the environment to build it in."""

    path: Path
    environment: dict[str, str]
    go: str
    prefix: tuple[str, ...] = field(default=(), kw_only=True)
    """What lambdabuild is run by."""

    def __truediv__(self, name: str) -> Path:
        return self.path / name

    def unprivileged(self) -> "Project":
        """Return the project as somebody sees it whom modes keep out.

        Root is kept out only without its capabilities, which only Linux can take.
        """
        if os.geteuid() != 0:
            return self
        drop = ("setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-all")
        return replace(self, prefix=drop)

    def start(
        self, *arguments: str, env: Mapping[str, str] | None = None, cwd: Path | None = None
    ) -> "subprocess.Popen[str]":
        """Start lambdabuild, and do not wait for it."""
        return subprocess.Popen(
            [*self.prefix, str(LAMBDABUILD), *arguments],
            cwd=cwd or self.path,
            env=self.environment | dict(env or {}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )

    def run(
        self, *arguments: str, env: Mapping[str, str] | None = None, cwd: Path | None = None
    ) -> Result:
        """Run lambdabuild to its end."""
        process = self.start(*arguments, env=env, cwd=cwd)
        out, err = process.communicate(timeout=280)
        return Result(process.returncode, out, err)

    def go_run(self, *arguments: str, env: Mapping[str, str] | None = None) -> str:
        """Run `go` as a person would, and return what it printed."""
        return subprocess.run(
            [self.go, *arguments],
            cwd=self.path,
            env=self.environment | dict(env or {}),
            check=True,
            capture_output=True,
            text=True,
        ).stdout

    def says(self, name: str, *, directory: str = "dist") -> str:
        """Run a built function and return what it prints.

        Where Lambda's executables do not run (macOS, arm64), return what its source says it
        prints, once its bytes are seen to hold just that.
        """
        program = self.path / directory / name / "bootstrap"
        if (sys.platform, platform.machine()) == ("linux", "x86_64"):
            done = subprocess.run([program], check=True, capture_output=True, text=True, env={})
            return f"{done.stdout}{done.stderr}".strip()
        told = self.go_run("version", "-m", str(program))
        package = next(line.split()[1] for line in told.splitlines() if "\tpath\t" in line)
        listed = self.go_run("list", "-f", "{{.Dir}}", package).strip()
        text = "".join(path.read_text("utf-8") for path in Path(listed).glob("*.go"))
        printed: str = next(iter(re.findall(r'rintln\("([^"]*)"', text)))
        assert printed.encode() in program.read_bytes()
        return printed

    def write(self, name: str, text: str) -> None:
        """Write a file."""
        write(self.path, {name: text})

    def replace(self, name: str, old: str, new: str) -> None:
        path = self.path / name
        text = path.read_text("utf-8")
        assert old in text
        path.write_text(text.replace(old, new), "utf-8")

    def files(self, directory: str = "dist") -> list[str]:
        """Return the files below a directory, relative to it."""
        top = self.path / directory
        return sorted(str(path.relative_to(top)) for path in top.rglob("*") if path.is_file())


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Run on the oldest Go what is marked for it: what may depend on Go's version."""
    left: list[pytest.Item] = []
    kept: list[pytest.Item] = []
    for item in items:
        old = "go1.22" in item.nodeid and item.get_closest_marker("oldest_go") is None
        (left if old else kept).append(item)
    config.hook.pytest_deselected(items=left)
    items[:] = kept


@pytest.fixture(scope="session", params=["go", "go1.22"])
def go(request: pytest.FixtureRequest) -> str:
    """The `go` on PATH or of the extra, and the oldest that lambdabuild supports."""
    if request.param == "go1.22":
        assert OLD_GO.exists(), "`make test-all` installs the old Go"
        return str(OLD_GO)
    from lambdabuild.golang.toolchain import find_go  # noqa: PLC0415

    return find_go(os.environ)


@pytest.fixture(scope="session")
def environment(go: str) -> dict[str, str]:
    """The environment of every command, with `go` first on PATH."""
    path = f"{Path(go).parent}{os.pathsep}{CLEAN['PATH']}"
    return CLEAN | {"PATH": path, "COLUMNS": "200"}


@pytest.fixture(scope="session")
def one_place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("place") / "test"


@pytest.fixture
def tmp_path(one_place: Path) -> Iterator[Path]:
    """One directory for all tests, empty: what is copied back to where it was built is at rest."""
    if one_place.exists():
        shutil.rmtree(one_place)
    one_place.mkdir()
    yield one_place
    # Several MB a function add up over a whole run.
    shutil.rmtree(one_place, ignore_errors=True)


Copy = Callable[[str], Project]


@pytest.fixture
def copy(tmp_path: Path, environment: dict[str, str], go: str) -> Copy:
    """Copy a fixture to a directory of the test's own."""

    def make(name: str) -> Project:
        target = tmp_path / name
        shutil.copytree(FIXTURES / name, target, symlinks=True, ignore=NOT_COPIED)
        return Project(target, environment, go)

    return make


@pytest.fixture
def handlers(copy: Copy) -> Project:
    """Six functions, all in directories named `handler`."""
    return copy("all-handlers")


@pytest.fixture
def empty(tmp_path: Path, environment: dict[str, str], go: str) -> Project:
    """A module without anything in it."""
    project = Project(tmp_path / "empty", environment, go)
    write(project.path, EMPTY)
    return project


@dataclass(frozen=True, slots=True)
class Recorded(Project):
    """A project that knows what `go` was started for."""

    log: Path

    def started(self) -> list[str]:
        """Return the commands `go` was started with since this was last asked."""
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        self.log.unlink(missing_ok=True)
        return lines

    def once(self, command: str) -> str:
        """Return a shell command for a hook that runs once, however often `go` is started."""
        done = self.log.with_name(f"{uuid4()}.done")
        return f"[ -e '{done}' ] || {{ touch '{done}'; {command}; }}"


@pytest.fixture(scope="session")
def recorder(
    go: str, environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A directory whose `go` records what it is started for, and does it."""
    directory = tmp_path_factory.mktemp("recorder")
    shutil.copy(Path(__file__).with_name("recorder.go"), directory)
    command = [go, "build", *FLAGS, "-o", "bin/go", "recorder.go"]
    subprocess.run(command, env=environment | {"CGO_ENABLED": "0"}, check=True, cwd=directory)
    return directory / "bin"


@pytest.fixture
def recorded(empty: Project, recorder: Path, tmp_path: Path) -> Recorded:
    """A module without anything in it, and a `go` that records what it is started for."""
    log = tmp_path / "started"
    environment = empty.environment | {
        "PATH": f"{recorder}{os.pathsep}{empty.environment['PATH']}",
        "RECORDER_GO": empty.go,
        "RECORDER_LOG": str(log),
    }
    return Recorded(empty.path, environment, empty.go, log)


Once = Callable[[str, Callable[[], None]], None]


@pytest.fixture(scope="session")
def made(go: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where what tests begin with is kept, for each `go`."""
    return tmp_path_factory.mktemp(f"made with {go}".replace(os.sep, "-"))


@pytest.fixture
def once(made: Path, tmp_path: Path) -> Once:
    """Do something in `tmp_path` when it is first asked for, and copy what it left there later."""

    def make(name: str, write: Callable[[], None]) -> None:
        if (made / name).exists():
            shutil.copytree(made / name, tmp_path, symlinks=True, dirs_exist_ok=True)
        else:
            write()
            shutil.copytree(tmp_path, made / name, symlinks=True)

    return make


def build(project: Project, *arguments: str) -> None:
    """Build all functions of a project, and see that they were built."""
    result = project.run("all", "--json", *arguments)
    assert set(result.statuses.values()) == {"built"}, result.err


@pytest.fixture
def built(tmp_path: Path, environment: dict[str, str], go: str, once: Once) -> Project:
    """The six functions named `handler`, already built."""
    project = Project(tmp_path / "all-handlers", environment, go)

    def fill() -> None:
        shutil.copytree(FIXTURES / "all-handlers", project.path, ignore=NOT_COPIED)
        build(project)

    once("built", fill)
    return project


@pytest.fixture
def unbuilt(empty: Project) -> Project:
    """Five functions for a watcher, of which four share nothing with the sentinel `zz`."""
    write(empty.path, SHARING)
    return empty


@pytest.fixture
def project(empty: Project, once: Once) -> Project:
    """The same five, already built: a watcher has nothing to do at first."""

    def fill() -> None:
        write(empty.path, SHARING)
        build(empty)

    once("project", fill)
    return empty


@pytest.fixture
def repo(recorded: Recorded, once: Once) -> Recorded:
    """The monorepo of four functions, built."""

    def fill() -> None:
        write(recorded.path, REPO)
        build(recorded)
        recorded.started()

    once("repo", fill)
    return recorded
