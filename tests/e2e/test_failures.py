"""One broken function never costs the others; every failure says what, where and the remedy."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from lambdabuild.system.installation import install_command
from tests.e2e.conftest import OLD_GO, Copy, Project
from tests.e2e.machine import fake_go, in_namespace, linux_only
from tests.projects import main_printing


def faults(err: str) -> str:
    """Return the lines between the table and the last one: what went wrong, in full."""
    lines = err.splitlines()
    first = next(n for n, line in enumerate(lines) if "error: " in line)
    return "\n".join(lines[first:-1])


@pytest.mark.parametrize(
    ("fixture", "statuses", "said"),
    [
        (
            "type-error",
            {
                "healthy": "built",
                "orders-get": "failed",
                "unused-variable": "failed",
                "users-get": "failed",
            },
            """\
internal/greeting/greeting.go:6:9: error: cannot use len(name) (value of type int) as string value in return statement
  5 | func Text(name string) string {
  6 |     return len(name)
    |            ^^^
  `orders-get`, `users-get` did not build: in package example.com/type-error/internal/greeting
api/unused-variable/main.go:6:2: error: declared and not used: x
  5 | func main() {
  6 |     x := 1
    |     ^
  `unused-variable` did not build: in package example.com/type-error/api/unused-variable""",
        ),
        (
            "syntax-error",
            {
                "broken-body": "failed",
                "broken-clause": "failed",
                "broken-imports": "failed",
                "healthy": "built",
            },
            """\
api/broken-clause/main.go:1:1: error: expected 'package', found packag
  1 | packag main
    | ^^^^^^
  `broken-clause` did not build: in package example.com/syntax-error/api/broken-clause
api/broken-imports/main.go:4:2: error: string literal not terminated
  3 | import (
  4 |     "fmt
    |     ^
  `broken-imports` did not build: in package example.com/syntax-error/api/broken-imports
api/broken-body/main.go:6:27: error: syntax error: unexpected newline in argument list; possibly missing comma or )
  5 | func main() {
  6 |     fmt.Println("broken-body"
    |                              ^
  `broken-body` did not build: in package example.com/syntax-error/api/broken-body""",
        ),
        (
            "link-error",
            {"healthy": "built", "undefined-symbol": "failed"},
            """\
error: main.answer: relocation target main.missing not defined
  `undefined-symbol` did not build: in package example.com/link-error/api/undefined-symbol""",
        ),
        (
            "unresolvable-import",
            {"astray": "failed", "healthy": "built"},
            """\
api/astray/main.go:6:2: error: no required module provides package example.com/nowhere/pkg; to add it:
    go get example.com/nowhere/pkg
  6 | "example.com/nowhere/pkg"
    | ^
  `astray` did not build: in package example.com/unresolvable-import/api/astray""",
        ),
        (
            "import-cycle",
            {"dizzy": "failed", "healthy": "built"},
            """\
error: import cycle not allowed
    imports example.com/import-cycle/internal/chicken
    imports example.com/import-cycle/internal/egg
    imports example.com/import-cycle/internal/chicken
  `dizzy` did not build: in package example.com/import-cycle/internal/chicken""",
        ),
        (
            "refused-directories",
            {"+plus": "failed", "grüße": "failed", "healthy": "built", "with space": "failed"},
            """\
error: invalid input directory name "+plus"
  `+plus` did not build: in package example.com/refused-directories/api/+plus
error: malformed import path "example.com/refused-directories/api/grüße": invalid char 'ü'
  `grüße` did not build: in package example.com/refused-directories/api/grüße
error: malformed import path "example.com/refused-directories/api/with space": invalid char ' '
  `with space` did not build: in package example.com/refused-directories/api/with space""",
        ),
    ],
)
@pytest.mark.oldest_go
def test_a_broken_function_is_told_once_and_the_others_are_built(
    copy: Copy, fixture: str, statuses: dict[str, str], said: str
) -> None:
    project = copy(fixture)
    result = project.run("all", "--json")
    assert result.code == 1
    assert result.statuses == statuses
    assert result.json["ok"] is False
    # Go 1.22 has the words the other way round.
    err = result.err.replace("x declared and not used", "declared and not used: x")
    assert faults(err) == said
    assert project.says("healthy") == "healthy"
    again = project.run("all", "--json")
    assert again.statuses == {
        name: "up-to-date" if status == "built" else status for name, status in statuses.items()
    }


def test_errors_in_json_have_file_line_column_and_message(copy: Copy) -> None:
    functions = copy("type-error").run("all", "--json").functions
    shared = {
        "file": "internal/greeting/greeting.go",
        "line": 6,
        "column": 9,
        "message": "cannot use len(name) (value of type int) as string value in return statement",
    }
    assert functions["users-get"]["errors"] == [shared]
    assert functions["orders-get"]["errors"] == [shared]
    assert functions["healthy"]["errors"] == []


def test_the_old_artifact_of_a_failed_function_stays(built: Project) -> None:
    good = (built / "dist/users-handler/bootstrap").read_bytes()
    manifest = (built / "dist/manifest.json").read_text()
    built.replace("api/users/handler/main.go", "func main() {", "func main() { oops")
    result = built.run("all", "--json")
    assert result.code == 1
    function = result.functions["users-handler"]
    assert function["status"] == "failed"
    assert function["artifact"] == "dist/users-handler/bootstrap"
    assert (built / "dist/users-handler/bootstrap").read_bytes() == good
    assert (built / "dist/manifest.json").read_text() == manifest


def test_fail_fast_stops_at_the_first_failure(handlers: Project) -> None:
    handlers.replace("api/users/handler/main.go", "func main() {", "func main() { oops")
    result = handlers.run("all", "--fail-fast", "-j", "1", "--json")
    assert result.code == 1
    assert result.statuses["users-handler"] == "failed"
    assert set(result.statuses.values()) <= {"failed", "cancelled", "built"}
    built = [name for name, status in result.statuses.items() if status == "built"]
    assert all(handlers.says(name) == name for name in built)
    handlers.replace("api/users/handler/main.go", "func main() { oops", "func main() {")
    assert handlers.run("all").code == 0


def test_fail_fast_tells_what_failed_though_go_is_slow_to_say_it(
    copy: Copy, go: str, tmp_path: Path
) -> None:
    late = f"""trap : INT
    said=$({go} "$@" 3>&1 >&2 2>&3); code=$?
    [ "$1" != build ] || sleep 1
    printf '%s\\n' "$said" >&2
    exit $code"""
    env = fake_go(tmp_path, f'[ "$1" = build ] || exec {go} "$@"\n{late}')
    result = copy("type-error").run("all", "--fail-fast", "--json", env=env)
    assert result.code == 1
    assert "failed" in result.statuses.values()
    assert "in package example.com/type-error/" in result.err


def test_fail_fast_with_a_function_that_cannot_be_loaded_builds_nothing(copy: Copy) -> None:
    result = copy("unresolvable-import").run("all", "--fail-fast", "--json")
    assert result.code == 1
    assert result.statuses == {"astray": "failed", "healthy": "cancelled"}


@pytest.mark.parametrize(
    ("fixture", "said"),
    [
        (
            "no-functions",
            """\
error: no main package was found here
  at: {project}
  hint: run lambdabuild at the top of the repository that has the functions, or name their directory with --root
""",
        ),
        (
            "no-api",
            """\
error: 3 main packages found, and none imports the Lambda library (github.com/aws/aws-lambda-go/lambda)
  at: cmd/migrate
  at: services/orders/get
  at: services/users/get
  hint: `--entrypoints all` takes every main package for a function; `lambdabuild init` writes that down
""",
        ),
        (
            "no-go-mod",
            """\
error: no go.mod was found in, above or below `api`
  at: {project}
  hint: run `go mod init example.com/your/module` at the top of the repository
""",
        ),
        (
            "same-name",
            """\
error: two functions are named `users-get`
  at: api/users/get and api/users-get
  hint: name one of them in lambdabuild.toml, under [functions], or exclude it
""",
        ),
    ],
)
def test_what_cannot_start_says_why_and_exits_2(copy: Copy, fixture: str, said: str) -> None:
    project = copy(fixture)
    result = project.run("all")
    assert (result.code, result.out) == (2, "")
    assert result.err == said.format(project=project.path)
    assert not (project / "dist").exists()


def test_names_that_differ_only_in_case_are_refused(empty: Project) -> None:
    empty.write("api/users/get/main.go", main_printing("one"))
    empty.write("api/Users/get/main.go", main_printing("other"))
    if len(os.listdir(empty / "api")) == 1:  # this file system folds case: there is one directory
        assert empty.run("all").code == 0
        return
    result = empty.run("all")
    assert result.code == 2
    assert result.err == (
        "error: the names `Users-get` and `users-get` differ only in case\n"
        "  at: api/Users/get and api/users/get\n"
        "  hint: name one of them in lambdabuild.toml, under [functions], or exclude it\n"
    )


def test_constraints_that_leave_a_function_out_are_a_warning(copy: Copy) -> None:
    shop = copy("shop")
    result = shop.run("list", "--arch", "x86_64")
    assert result.err == (
        "warning: `api/thumbnails` is not built: build constraints exclude all its Go files for "
        'linux/amd64\n  hint: it builds for linux/arm64: set `architecture = "arm64"` under '
        '[functions."thumbnails"] in lambdabuild.toml, or exclude it\n'
    )


def test_a_module_outside_the_workspace_is_a_warning(copy: Copy) -> None:
    result = copy("workspace-not-used").run("list")
    assert result.code == 0
    assert result.err == (
        "warning: `api/unlisted` is not built: its module is not in go.work\n"
        "  hint: `go work use api/unlisted` adds it; GOWORK=off builds every module by itself\n"
    )


def test_without_go_the_extra_is_named(handlers: Project, tmp_path: Path) -> None:
    if (Path(sys.prefix) / "bin" / "go").exists():
        # The extra is installed here: then lambdabuild finds it without PATH, which is its point.
        assert handlers.run("all", env={"PATH": str(tmp_path)}).code == 0
        return
    result = handlers.run("all", env={"PATH": str(tmp_path)})
    assert result.code == 2
    assert result.err == (
        "error: `go` was not found on PATH\n"
        f"  hint: install Go from https://go.dev/dl, or `{install_command('go')}`\n"
    )


def test_a_go_that_is_too_old_is_refused(handlers: Project, tmp_path: Path) -> None:
    env = fake_go(tmp_path, 'echo \'{"GOVERSION": "go1.21.13", "GOWORK": ""}\'')
    result = handlers.run("all", env=env)
    assert result.code == 2
    assert result.err == (
        "error: go1.21.13 is too old; lambdabuild needs Go 1.22 or later\n"
        f"  at: {tmp_path}/fake/go\n"
        f"  hint: install Go from https://go.dev/dl, or `{install_command('go')}`\n"
    )


def test_a_go_mod_that_wants_a_newer_go_is_told(handlers: Project) -> None:
    handlers.replace("go.mod", "go 1.22", "go 1.99")
    result = handlers.run("all")
    assert result.code == 2
    assert "go.mod requires go >= 1.99" in result.err
    assert result.err.endswith(
        "hint: install that Go, or let Go fetch it: `export GOTOOLCHAIN=auto`\n"
    )


def test_a_go_that_crashes_leaves_everything_as_it_was(built: Project, tmp_path: Path) -> None:
    before = (built / "dist/users-handler/bootstrap").read_bytes()
    built.replace("go.mod", "\ngo 1.22", "\n\ngo 1.21")
    env = fake_go(tmp_path, f'[ "$1" = build ] && kill -SEGV $$; exec {built.go} "$@"')
    result = built.run("all", "--json", env=env)
    assert result.code == 1
    assert set(result.statuses.values()) == {"failed"}
    message = result.functions["users-handler"]["errors"][0]["message"]
    assert message == "`go build` was ended by signal 11 and made no executable"
    assert (built / "dist/users-handler/bootstrap").read_bytes() == before
    built.replace("go.mod", "\n\ngo 1.21", "\ngo 1.22")
    assert built.run("all", "--json").statuses["users-handler"] == "up-to-date"


def test_a_compiler_that_is_killed_costs_its_function_only(
    handlers: Project, tmp_path: Path
) -> None:
    # As the kernel does when memory runs out.
    tool = tmp_path / "killer"
    tool.write_text(
        '#!/bin/sh\ncase "$1 $2 $TOOLEXEC_IMPORTPATH" in\n'
        '*-V=*) ;;\n*/compile*users/handler) "$@" & kill -KILL $!; kill -KILL $$ ;;\nesac\n'
        'exec "$@"\n'
    )
    tool.chmod(0o755)
    handlers.replace("api/users/handler/main.go", "package main", "package main\n\nvar Edited = 1")
    env = {"GOFLAGS": f"-toolexec={tool}"}
    result = handlers.run("build", "users-handler", "carts-handler", "--json", env=env)
    assert result.code == 1
    assert result.statuses == {"carts-handler": "built", "users-handler": "failed"}
    assert faults(result.err).splitlines() == [
        "error: Killed",
        "  `users-handler` did not build: in package example.com/all-handlers/api/users/handler",
        "  hint: the system kills a process when memory runs out; `-j 1` needs less",
    ]


@pytest.mark.oldest_go
def test_a_broken_go_mod_is_told_and_nothing_is_lost(built: Project) -> None:
    built.write("go.mod", "module example.com/all-handlers\n\ngo 1.22\n\nnonsense here\n")
    result = built.run("all")
    assert result.code == 2
    assert result.err == (
        "go.mod:5: error: Go cannot load the module: go: errors parsing go.mod:\n"
        "    unknown directive: nonsense\n"
        "  5 | nonsense here\n"
        "  hint: correct line 5 of go.mod\n"
    )
    assert built.says("users-handler") == "users-handler"


@pytest.mark.oldest_go
def test_a_module_that_cannot_be_fetched_costs_its_functions_only(
    empty: Project, tmp_path: Path
) -> None:
    empty.write("go.mod", "module example.com/empty\n\ngo 1.22\n\nrequire example.com/far v1.0.0\n")
    empty.write(
        "go.sum",
        "example.com/far v1.0.0 h1:0H8s0vumYx/YKs4sE7YM0ktwL2eWse+kfopsRI1sXVI=\n"
        "example.com/far v1.0.0/go.mod h1:dpMpZgvWx5vuQJfBt0zqBha60q7Dd7RfgJv23DymV8A=\n",
    )
    empty.write("api/near/main.go", main_printing("near"))
    empty.write(
        "api/far/main.go",
        'package main\n\nimport "example.com/far/lib"\n\nfunc main() { lib.Go() }\n',
    )
    # Nothing listens there: the refusal is at once, and real.
    env = {"GOPROXY": "http://127.0.0.1:9", "GOMODCACHE": str(tmp_path / "modules")}
    result = empty.run("all", "--json", env=env)
    assert result.code == 1, result.err
    assert result.statuses == {"far": "failed", "near": "built"}
    error = result.functions["far"]["errors"][0]
    assert (error["file"], error["line"]) == ("api/far/main.go", 3)
    assert "127.0.0.1:9" in error["message"]


def test_something_else_in_the_place_of_an_output_is_told(handlers: Project) -> None:
    handlers.write("dist", "a file where the directory should be\n")
    result = handlers.run("all")
    assert result.code == 2
    assert result.err == (
        f"error: cannot write `{handlers.path}/dist`: Not a directory\n"
        "  hint: something else is in its place; move it away\n"
    )
    (handlers / "dist").unlink()
    (handlers / "dist/users-handler/bootstrap").mkdir(parents=True)
    result = handlers.run("build", "users-handler", "carts-handler", "--json")
    assert result.code == 1
    assert result.statuses == {"carts-handler": "built", "users-handler": "failed"}
    assert result.functions["users-handler"]["errors"][0]["message"] == (
        f"cannot write `{handlers.path}/dist/users-handler/bootstrap`: Is a directory\n"
        "  hint: something else is in its place; move it away"
    )


@linux_only
def test_a_full_disk_is_told_and_nothing_is_lost(built: Project) -> None:
    before = (built / "dist/users-handler/bootstrap").read_bytes()
    # The project lies on a disk of 14 MB that already holds what was built.
    script = f"""
        mkdir small
        mount -t tmpfs -o size=14m none small
        cp -R all-handlers/. small
        cd small
        sed -i.bak 's/"users-handler"/"edited"/' api/users/handler/main.go
        {sys.executable} -m lambdabuild all --ldflags=-w 2>err && exit 9
        echo $? >../code
        cp err ../err
        cmp dist/users-handler/bootstrap ../all-handlers/dist/users-handler/bootstrap
        [ ! -d .lambdabuild/staging ]
        {sys.executable} -m lambdabuild build users-handler
        dist/users-handler/bootstrap >../said
    """
    subprocess.run(in_namespace(script), cwd=built.path.parent, env=built.environment, check=True)
    above = built.path.parent
    assert (above / "code").read_text().strip() == "1"
    assert "no space left on device" in (above / "err").read_text().lower()
    assert (
        "hint: free some space: links are staged in .lambdabuild, and Go's cache is `go env GOCACHE`"
        in (above / "err").read_text()
    )
    assert (above / "said").read_text().strip() == "edited"
    assert (built / "dist/users-handler/bootstrap").read_bytes() == before


@linux_only
def test_a_read_only_output_is_told_before_anything_is_built(built: Project) -> None:
    script = f"""
        mount --bind dist dist
        mount -o remount,bind,ro dist
        {sys.executable} -m lambdabuild all --force 2>../err || echo $? >../code
    """
    subprocess.run(in_namespace(script), cwd=built.path, env=built.environment, check=True)
    above = built.path.parent
    assert (above / "code").read_text().strip() == "2"
    assert (above / "err").read_text() == (
        f"error: cannot write `{built.path}/dist`: Read-only file system\n"
        "  hint: it is on a read-only file system; `--out` chooses where executables go\n"
    )


@pytest.mark.oldest_go
def test_a_file_system_without_hard_links_is_no_obstacle(handlers: Project, tmp_path: Path) -> None:
    # `ln FILE NAME` fails, as on exFAT and some network and container volumes.
    place = tmp_path / "tools"
    place.mkdir()
    real = shutil.which("ln")
    (place / "ln").write_text(f'#!/bin/sh\n[ "$1" = -s ] || exit 1\nexec {real} "$@"\n')
    (place / "ln").chmod(0o755)
    env = {"PATH": f"{place}{os.pathsep}{handlers.environment['PATH']}"}
    command = ["build", "users-handler", "carts-handler", "--json"]
    linked = handlers.run(*command, env=env)
    assert linked.code == 0, linked.err
    again = handlers.run(*command, "--force")
    assert set(again.statuses.values()) == {"unchanged"}


@pytest.mark.oldest_go
def test_doctor_looks_for_the_program_that_keeps_what_go_compiles(handlers: Project) -> None:
    """`go env` does not start it. Its flags, which may have a token, are not shown."""
    there = handlers.run("doctor", env={"GOCACHEPROG": "/bin/sh --token=secret"})
    gone = handlers.run("doctor", env={"GOCACHEPROG": "'/a b/c' --token=secret"})

    if handlers.go == str(OLD_GO):
        assert there.out == gone.out
        assert "warning: go1.22.10 does not know GOCACHEPROG\n" in gone.out
    else:
        assert "ok: what Go compiles is kept by /bin/sh, which GOCACHEPROG names\n" in there.out
        assert "error: there is no program `/a b/c`, which GOCACHEPROG names\n" in gone.out
    assert "secret" not in there.out + there.err + gone.out + gone.err
