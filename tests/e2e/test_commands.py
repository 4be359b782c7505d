"""`list`, `clean`, `doctor`, `init`, `--version`, completion, and words mistyped."""

import os
import pty
import re
import subprocess
from pathlib import Path

import jsonschema
import pytest

from tests.e2e.conftest import LAMBDABUILD, Copy, Project, main_printing
from tests.e2e.test_build import schema

# What is tested here does not depend on Go's version.
pytestmark = pytest.mark.parametrize("go", ["go"], indirect=True)


def test_list_tells_name_package_directory_and_target(copy: Copy) -> None:
    result = copy("several-modules").run("list")
    assert (result.code, result.err) == (0, "")
    assert result.out == (
        "function    package                                 directory       target\n"
        "alpha-get   example.com/several-modules/alpha/get   api/alpha/get   linux/amd64\n"
        "alpha-list  example.com/several-modules/alpha/list  api/alpha/list  linux/amd64\n"
        "beta-get    example.com/several-modules/beta/get    api/beta/get    linux/amd64\n"
        "beta-list   example.com/several-modules/beta/list   api/beta/list   linux/amd64\n"
    )


def test_list_skipped_gives_the_reason_for_every_one_passed_over(copy: Copy) -> None:
    shop = copy("shop")
    shop.write("lambdabuild.toml", 'exclude = ["users-*"]\n')
    result = shop.run("list", "--skipped", "--json")
    jsonschema.validate(result.json, schema("list"))
    ignored = "Go ignores directories named `testdata` or beginning with `_` or `.`"
    assert {item["directory"]: item["reason"] for item in result.json["skipped"]} == {
        "api/_drafts/refunds": ignored,
        "api/catalog/import/testdata/pricelist": ignored,
        "api/smoke": "it has only test files",
        "api/thumbnails": "build constraints exclude all its Go files for linux/amd64",
        "api/users/create": "the glob `users-*` excludes it",
        "api/users/get": "the glob `users-*` excludes it",
        "api/users/list": "the glob `users-*` excludes it",
    }


@pytest.mark.parametrize(
    ("fixture", "skipped"),
    [
        ("no-func-main", {"api/helpers": "it has no `func main`",
                          "api/quoted": "it has no `func main`"}),
        ("test-only-main", {"api/checks": "it has only test files",
                            "api/pretender": "it has only test files"}),
        ("symlinked", {"api/linked": "Go does not follow symbolic links to directories"}),
        ("workspace-not-used", {"api/unlisted": "its module is not in go.work"}),
    ],
)  # fmt: skip
def test_list_skipped_on_odd_repositories(
    copy: Copy, fixture: str, skipped: dict[str, str]
) -> None:
    result = copy(fixture).run("list", "--skipped", "--json")
    assert {item["directory"]: item["reason"] for item in result.json["skipped"]} == skipped


def test_what_was_passed_over_is_shown_from_where_lambdabuild_runs(copy: Copy) -> None:
    project = copy("test-only-main")
    project.write("lambdabuild.toml", "")
    result = project.run("list", "--skipped", "--json", cwd=project / "api")
    assert [f["directory"] for f in result.json["functions"]] == ["healthy"]
    assert [item["directory"] for item in result.json["skipped"]] == ["checks", "pretender"]


def test_a_workspace_may_be_switched_off(copy: Copy) -> None:
    project = copy("workspace-not-used")
    result = project.run("all", "--json", env={"GOWORK": "off"})
    assert result.code == 0, result.err
    assert list(result.functions) == ["hello", "listed-get", "unlisted-get"]


def test_clean_removes_what_lambdabuild_wrote_and_nothing_else(built: Project) -> None:
    built.run("build", "users-handler", "--in-place")
    (built / "dist/users-handler/notes.txt").write_text("mine")
    (built / "dist/carts-handler/bootstrap").write_text("mine")
    result = built.run("clean")
    assert result.code == 0
    assert result.err == (
        "warning: `dist/carts-handler/bootstrap` is left, for somebody else has changed it\n"
        "removed 7 files\n"
    )
    assert built.files() == ["carts-handler/bootstrap", "users-handler/notes.txt"]
    assert not (built / ".lambdabuild").exists()
    assert not list((built / "api").rglob("bootstrap"))
    assert built.run("clean").err == "removed 0 files\n"


def test_clean_leaves_no_empty_directories(handlers: Project) -> None:
    before = sorted(handlers.path.rglob("*"))
    handlers.run("build", "users-*", "carts-*", "--arch", "arm64", "--arch", "amd64")
    assert handlers.run("clean").err == "removed 5 files\n"
    assert sorted(handlers.path.rglob("*")) == before


def test_doctor_finds_nothing_wrong_where_nothing_is(handlers: Project) -> None:
    result = handlers.run("doctor")
    assert result.code == 0
    assert all(line.startswith("ok: ") for line in result.out.splitlines())
    assert "ok: 6 functions under api" in result.out
    assert not (handlers / ".lambdabuild").exists()


def test_doctor_names_the_remedy_of_each_finding(copy: Copy) -> None:
    project = copy("no-functions")
    env = {
        "GOOS": "linux",
        "GOFLAGS": "-trimpath=false",
        "GOCACHE": "off",
    }
    result = project.run("doctor", env=env)
    assert result.code == 2
    findings = [line for line in result.out.splitlines() if not line.startswith("ok: ")]
    assert findings == [
        "warning: GOFLAGS makes binaries depend on the checkout's path or commit",
        "  hint: without -trimpath=false and -buildvcs they are the same everywhere",
        "warning: GOOS exported; lambdabuild does not use it",
        "  hint: say it with --arch, --target, or `env` in lambdabuild.toml",
        "error: Go has no build cache",
        "  hint: set GOCACHE to a directory, or HOME so that Go finds one",
        "error: no function under api",
        "  hint: `lambdabuild list --skipped` tells why",
    ]


def test_init_writes_a_configuration_that_finds_the_functions(copy: Copy) -> None:
    project = copy("no-api")
    assert project.run("all").code == 2
    result = project.run("init")
    assert (result.code, result.out) == (0, "")
    assert result.err == "wrote lambdabuild.toml; `lambdabuild list` shows what it finds\n"
    assert 'roots = ["services", "cmd"]' in (project / "lambdabuild.toml").read_text()
    assert len(project.run("list", "--json").json["functions"]) == 3
    again = project.run("init")
    assert again.code == 2
    assert again.err == (
        "error: there is a `lambdabuild.toml` here already\n  hint: edit it, or move it away\n"
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["build", "user-handler"], "error: no function matches `user-handler`\n"
                                    "  hint: did you mean `users-handler`?\n"),
        (["build", "zzz"], "error: no function matches `zzz`\n"
                           "  hint: `lambdabuild list` shows all there are\n"),
        (["all", "--arch", "arm46"], "error: `arm46` is not an architecture that Lambda has\n"
                                     "  hint: did you mean `arm64`?\n"),
        (["all", "--runtime", "provided.al2032"],
         "error: `provided.al2032` is not a runtime that runs Go executables\n"
         "  hint: did you mean `provided.al2023`?\n"),
        (["all", "--target", "linux"], "error: `linux` is not a target\n"
         "  hint: write GOOS/GOARCH, such as `linux/arm64`; `go tool dist list` names them all\n"),
        (["--color", "allways", "list"], "error: --color is auto, always or never, not `allways`\n"
                                         "  hint: did you mean `always`?\n"),
        (["-C", "nowhere", "list"],
         "error: cannot change to `nowhere`: No such file or directory\n"),
        (["--config", "nowhere.toml", "list"],
         "error: cannot read the configuration `nowhere.toml`: No such file or directory\n"
         "  hint: `lambdabuild init` writes one\n"),
    ],
)  # fmt: skip
def test_a_mistyped_word_gets_the_near_miss(
    handlers: Project, arguments: list[str], said: str
) -> None:
    result = handlers.run(*arguments)
    assert (result.code, result.out, result.err) == (2, "", said)


@pytest.mark.parametrize(
    ("arguments", "near"), [(["all", "--forse"], "--force"), (["al"], "all"), (["lst"], "list")]
)
def test_a_mistyped_flag_or_command_gets_the_near_miss(
    handlers: Project, arguments: list[str], near: str
) -> None:
    result = handlers.run(*arguments)
    assert (result.code, result.out) == (2, "")
    assert near in result.err.splitlines()[-1]


def test_a_target_go_does_not_have_is_told(handlers: Project) -> None:
    result = handlers.run("all", "--target", "linux/z80")
    assert result.code == 2
    assert "unsupported GOOS/GOARCH pair linux/z80" in result.err
    assert "hint: `go tool dist list` names the targets that Go has" in result.err


def test_a_table_for_a_function_that_is_not_there_is_an_error(handlers: Project) -> None:
    handlers.write("lambdabuild.toml", '[functions."user-handler"]\narchitecture = "arm64"\n')
    result = handlers.run("all")
    assert result.code == 2
    assert result.err == (
        "error: there is no function `user-handler`\n"
        '  at: lambdabuild.toml, table `[functions."user-handler"]`\n'
        "  hint: did you mean `users-handler`?\n"
    )


def test_an_excluded_function_says_so_when_asked_for(handlers: Project) -> None:
    handlers.write("lambdabuild.toml", 'exclude = ["users-*"]\n')
    result = handlers.run("build", "users-handler")
    assert result.code == 2
    assert result.err == (
        "error: the function `users-handler` is excluded\n"
        "  hint: the glob `users-*` excludes it; take it away to build the function\n"
    )


def test_version_and_completion(handlers: Project) -> None:
    from lambdabuild import __version__  # noqa: PLC0415

    assert handlers.run("--version").out == f"lambdabuild {__version__}\n"
    completed = handlers.run(
        env={
            "_LAMBDABUILD_COMPLETE": "complete_bash",
            "COMP_WORDS": "lambdabuild do",
            "COMP_CWORD": "1",
        }
    )
    assert completed.out.split() == ["doctor"]


def test_a_terminal_gets_a_live_board(handlers: Project) -> None:
    primary, secondary = pty.openpty()
    process = subprocess.Popen(
        [LAMBDABUILD, "all"],
        cwd=handlers.path,
        env=handlers.environment | {"TERM": "xterm-256color"},
        stdin=subprocess.DEVNULL,
        stdout=secondary,
        stderr=secondary,
    )
    os.close(secondary)
    shown = b""
    while True:
        try:
            piece = os.read(primary, 65536)
        except OSError:
            break
        if not piece:
            break
        shown += piece
    os.close(primary)
    assert process.wait(timeout=60) == 0
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown.decode())
    assert re.search(r"\d of 6 linked, \d+ packages? compiled, \d\.\d+ s", text)
    assert re.search(r"(compiling|linking) \S+ 0\.\d\d s", text)
    assert text.splitlines()[-1].startswith("built 6 of 6 in ")
    assert "linked users-handler (" not in text


def test_five_hundred_functions_are_found(
    tmp_path: Path, environment: dict[str, str], go: str
) -> None:
    project = Project(tmp_path / "many", environment, go)
    project.write("go.mod", "module example.com/many\n\ngo 1.22\n")
    for number in range(500):
        project.write(f"api/g{number % 20}/f{number}/main.go", main_printing(str(number)))
    functions = project.run("list", "--json").json["functions"]
    assert len({function["name"] for function in functions}) == 500
    plan = project.run("all", "--dry-run").out
    assert plan.count("go build") == 1
    assert plan.count("example.com/many/api/") == 500
