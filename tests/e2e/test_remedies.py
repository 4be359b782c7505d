"""Whoever does what a hint says can build: each remedy is followed here, and then it builds."""

import contextlib
import importlib.util
import re
import subprocess
import sys
import threading
import zipfile
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.e2e.conftest import Project
from tests.e2e.machine import in_namespace, linux_only
from tests.projects import main_printing

# What is said differs little between versions of Go; tests/unit/test_remedies.py has both.
pytestmark = [pytest.mark.parametrize("go", ["go"], indirect=True), pytest.mark.extended]

MODULE = "module example.com/empty\n\ngo 1.22\n"
LIBRARY = 'package {0}\n\nfunc Say() {{ println("{1}") }}\n'


def hint_of(project: Project, *arguments: str, code: int = 2, **env: str) -> str:
    """Run what fails, and return its only hint."""
    result = project.run(*(arguments or ("all",)), env=env)
    assert result.code == code, result.err
    (hint,) = re.findall(r"hint: (.*)", result.err)
    return str(hint)


def follow(project: Project, hint: str, **env: str) -> None:
    """Run the command that a hint has first in backticks."""
    command = re.findall(r"`([^`]*)`", hint)[0]
    subprocess.run(
        command, shell=True, cwd=project.path, env=project.environment | env, check=True
    )  # fmt: skip


def assert_builds(project: Project, *names: str, **env: str) -> None:
    result = project.run("all", "--json", env=env)
    assert result.code == 0, result.err
    assert set(result.functions) == set(names or ("a",))


def using(project: Project, package: str) -> None:
    """Write a function that needs another package."""
    name = package.rpartition("/")[2].removesuffix(".git")
    project.write(
        "api/a/main.go",
        f'package main\n\nimport {name} "{package}"\n\nfunc main() {{ {name}.Say() }}\n',
    )


def publish(proxy: Path, path: str, said: str) -> None:
    """Put a module into a directory that GOPROXY can name: https://go.dev/ref/mod#goproxy-protocol."""
    place = proxy / path / "@v"
    place.mkdir(parents=True, exist_ok=True)
    (place / "list").write_text("v1.0.0\n")
    (place / "v1.0.0.info").write_text('{"Version": "v1.0.0"}')
    (place / "v1.0.0.mod").write_text(f"module {path}\n")
    with zipfile.ZipFile(place / "v1.0.0.zip", "w") as file:
        top = f"{path}@v1.0.0"
        file.writestr(f"{top}/go.mod", f"module {path}\n")
        file.writestr(f"{top}/x.go", LIBRARY.format(path.rpartition("/")[2], said))


class _Refusal(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_error(403)

    def log_message(self, *_: object) -> None:
        pass


@contextlib.contextmanager
def refusing() -> Iterator[str]:
    """Yield the address of a proxy that gives nothing."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Refusal) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def modules(tmp_path: Path) -> dict[str, str]:
    """An environment whose modules come from a directory, and go to another."""
    (tmp_path / "proxy").mkdir()
    return {
        "GOPROXY": f"file://{tmp_path}/proxy",
        "GOMODCACHE": str(tmp_path / "modules"),
        "GOFLAGS": "-modcacherw",
        "GONOSUMDB": "*",
        "GOSUMDB": "off",
    }


def vendored(project: Project, command: str = "mod") -> None:
    project.write(
        "go.mod", f"{MODULE}\nrequire example.com/x v0.0.0\n\nreplace example.com/x => ./x\n"
    )
    project.write("x/go.mod", "module example.com/x\n\ngo 1.20\n")
    project.write("x/x.go", LIBRARY.format("x", "x"))
    using(project, "example.com/x")
    project.go_run(command, "vendor")
    project.replace("go.mod", "x v0.0.0", "x v0.1.0")


def vendored_workspace(project: Project) -> None:
    project.write("go.work", "go 1.22\n\nuse .\n")
    vendored(project, "work")


def left_workspace(project: Project) -> None:
    project.write("api/a/main.go", main_printing("a"))
    project.write("go.work", "go 1.22\n\nuse .\nuse ./gone\n")


def old_workspace(project: Project) -> None:
    project.write("api/a/main.go", main_printing("a"))
    project.replace("go.mod", "go 1.22", "go 1.22.5")
    project.write("go.work", "go 1.21\n\nuse .\n")


def unnamed(project: Project) -> None:
    project.write("api/a/main.go", main_printing("a"))
    project.write("go.mod", "")


def outdated(project: Project) -> None:
    project.write("go.mod", f"{MODULE}\nrequire example.com/x v0.0.0\n\nreplace (\n"
                  "example.com/x => ./x\nexample.com/y => ./y\n)\n")  # fmt: skip
    project.write("x/go.mod", "module example.com/x\n\ngo 1.24\n\nrequire example.com/y v0.0.0\n")
    project.write("y/go.mod", "module example.com/y\n\ngo 1.20\n")
    project.write("x/x.go", LIBRARY.format("x", "x"))
    using(project, "example.com/x")


@pytest.mark.parametrize(
    ("spoil", "command"),
    [
        (vendored, "`go mod vendor`"),
        pytest.param(vendored_workspace, "`go work vendor`", marks=pytest.mark.extended),
        (left_workspace, "`go work edit -dropuse=./gone`"),
        pytest.param(old_workspace, "`go work use`", marks=pytest.mark.extended),
        (unnamed, "`go mod edit -module=example.com/mod`"),
        (outdated, "`go mod tidy`"),
    ],
)
def test_the_command_of_a_hint_mends_the_module(
    empty: Project, spoil: Callable[[Project], None], command: str
) -> None:
    spoil(empty)
    result = empty.run("all")
    assert result.code in {1, 2}
    (hint,) = re.findall(r"hint: (.*)", result.err)
    assert command in hint
    follow(empty, hint)
    assert_builds(empty)


@pytest.mark.parametrize(
    ("text", "hint", "mended"),
    [
        (f"\ufeff{MODULE}", "save go.mod without a byte order mark", MODULE),
        (f"{MODULE}\nexclud example.com/x v1.0.0\n",
         "correct line 5 of go.mod: did you mean `exclude`?",
         f"{MODULE}\nexclude example.com/x v1.0.0\n"),
        ("module example.com/empty\n\n<<<<<<< HEAD\ngo 1.22\n=======\ngo 1.21\n>>>>>>> x\n",
         "go.mod has a merge conflict", MODULE),
        (MODULE.replace("1.22", "one"), "correct line 3 of go.mod", MODULE),
    ],
)  # fmt: skip
def test_a_go_mod_is_mended_where_the_hint_says(
    empty: Project, text: str, hint: str, mended: str
) -> None:
    empty.write("api/a/main.go", main_printing("a"))
    empty.write("go.mod", text)
    result = empty.run("all")
    assert result.code in {1, 2}
    assert f"hint: {hint}" in result.err
    empty.write("go.mod", mended)
    assert_builds(empty)


def test_what_is_missing_in_go_sum_is_added(
    empty: Project, modules: dict[str, str], tmp_path: Path
) -> None:
    publish(tmp_path / "proxy", "example.com/far", "far")
    empty.write("go.mod", f"{MODULE}\nrequire example.com/far v1.0.0\n")
    using(empty, "example.com/far")
    hint = hint_of(empty, code=1, **modules)
    assert hint == "`go mod tidy` adds what is missing; commit go.sum"
    follow(empty, hint, **modules)
    assert_builds(empty, **modules)


def test_a_download_that_is_wrong_is_removed_and_nothing_is_tidied(
    empty: Project, modules: dict[str, str], tmp_path: Path
) -> None:
    publish(tmp_path / "proxy", "example.com/far", "far")
    empty.write("go.mod", f"{MODULE}\nrequire example.com/far v1.0.0\n")
    using(empty, "example.com/far")
    empty.go_run("mod", "tidy", env=modules)
    empty.go_run("clean", "-modcache", env=modules)
    publish(tmp_path / "proxy", "example.com/far", "something else")
    result = empty.run("all", env=modules)
    assert result.code in {1, 2}
    (hint,) = re.findall(r"hint: (.*)", result.err)
    assert "tidy" not in hint
    publish(tmp_path / "proxy", "example.com/far", "far")
    follow(empty, hint, **modules)
    assert_builds(empty, **modules)


@pytest.mark.extended
def test_a_private_module_comes_from_git_once_goprivate_names_it(
    empty: Project, modules: dict[str, str], tmp_path: Path
) -> None:
    path = "example.com/private/far.git"
    origin = tmp_path / "origin"
    git = ("git", "-c", "user.name=a", "-c", "user.email=a@example.com")
    config = tmp_path / "gitconfig"
    config.write_text(f'[url "file://{origin}"]\n\tinsteadOf = https://example.com/private/far\n')
    origin.mkdir()
    (origin / "go.mod").write_text(f"module {path}\n")
    (origin / "x.go").write_text(LIBRARY.format("far", "far"))
    for command in (("init", "-q"), ("add", "."), ("commit", "-qm", "x"), ("tag", "v1.0.0")):
        subprocess.run([*git, *command], cwd=origin, check=True, env=empty.environment)
    env = modules | {"GOPRIVATE": path, "GIT_CONFIG_GLOBAL": str(config), "GOVCS": "*:all"}
    empty.write("go.mod", f"{MODULE}\nrequire {path} v1.0.0\n")
    using(empty, path)
    empty.go_run("mod", "tidy", env=env)
    empty.go_run("clean", "-modcache", env=env)
    with refusing() as url:
        refused = {**env, "GOPROXY": url, "GOPRIVATE": ""}
        hint = hint_of(empty, code=1, **refused)
        assert hint.startswith(f"if it is private, `export GOPRIVATE={path}`")
        assert_builds(empty, **refused | {"GOPRIVATE": path})


def test_flags_that_a_shell_would_have_made_are_for_the_command_line(empty: Project) -> None:
    empty.write("api/a/main.go", 'package main\n\nvar v = "none"\n\nfunc main() { println(v) }\n')
    empty.write("lambdabuild.toml", 'ldflags = "-s -w -X main.v=$(echo one)"\n')
    result = empty.run("all")
    assert result.code == 1
    lines = [line for line in result.err.splitlines() if line.startswith(("error: ", "  hint: "))]
    assert lines == [
        "error: usage: link [options] main.o",
        "  hint: flags are split at spaces, and no shell runs in lambdabuild.toml: what a command "
        "prints is for the shell, or the Makefile, to put into `--ldflags`",
    ]
    said = subprocess.run(
        f'{sys.executable} -m lambdabuild all -q --ldflags "-s -w -X main.v=$(echo one)" && '
        "dist/a/bootstrap",
        shell=True, cwd=empty.path, env=empty.environment, check=True, capture_output=True,
        text=True,
    ).stderr  # fmt: skip
    assert said == "one\n"


def test_a_name_that_is_too_long_is_shortened_in_the_configuration(empty: Project) -> None:
    below = "/".join(["abcdefghijklmnopqrstuvwx"] * 12)
    empty.write(f"api/{below}/main.go", main_printing("long"))
    assert hint_of(empty, code=1).startswith(
        "give the function a shorter name: a `directory` under"
    )
    empty.write("lambdabuild.toml", f'[functions."short"]\ndirectory = "api/{below}"\n')
    assert_builds(empty, "short")


C = 'package main\n\n{}\nimport "C"\n\nfunc main() {{ println(int(C.two())) }}\n'


@pytest.mark.extended  # zig compiles its C library
def test_c_libraries_that_zig_does_not_bring_are_named(empty: Project) -> None:
    spec = importlib.util.find_spec("ziglang")
    assert spec
    assert spec.submodule_search_locations
    zig = str(Path(spec.submodule_search_locations[0], "zig"))
    place = empty / "sysroot"
    empty.write("sysroot/two.c", "int two(void) { return 2; }\n")
    empty.write("sysroot/libtwo-fe.h", "int two(void);\n")
    run = [zig, "cc", "-target", "x86_64-linux-gnu.2.26", "-c", "two.c"]
    subprocess.run(run, cwd=place, check=True, env=empty.environment)
    subprocess.run([zig, "ar", "rc", "libtwo.a", "two.o"], cwd=place, check=True)
    empty.write("lambdabuild.toml", "cgo = true\n")
    empty.write("api/a/main.go", C.format("// #include <libtwo-fe.h>"))
    header = hint_of(empty, code=1)
    assert '`env = { CGO_CFLAGS = "-I/its/directory" }`' in header
    empty.write("api/a/main.go", C.format("// #cgo LDFLAGS: -ltwo\n// int two(void);"))
    library = hint_of(empty, code=1)
    assert '`env = { CGO_LDFLAGS = "-L/its/directory" }`' in library
    empty.write("api/a/main.go", C.format("// #cgo LDFLAGS: -ltwo\n// #include <libtwo-fe.h>"))
    told = ", ".join(
        re.findall(r"env = \{ (.*?) \}", hint)[0].replace("/its/directory", str(place))
        for hint in (header, library)
    )
    empty.write("lambdabuild.toml", f"cgo = true\nenv = {{ {told} }}\n")
    assert_builds(empty)


@linux_only
def test_a_project_that_is_only_read_is_built_with_a_place_for_the_lock(empty: Project) -> None:
    empty.write("api/a/main.go", main_printing("a"))
    (empty / ".lambdabuild").mkdir()
    script = f"""
        mount --bind . .
        cd "$PWD"
        mount -o remount,bind,ro .
        {sys.executable} -m lambdabuild all --out ../out 2>../err && exit 9
        mount -t tmpfs none .lambdabuild
        {sys.executable} -m lambdabuild all --out ../out
    """
    subprocess.run(in_namespace(script), cwd=empty.path, env=empty.environment, check=True)
    above = empty.path.parent
    assert "--out" not in (above / "err").read_text()
    assert "mount a file system that can be written on it" in (above / "err").read_text()
    assert (above / "out/a/bootstrap").exists()


@linux_only
def test_without_memory_nothing_is_blamed_on_flags(empty: Project) -> None:
    empty.write("api/a/main.go", main_printing("a"))
    limited = f"ulimit -v 600000; exec {sys.executable} -m lambdabuild all"
    done = subprocess.run(
        ["/bin/sh", "-c", limited], cwd=empty.path, env=empty.environment, capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "flags" not in done.stderr
    assert "`ulimit -a` shows the limits" in done.stderr
    assert "goroutine" not in done.stderr
    assert_builds(empty)
