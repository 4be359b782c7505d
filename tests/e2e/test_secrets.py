"""What the repository, and what a build runs, get to see and to do beyond a plain `go build`."""

import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tests.e2e.conftest import Project, Recorded
from tests.e2e.watcher import watching
from tests.projects import main_printing, main_saying

pytestmark = pytest.mark.parametrize("go", ["go"], indirect=True)


@pytest.mark.parametrize(
    "flag",
    [
        "-wrapper ./evil.sh",
        *(pytest.param(f, marks=pytest.mark.extended) for f in ("-B.", "-MF EVIL", "-o EVIL")),
    ],
)
def test_a_c_compiler_is_asked_nothing_that_go_would_not_ask(empty: Project, flag: str) -> None:
    """The header is looked for before `go build` sees the flag, and refuses it."""
    evil = empty.path / "evil"
    empty.write("lambdabuild.toml", "cgo = true\n")
    empty.write(
        "api/f/main.go",
        f"package main\n\n// #cgo CFLAGS: -Iinc {flag.replace('EVIL', str(evil))}\n"
        '// #include "x.h"\nimport "C"\n\nfunc main() {}\n',
    )
    empty.write("api/f/inc/x.h", '#include "y.h"\n')
    empty.write("api/f/inc/y.h", "")
    for name in ("evil.sh", "cc1"):
        empty.write(f"api/f/{name}", f'#!/bin/sh\ntouch "{evil}"\n')
        (empty / f"api/f/{name}").chmod(0o755)

    result = empty.run("all", env={"CC": "cc"})

    assert result.code == 1
    assert f"invalid flag in #cgo CFLAGS: {flag.split(maxsplit=1)[0]}" in result.err
    assert not evil.exists()


SECRETS = {
    "LAMBDABUILD_CACHE_KEY": "S3CRET-key",
    "AWS_SECRET_ACCESS_KEY": "S3CRET-aws",
    "AZURE_STORAGE_ACCOUNT_KEY": "S3CRET-azure",
    "GOOGLE_SERVICE_ACCOUNT_KEY": "S3CRET-google",
    "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "S3CRET-github",
}
# What was given, and what the system shows of those above.
NOSY = """#!/bin/sh
env >>"$SEEN"
pid=$PPID
while [ "$pid" -gt 1 ] && [ "$pid" != "$TEST_PID" ]; do
	tr '\\0' '\\n' <"/proc/$pid/environ" >>"$SEEN" 2>/dev/null
	pid=$(ps -o ppid= -p "$pid" | tr -d ' ')
done
"""


@pytest.fixture
def nosy(empty: Project, tmp_path: Path) -> tuple[Project, Path]:
    """A project whose C compiler and whose toolexec write down all variables that they see."""
    seen = tmp_path / "seen"
    for name, command in (("cc", 'exec cc "$@"'), ("toolexec", 'exec "$@"')):
        program = tmp_path / name
        program.write_text(f"{NOSY}echo {name} >>$SEEN\n{command}\n", "utf-8")
        program.chmod(0o755)
    empty.write(
        "lambdabuild.toml", f'[functions.c]\ncgo = true\nenv = {{ CC = "{tmp_path}/cc" }}\n'
    )
    empty.write("api/c/main.go", 'package main\n\nimport "C"\n\nfunc main() {}\n')
    empty.write("api/go/main.go", main_printing("go"))
    own = {"SEEN": str(seen), "TEST_PID": str(os.getpid()), "TMPDIR": str(tmp_path)}
    environment = empty.environment | own | {"GOFLAGS": f"-toolexec={tmp_path}/toolexec"}
    return replace(empty, environment=environment), seen


@pytest.mark.extended
@pytest.mark.skipif(sys.platform != "linux", reason="it is told by /proc")
def test_what_a_build_runs_sees_no_secret(nosy: tuple[Project, Path]) -> None:
    project, seen = nosy
    if os.geteuid() == 0:
        # Root sees everything, unless it lacks the capabilities to look into others.
        lost = "-sys_ptrace,-perfmon,-sys_admin,-dac_override,-dac_read_search"
        project = replace(project, prefix=("setpriv", f"--bounding-set={lost}", "--inh-caps=-all"))

    result = project.run("all", env=SECRETS)

    assert result.code == 0, result.err
    text = seen.read_text("utf-8", "replace")
    assert {"cc", "toolexec", f"SEEN={seen}"} <= set(text.splitlines())
    assert "S3CRET" not in text


def test_what_a_program_of_the_users_needs_may_be_passed(nosy: tuple[Project, Path]) -> None:
    project, seen = nosy

    result = project.run("build", "go", env=SECRETS | {"LAMBDABUILD_PASS_ENV": "AWS_*"})

    assert result.code == 0, result.err
    lines = set(seen.read_text("utf-8", "replace").splitlines())
    assert "AWS_SECRET_ACCESS_KEY=S3CRET-aws" in lines


def test_the_doctor_tells_a_program_of_the_users_what_it_does_not_get(empty: Project) -> None:
    empty.write("api/f/main.go", main_printing("f"))
    quiet = empty.run("doctor", env=SECRETS | {"GOAUTH": "netrc"})
    assert "not passed" not in quiet.out
    told = empty.run("doctor", env=SECRETS | {"GOAUTH": "git /x"}).out
    (line,) = (line for line in told.splitlines() if "not passed to `go`" in line)
    assert "AWS_SECRET_ACCESS_KEY" in line
    assert line.endswith("nor to what GOAUTH names")
    assert "hint: if it needs them, `export LAMBDABUILD_PASS_ENV=` their names" in told
    assert "S3CRET" not in told


@pytest.mark.parametrize("cache", [None, "s3://bucket"])
def test_exec_may_deploy_but_not_sign(empty: Project, tmp_path: Path, cache: str | None) -> None:
    empty.write("api/f/main.go", main_saying("f1"))
    seen = tmp_path / "seen"
    env = SECRETS | ({"LAMBDABUILD_CACHE": cache} if cache else {})
    env |= {"AWS_ENDPOINT_URL": "http://127.0.0.1:1", "LAMBDABUILD_CACHE_TIMEOUT": "0.2"}
    env |= {"LAMBDABUILD_CACHE_MODE": "read", "LAMBDABUILD_CACHE_DIR": str(tmp_path / "kept")}
    command = f"env > '{seen}'; exit 3"
    with watching(empty, "--exec", command, env=env) as watch:
        watch.says(f"warning: `{command}` ended with exit code 3")
    told = seen.read_text("utf-8")
    assert "LAMBDABUILD_CACHE_KEY" not in told
    assert ("AWS_SECRET_ACCESS_KEY" in told) == (cache is None)
    assert "AZURE_STORAGE_ACCOUNT_KEY" in told
    hinted = "LAMBDABUILD_PASS_ENV='AWS_*'`" in " ".join(watch.messages)
    assert hinted == (cache is not None)


def everything(project: Project) -> dict[str, str]:
    """Return the text of all that lambdabuild wrote, but for executables, by path."""
    paths = [p for top in (".lambdabuild", "dist") for p in (project / top).rglob("*")]
    paths = [p for p in [*paths, project / "report.json"] if p.is_file() and p.name != "bootstrap"]
    return {str(path): path.read_text("utf-8", "replace") for path in paths}


def test_no_password_in_an_address_is_kept_or_shown(empty: Project) -> None:
    address = "https://user:S3CRET@127.0.0.1:1/?token=S3CRET"
    empty.write(
        "lambdabuild.toml",
        f'ldflags = "-X main.a={address}"\nenv = {{ GOPROXY = "{address}" }}\n',
    )
    empty.write("api/f/main.go", main_printing("f"))
    env = {"GOPROXY": address, "GOFLAGS": f"'-ldflags=-X main.b={address}'"}
    first = empty.run("all", "-v", "--report=report.json", "--explain", env=env)
    assert first.code == 0, first.err
    again = empty.run("why", env=env)
    assert again.out == "f: up to date\n"
    empty.replace("lambdabuild.toml", "main.a", "main.c")
    changed = empty.run("why", env=env)
    assert changed.out == "f: ldflags changed\n"
    empty.write("go.mod", "module example.com/empty\n\ngo 1.22\n\nrequire example.com/x v1.0.0\n")
    empty.write("api/f/main.go", 'package main\n\nimport _ "example.com/x"\n\nfunc main() {}\n')
    failed = empty.run("all", "--json", "--report=report.json",
                       env=env | {"GITHUB_ACTIONS": "true", "GOFLAGS": "-mod=mod"})  # fmt: skip
    assert failed.code == 1
    written = everything(empty)
    assert len(written) > 3
    for result in (first, changed, failed, empty.run("all", "--dry-run", env=env)):
        written |= {"stdout": result.out, "stderr": result.err}
        assert [name for name, text in written.items() if "S3CRET" in text] == []


def test_the_address_of_a_store_with_credentials_is_repeated_nowhere(empty: Project) -> None:
    empty.write("api/f/main.go", main_printing("f"))
    env = {"LAMBDABUILD_CACHE": "s3://KEY:S3CRET/x@bucket?secret=S3CRET", "GITHUB_ACTIONS": "true"}
    result = empty.run("all", "-v", "--json", "--report=report.json", env=env)
    assert result.code == 2
    assert "`s3://bucket` has credentials in it" in result.err
    written = everything(empty) | {"stdout": result.out, "stderr": result.err}
    assert [name for name, text in written.items() if "S3CRET" in text] == []


@pytest.mark.parametrize("place", ["lambdabuild.toml", "--ldflags", "GOFLAGS"])
def test_flags_of_the_linker_name_no_output(recorded: Recorded, place: str) -> None:
    elsewhere = recorded.path.parent / "elsewhere"
    recorded.write("api/f/main.go", main_printing("f"))
    arguments, env = ["all"], {}
    if place == "lambdabuild.toml":
        recorded.write(place, f'ldflags = "-s -w -o {elsewhere}"\n')
    elif place == "GOFLAGS":
        env = {"GOFLAGS": f"'-ldflags=-o={elsewhere}'"}
    else:
        arguments += ["--ldflags", f"-o={elsewhere}"]

    result = recorded.run(*arguments, env=env)

    assert result.code == 2
    assert "`-o`, by which Go's tools write somewhere" in result.err
    assert set(recorded.started()) <= {"env"}
    assert not elsewhere.exists()


def test_an_untrusted_configuration_runs_nothing(recorded: Recorded) -> None:
    ran = recorded.path.parent / "ran"
    program = recorded.path / "evil"
    recorded.write("evil", f'#!/bin/sh\ntouch "{ran}"\n')
    program.chmod(0o755)
    recorded.write("api/f/main.go", 'package main\n\nimport "C"\n\nfunc main() {}\n')
    recorded.write("lambdabuild.toml", f'cgo = true\n[env]\nGOAMD64 = "v2"\nCC = "{program}"\n')

    commands = (["all"], ["build", "f"], ["watch"], ["why"], ["list"], ["all", "--dry-run"])
    for arguments, env in (
        *(([*command, "--untrusted"], {}) for command in commands),
        (["all"], {"LAMBDABUILD_UNTRUSTED": "1"}),
    ):
        result = recorded.run(*arguments, env=env)
        assert (result.code, result.out) == (2, ""), result.err
        assert result.err.splitlines()[0] == (
            "lambdabuild.toml:4:1: error: `env.CC` may have a build run programs, or read and write "
            "elsewhere, which --untrusted does not allow"
        )
    told = recorded.run("all", "--json", "--untrusted").json["error"]
    assert (told["file"], told["line"]) == ("lambdabuild.toml", 4)
    assert recorded.started() == []
    assert not ran.exists()


def test_what_is_built_of_an_untrusted_repository_is_kept_for_nobody(
    empty: Project, tmp_path: Path
) -> None:
    empty.write("api/f/main.go", main_printing("f"))
    empty.write("lambdabuild.toml", 'env = { GOAMD64 = "v2" }\nldflags = "-s -w"\n')
    store = tmp_path / "store"
    store.mkdir()
    env = {"LAMBDABUILD_CACHE": f"file://{store}", "LAMBDABUILD_CACHE_MODE": ""}
    env["LAMBDABUILD_CACHE_DIR"] = str(tmp_path / "kept")

    result = empty.run("all", "--untrusted", env=env)

    assert result.code == 0, result.err
    assert empty.says("f") == "f"
    assert [p for p in store.rglob("*") if p.is_file()] == []
    again = empty.run("all", "--untrusted", "--force", "--cache-mode=read-write", env=env)
    assert again.code == 0, again.err
    assert [p for p in store.rglob("*") if p.is_file()] != []


def test_an_untrusted_configuration_is_refused_while_watching_too(unbuilt: Project) -> None:
    with watching(unbuilt, "--untrusted") as watch:
        unbuilt.write("lambdabuild.toml", 'env = { PATH = "evil" }\n')
        assert watch.until("failed") == ["failed"]
        assert "`env.PATH` may have" in watch.events[-1]["errors"][0]["message"]
