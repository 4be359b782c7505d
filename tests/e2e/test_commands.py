"""`list`, `clean`, `doctor`, `init`, `--version`, completion, and words mistyped."""

import json
import os
import pty
import re
import shutil
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest

from tests.e2e.conftest import LAMBDABUILD, Copy, Project
from tests.projects import main_printing
from tests.schemas import schema

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
        "  hint: say it with --arch, --target, or `env` and `cgo` in lambdabuild.toml",
        "error: Go has no build cache",
        "  hint: set GOCACHE to a directory, or HOME so that Go finds one",
        "error: no function under .",
        "  hint: `lambdabuild list --skipped` tells why",
    ]


def test_init_writes_a_configuration_that_finds_the_functions(copy: Copy) -> None:
    project = copy("no-api")
    assert project.run("all").code == 2
    result = project.run("init")
    assert (result.code, result.out) == (0, "")
    assert result.err == (
        "wrote lambdabuild.toml for 3 functions; `lambdabuild list` shows them\n"
        "add `/dist/` and `/.lambdabuild/` to .gitignore, as `lambdabuild init --gitignore` does\n"
    )
    assert 'roots = ["services", "cmd"]' in (project / "lambdabuild.toml").read_text()
    assert len(project.run("list", "--json").json["functions"]) == 3
    again = project.run("init")
    assert again.code == 2
    assert again.err == (
        "error: there is a `lambdabuild.toml` here already\n  hint: edit it, or move it away\n"
    )


def test_the_schema_that_init_names_is_there_and_in_a_fresh_checkout_after_any_run(
    copy: Copy,
) -> None:
    project = copy("no-api")
    project.run("init")
    directive = (project / "lambdabuild.toml").read_text().splitlines()[0]
    place = project / directive.removeprefix("#:schema ./")
    assert json.loads(place.read_text()) == schema("config")

    shutil.rmtree(project / ".lambdabuild")
    assert project.run("check").code == 0
    assert json.loads(place.read_text()) == schema("config")
    assert (project / ".lambdabuild/.gitignore").read_text().splitlines()[-1] == "*"


def test_schema_prints_what_is_in_the_package(empty: Project) -> None:
    assert empty.run("schema").json == schema("config")
    assert empty.run("schema", "report").json == schema("report")
    refused = empty.run("schema", "reprot")
    assert (refused.code, refused.out, refused.err) == (
        2,
        "",
        "error: there is no schema of `reprot`\n  hint: did you mean `report`?\n",
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
        (["watch", "--dry-run"], "error: watch has no --dry-run\n"
         "  hint: `lambdabuild all --dry-run` prints the commands\n"),
        (["watch", "--shard", "1/2"], "error: watch has neither --since, --files-from nor --shard\n"
         "  hint: name the functions to watch: names, globs or paths\n"),
        (["-C", "nowhere", "list"],
         "error: there is no directory `nowhere`\n"),
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


def test_a_configuration_that_cannot_be_read_is_not_taken_for_none(handlers: Project) -> None:
    file = handlers / "lambdabuild.toml"
    file.unlink(missing_ok=True)
    file.symlink_to("shared/lambdabuild.toml")
    result = handlers.run("list", cwd=handlers / "api")
    assert (result.code, result.err) == (
        2,
        "error: cannot read the configuration `../lambdabuild.toml`: No such file or directory\n"
        "  hint: it is a link to `shared/lambdabuild.toml`: mend or remove it\n",
    )


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
        "lambdabuild.toml:1:13: error: there is no function `user-handler`\n"
        '  1 | [functions."user-handler"]\n'
        "    |             ^^^^^^^^^^^^\n"
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


@pytest.mark.extended
def test_a_path_means_what_is_there_and_nothing_above_it(empty: Project) -> None:
    empty.write("shared/shared.go", "package shared\n")
    empty.write("api/users/main.go", main_printing("users"))
    empty.write("api/users/use.go", 'package main\n\nimport _ "example.com/empty/shared"\n')
    empty.write("api/users/internal/x/x.go", "package x\n")
    empty.write("api/users/testdata/tool/main.go", main_printing("tool"))
    empty.write("api/legacy/main.go", main_printing("legacy"))
    empty.write("lambdabuild.toml", 'exclude = ["./api/legacy/"]\n')
    for word, said in (
        (
            "api/users/get",
            "no function matches `api/users/get`: there is no such file or directory",
        ),
        ("api/users/nope.go", "no function matches `api/users/nope.go`: there is no such file or"),
        ("go.mod", "`go.mod` is no function, and in none"),
        ("shared/shared.go", "`shared/shared.go` is no function, and in none"),
        ("api/users/testdata/tool", "what is in `api/users/testdata/tool` is not built"),
        ("api/legacy/main.go", "the function `legacy` is excluded"),
        ("", "an empty word names no function"),
    ):
        result = empty.run("build", word)
        assert (result.code, result.out) == (2, "")
        assert result.err.startswith(f"error: {said}")
        assert "  hint: " in result.err
    inner = empty.run("build", "api/users/internal/x", "--json")
    assert inner.statuses == {"users": "built"}
    assert inner.err.startswith("`api/users/internal/x` is in the function `users`\n")
    # The remedy for a file that belongs to all.
    assert empty.run("why", "--file", "shared/shared.go").out == "users\n"


@pytest.mark.extended
def test_a_glob_that_excludes_nothing_is_a_warning(empty: Project) -> None:
    for name in ("a", "legacy", "legacy/old", "shop/_drafts/x"):
        empty.write(f"api/{name}/main.go", main_printing(name))
    everything = ["a", "legacy", "legacy-old"]

    def listed(*arguments: str, cwd: str = ".") -> tuple[list[str], str]:
        result = empty.run(*arguments, "list", "--json", cwd=empty / cwd)
        assert result.code == 0
        return list(result.functions), result.err

    for glob, hint in (
        ("legcy", "did you mean `legacy`?"),
        ("api/legcy", "did you mean `api/legacy`?"),
        ("./api", "no function is in that very directory; `api/*` is for those below it"),
    ):
        empty.write("lambdabuild.toml", f'exclude = ["a", "{glob}"]\n')
        shown = glob.removeprefix("./")
        warning = f"warning: `{shown}` in `exclude` matches no function\n  hint: {hint}\n"
        assert listed() == (everything[1:], warning)
    # Of whatever form, paths are those of directories: below the project, or passed over by Go.
    for glob, left in (
        ("./api/legacy", ["a", "legacy-old"]),
        ("api//legacy/", ["a", "legacy-old"]),
        (f"{empty.path}/api/legacy/*", ["a", "legacy"]),
        ("api/legacy*", ["a"]),
        ("api/shop/_drafts/*", everything),
    ):
        empty.write("lambdabuild.toml", f'exclude = ["{glob}"]\n')
        assert listed() == (left, "")
        assert listed(cwd="api/a") == (left, "")
    # A word of the command line is relative to where it is typed, as a root is.
    empty.write("lambdabuild.toml", 'exclude = ["nobody"]\n')
    exclude = ("--root=.", "--exclude=legacy/old")
    result = empty.run("list", "--json", *exclude, cwd=empty / "api")
    # What the file excludes may lie below other roots.
    assert (list(result.functions), result.err) == (["a", "legacy"], "")
    twice = empty.run("-C", "api", "all", "--exclude", "./legacy/od", "--json")
    assert re.findall(r"warning: (.*) matches no function\n  hint: (.*)", twice.err) == [
        ("`nobody` in `exclude`",
         "a glob means names of functions, as `lambdabuild list` shows them, or their directories"),
        ("`--exclude api/legacy/od`", "did you mean `api/legacy/old`?"),
    ]  # fmt: skip
    assert twice.err.count("warning") == 2
    assert "warning" not in empty.run("build", "a").err


AS_BYTES = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


@pytest.mark.parametrize(
    "env",
    [
        pytest.param({"PYTHONIOENCODING": "ascii"}, id="ascii", marks=pytest.mark.extended),
        pytest.param({"PYTHONIOENCODING": "latin-1"}, id="latin-1", marks=pytest.mark.extended),
        pytest.param(AS_BYTES, id="bytes", marks=pytest.mark.extended),
    ],
)
def test_a_name_that_no_encoding_takes_ends_no_run(empty: Project, env: dict[str, str]) -> None:
    empty.write("api/n/main.go", main_printing("n"))
    # File systems of macOS take nothing but UTF-8.
    odd = b"\xc3\xa9" if sys.platform == "darwin" else b"\xff\xe9"
    os.mkdir(os.fsencode(empty / "api/n") + b"/" + odd)
    with open(os.fsencode(empty / "api/n") + b"/" + odd + b"/page.html", "wb"):
        pass
    empty.write(
        "lambdabuild.toml",
        'exclude = ["пара"]\n[functions."naïve-日本"]\ndirectory = "api/n"\nassets = ["**/*.html"]\n',
    )
    env |= {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(empty / "summary.md")}

    def run(*arguments: str, code: int = 0) -> str:
        # As bytes: what is printed need not be UTF-8.
        done = subprocess.run(
            [LAMBDABUILD, *arguments], cwd=empty.path, env=empty.environment | env,
            capture_output=True, check=False,
        )  # fmt: skip
        assert done.returncode == code, done.stderr
        assert b"Traceback" not in done.stderr
        return done.stdout.decode("utf-8" if "--json" in arguments else "latin-1")

    names = ["naïve-日本"]
    built = json.loads(run("all", "--json", "--sbom", "--explain", "--report=r.json",
                           "--html=h.html", "--trace=t.json", "-v"))  # fmt: skip
    assert [f["name"] for f in built["functions"]] == names
    assert json.loads((empty / "r.json").read_text("utf-8")) == built
    assert json.loads((empty / "dist/manifest.json").read_text("utf-8"))["functions"]
    assert [f["name"] for f in json.loads(run("list", "--json"))["functions"]] == names
    assert names[0] in json.loads(run("history", "--json"))["functions"][0].values()
    for command in (["list", "--skipped"], ["why"], ["history"], ["all", "--force", "-n"]):
        assert "na" in run(*command)
    (empty / "api/n/main.go").write_text("package main\n\nfunc main() { none() }\n")
    failed = json.loads(run("all", "--json", code=1))
    assert failed["functions"][0]["errors"][0]["message"] == "undefined: none"
    # A path of the command line, and one in an error that ends the run.
    refused = json.loads(run("build", os.fsdecode(b"api/" + odd), "--json", code=2))
    assert refused["error"]["message"].startswith("no function matches `api/")


def test_version_and_completion(handlers: Project) -> None:
    from lambdabuild import __version__  # noqa: PLC0415

    for words in (["--version"], ["-V"], ["version"]):
        assert handlers.run(*words).out == f"lambdabuild {__version__}\n"
    for words in (["help"], ["help", "watch"], ["help", "cache", "info"]):
        assert handlers.run(*words).out == handlers.run(*words[1:], "--help").out
    result = handlers.run("help", "wacht")
    assert (result.code, result.out) == (2, "")
    script = handlers.run("completion", "bash").out
    assert handlers.run("--show-completion", "bash").out == script
    assert "complete -F" in script
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
    assert re.search(r"\d+ of \d+ packages, \d of 6 linked, \d\.\d+ s", text)
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
