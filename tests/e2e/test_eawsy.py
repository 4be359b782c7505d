"""Functions for eawsy's runtimes are built as they stand, and treated as any other function."""

import hashlib
import json
import shutil
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from tests.e2e.conftest import FIXTURES, NOT_COPIED, Project, Recorded
from tests.e2e.history import History, without_settings
from tests.e2e.incremental import rebuilt, rebuilt_as_told
from tests.e2e.watcher import watching
from tests.projects import main_printing

pytestmark = pytest.mark.parametrize("go", ["go"], indirect=True)

SHIM = "eawsy/aws-lambda-go-shim"
UPSTREAM = "github.com/eawsy"
LIBRARIES = ("aws-lambda-go", "aws-lambda-go-core", "aws-lambda-go-event", "aws-lambda-go-net")
VERSION = "v0.0.0-20170302234508-e26eed6aa244"
EVENT = {
    "httpMethod": "GET",
    "path": "/",
    "requestContext": {"identity": {"sourceIp": "127.0.0.1"}, "authorizer": {"a": "b"}},
}  # fmt: skip


def take(project: Project, *functions: str, upstream: str = "upstream") -> None:
    """Write functions of the fixture into a project, and the libraries below `upstream`."""
    source = FIXTURES / "eawsy"
    for name in functions:
        shutil.copytree(source / "api" / name, project / f"api/{name}", ignore=NOT_COPIED)
    for library in LIBRARIES:
        shutil.copytree(source / "upstream" / library, project / upstream / UPSTREAM / library)


def go_mod(version: str = "v0.0.0") -> str:
    """Return a go.mod that requires the libraries; that version of them is below `upstream`."""
    lines = ["module example.com/eawsy\n\ngo 1.16\n"]
    for library in LIBRARIES:
        lines.append(f"require {UPSTREAM}/{library} {version}")
        if version == "v0.0.0":
            lines.append(f"replace {UPSTREAM}/{library} => ./upstream/{UPSTREAM}/{library}")
    return "\n".join([*lines, ""])


@pytest.fixture
def functions(recorded: Recorded) -> Recorded:
    """Two functions for eawsy's runtimes beside one that starts by itself."""
    take(recorded, "echo", "old")
    recorded.write("go.mod", go_mod())
    recorded.write("api/official/main.go", main_printing("official"))
    return recorded


def sources(project: Project) -> dict[str, str]:
    """Return what is in each file that a person wrote."""
    return {
        name: hashlib.sha256((project / name).read_bytes()).hexdigest()
        for name in project.files(".")
        if not name.startswith((".lambdabuild/", "dist/", ".git/"))
    }


def answer(project: Project, name: str, event: str = "{}") -> str:
    """Return what a function says to an event."""
    result = project.run("invoke", name, "--data", event, "--no-log")
    assert result.code == 0, result.err
    return result.out


def test_one_go_build_makes_them_beside_others_and_writes_nothing_into_the_tree(
    functions: Recorded,
) -> None:
    before = sources(functions)
    arguments = ("--arch", "x86_64", "--arch", "arm64", "--zip", "--sbom")
    result = functions.run("all", "--json", *arguments)
    assert set(result.statuses.values()) == {"built"}, result.err
    # One for each architecture.
    assert functions.started().count("build") == 2
    assert sources(functions) == before
    listed = functions.run("list", "--json").functions
    assert {name: function["adapter"] for name, function in listed.items()} == {
        "echo": SHIM, "old": "eawsy/aws-lambda-go", "official": None,
    }  # fmt: skip
    assert f"linux/amd64  {SHIM}\n" in functions.run("list").out
    bill = json.loads((functions / "dist/echo-x86_64.sbom.json").read_text())
    assert f"{UPSTREAM}/aws-lambda-go-core" in {item["name"] for item in bill["components"]}
    with zipfile.ZipFile(functions / "dist/old-arm64.zip") as packed:
        assert packed.namelist() == ["bootstrap"]
    assert functions.run("all", *arguments).summary == "up to date 6 of 6"
    assert functions.run("check").code == 0


def test_their_inputs_are_those_of_any_function_and_the_adapter(functions: Recorded) -> None:
    functions.run("all")
    functions.replace("api/echo/handler.go", "package main", "package main // edited")
    assert rebuilt_as_told(functions) == {"echo": "api/echo/handler.go changed"}
    functions.write("api/echo/run.go", "package main\n\nvar Run = Handle\n")
    functions.write("lambdabuild.toml", '[functions.echo]\nhandler_name = "Run"\n')
    (reason,) = rebuilt(functions).values()
    assert reason == (
        "adapter changed: eawsy/aws-lambda-go-shim Handle, version 1 → "
        "eawsy/aws-lambda-go-shim Run, version 1"
    )
    functions.write("lambdabuild.toml", 'adapter = "none"\n')
    result = functions.run("all", "--json")
    assert {n: f["reason"] for n, f in result.functions.items() if f["reason"]} == {
        "old": "adapter changed: eawsy/aws-lambda-go, version 1 → none"
    }
    skipped = functions.run("list", "--skipped", "--json").json["skipped"]
    assert [(item["directory"], item["reason"]) for item in skipped] == [
        ("api/echo", "it has no `func main`")
    ]


def with_history(project: Project) -> History:
    """Commit all there is."""
    made = History(project.path, without_settings(project.environment), project.go)
    made.write(".gitignore", "dist/\n.lambdabuild/\n")
    made.start_history()
    return made


def test_those_affected_since_a_commit_are_found(recorded: Recorded) -> None:
    take(recorded, "elsewhere", "old")
    shutil.copytree(FIXTURES / "eawsy" / "handlers", recorded / "handlers")
    recorded.write("go.mod", go_mod())
    project = with_history(recorded)
    handlers = next((recorded / "handlers").glob("*.go"))
    handlers.write_text(handlers.read_text() + "\nvar edited = 1\n")
    affected = project.run("list", "--since", "HEAD", "--json").functions
    assert list(affected) == ["elsewhere"]
    project.write("api/elsewhere/more.go", 'package main\n\nimport _ "example.com/eawsy/new"\n')
    project.write("new/new.go", "package new\n")
    assert list(project.run("list", "--since", "HEAD", "--json").functions) == ["elsewhere"]


@pytest.mark.parametrize(
    ("name", "place", "message"),
    [
        ("missing", None, "there is no `Handle` in this package"),
        ("unexported", None, "there is no `Handle` in this package"),
        ("notfunc", "var Handle", "it is `string`"),
        ("nilpointer", "var Handle", "it is `*func()`"),
        ("noparams", "func Handle", "it is `func() (interface{}, error)`"),
        ("oneparam", "func Handle", "it is `func(evt interface{}) (interface{}, error)`"),
        ("noerror", "func Handle", "it is `func(evt interface{}, ctx *runtime.Context)`"),
        ("secondresult", "func Handle", "its second result is `interface{}`, which is no error"),
        ("wrongcontext", "func Handle", "it is `func(evt interface{}, ctx interface{})"),
        ("oldwrong", "HandleFunc(", "cannot use func() {}"),
    ],
)
def test_a_wrong_signature_is_an_error_of_the_build(
    wrong: dict[str, dict[str, object]], name: str, place: str | None, message: str
) -> None:
    found = wrong[name]
    assert message in str(found["message"])
    source = (FIXTURES / f"eawsy/wrong/{name}/handler.go").read_text().splitlines()
    line = int(str(found["line"]))
    assert (
        source[line - 1].lstrip().startswith("package main")
        if place is None
        else place in source[line - 1]
    )
    assert found["file"] == f"wrong/{name}/handler.go"
    # Its own hint, of those of all ten.
    said = str(found["said"]).partition(f"`{name}` did not build")[2].splitlines()
    wanted = "func(evt T, ctx *runtime.Context)" if place else "handler_name"
    assert ("func(evt json.RawMessage" if name == "oldwrong" else wanted) in said[1]


@pytest.fixture(scope="module")
def wrong(
    tmp_path_factory: pytest.TempPathFactory, environment: dict[str, str], go: str
) -> dict[str, dict[str, object]]:
    """What is said of each function of the fixture's `wrong`."""
    project = Project(tmp_path_factory.mktemp("wrong") / "eawsy", environment, go)
    shutil.copytree(FIXTURES / "eawsy", project.path, ignore=NOT_COPIED)
    (project / "lambdabuild.toml").unlink()
    result = project.run("all", "--json", "--root", "wrong")
    assert result.code == 1
    assert not (project / "dist").exists() or project.files() in ([], ["manifest.json"])
    return {
        name: {**function["errors"][0], "said": result.err}
        for name, function in result.functions.items()
    }


def test_an_overlay_of_goflags_holds_as_well(functions: Recorded, tmp_path: Path) -> None:
    changed = tmp_path / "handler.go"
    text = (functions / "api/echo/handler.go").read_text()
    changed.write_text(text.replace("return evt", 'return "overlaid"'))
    assert changed.read_text() != text
    overlay = tmp_path / "overlay.json"
    overlay.write_text(json.dumps({"Replace": {"api/echo/handler.go": str(changed)}}))
    env = functions.environment | {"GOFLAGS": f"-overlay={overlay}"}
    project = replace(functions, environment=env)
    assert answer(project, "echo") == '"overlaid"\n'


@pytest.mark.extended
def test_vendored_libraries_are_taken_as_they_are(functions: Recorded) -> None:
    take_more(functions, "events")
    functions.go_run("mod", "vendor")
    shutil.rmtree(functions / "upstream")
    before = sources(functions)
    result = functions.run("all", "--json")
    assert set(result.statuses.values()) == {"built"}, result.err
    assert result.err.count("of eawsy/aws-lambda-go-event: without") == 1
    assert sources(functions) == before
    assert "errorType" not in answer(functions, "events", event_for("apigatewayproxy"))


def take_more(project: Project, *names: str) -> None:
    for name in names:
        shutil.copytree(FIXTURES / "eawsy/api" / name, project / f"api/{name}")


def event_for(kind: str) -> str:
    return json.dumps({"Type": kind, "Event": EVENT})


def test_libraries_of_the_module_cache_are_mended_beside_it(
    functions: Recorded, tmp_path: Path
) -> None:
    take_more(functions, "events")
    for library in LIBRARIES:
        offer(
            tmp_path / "proxy", f"{UPSTREAM}/{library}", functions / "upstream" / UPSTREAM / library
        )
    shutil.rmtree(functions / "upstream")
    functions.write("go.mod", go_mod(VERSION))
    env = functions.environment | {
        "GOPROXY": f"file://{tmp_path}/proxy", "GONOSUMDB": "*", "GOFLAGS": "-modcacherw",
        "GOMODCACHE": str(tmp_path / "modules"),
    }  # fmt: skip
    project = replace(functions, environment=env)
    project.go_run("mod", "tidy")
    before = sources(project)
    result = project.run("all", "--json")
    assert set(result.statuses.values()) == {"built"}, result.err
    assert sources(project) == before
    assert "errorType" not in answer(project, "events", event_for("apigatewayproxy"))
    assert project.run("all").summary == "up to date 4 of 4"


def offer(proxy: Path, module: str, source: Path) -> None:
    """Put a directory into one that GOPROXY may name: https://go.dev/ref/mod#goproxy-protocol."""
    place = proxy / module / "@v"
    place.mkdir(parents=True)
    (place / "list").write_text(f"{VERSION}\n")
    (place / f"{VERSION}.info").write_text(json.dumps({"Version": VERSION}))
    (place / f"{VERSION}.mod").write_text(f"module {module}\n")
    with zipfile.ZipFile(place / f"{VERSION}.zip", "w") as archive:
        for path in source.rglob("*"):
            if path.is_file() and path.name != "go.mod":
                archive.write(path, f"{module}@{VERSION}/{path.relative_to(source)}")


@pytest.mark.parametrize(
    "vendored",
    [
        pytest.param(True, id="vendor"),
        pytest.param(False, id="GOPATH", marks=pytest.mark.extended),
    ],
)
def test_a_repository_from_before_modules_builds_without_a_go_mod(
    empty: Project, tmp_path: Path, vendored: bool
) -> None:
    top = tmp_path / ("clone" if vendored else "go/src/github.com/acme/shop")
    env = empty.environment | {"GOPATH": str(tmp_path / "go"), "GOPROXY": "off"}
    env |= {"GOMODCACHE": str(tmp_path / "modules"), "GO111MODULE": "off"}
    project = Project(top, env, empty.go)
    shutil.copytree(FIXTURES / "eawsy-gopath", top, ignore=NOT_COPIED)
    if not vendored:
        (top / "vendor/github.com/eawsy").rename(tmp_path / "go/src/github.com/eawsy")
    before = sources(project)
    result = project.run("all", "--json")
    assert set(result.statuses.values()) == {"built"}, result.err
    assert sources(project) == before
    assert answer(project, "invoice", '{"pear": 2}') == "8\n"
    assert answer(project, "report") == '{"apple":3,"pear":4}\n'
    assert project.run("all").summary == "up to date 3 of 3"
    committed = with_history(project)
    committed.replace("functions/order/handler.go", "no such item", "there is no item")
    reason = "functions/order/handler.go changed"
    listed = committed.run("list", "--since", "HEAD", "--json")
    assert list(listed.functions) == ["order"]
    # What lies beside the repository is of other repositories.
    assert ("git does not tell" in listed.err) != vendored
    result = project.run("all", "--json")
    assert {n: f["reason"] for n, f in result.functions.items() if f["reason"]} == {"order": reason}
    if vendored:
        handler = "vendor/github.com/eawsy/aws-lambda-go/service/lambda/runtime/handler.go"
        committed.commit()
        committed.write(handler, f"{(top / handler).read_text()}\nvar edited = 1\n")
        assert committed.touched("HEAD", "--root", "functions") == {"report": f"{handler} changed"}


def test_a_watcher_rebuilds_them_and_says_where_a_handler_is_wrong(recorded: Recorded) -> None:
    take(recorded, "elsewhere", "echo")
    shutil.copytree(FIXTURES / "eawsy/handlers", recorded / "handlers")
    recorded.write("go.mod", go_mod())
    file = recorded / "handlers/handlers.go"
    text = file.read_text()
    with watching(recorded) as watch:
        file.write_text(text.replace("(string, error)", "(string, string)"))
        watch.until("failed elsewhere")
        (error,) = watch.last("elsewhere")["errors"]
        assert (error["file"], error["line"]) == ("handlers/handlers.go", 18)
        file.write_text(text.replace("ctx *runtime", "ctx **runtime"))
        watch.until("failed elsewhere")
        (error,) = watch.last("elsewhere")["errors"]
        assert (error["file"], error["line"]) == ("api/elsewhere/handler.go", 6)
        assert (
            "it is `func(evt interface{}, ctx **runtime.Context) (string, error)`"
            in error["message"]
        )
        file.write_text(text.replace('"called"', '"called again"'))
        assert "built echo" not in watch.until("built elsewhere")


@pytest.mark.extended
def test_caches_restore_them(functions: Recorded, tmp_path: Path) -> None:
    env = {"LAMBDABUILD_CACHE_MODE": "read-write", "LAMBDABUILD_CACHE_DIR": str(tmp_path / "cache")}
    project = replace(functions, environment=functions.environment | env)
    assert set(project.run("all", "--json").statuses.values()) == {"built"}
    shutil.rmtree(project / "dist")
    shutil.rmtree(project / ".lambdabuild")
    assert set(project.run("all", "--json").statuses.values()) == {"restored"}
    assert answer(project, "echo", "1") == "1\n"


@pytest.mark.extended
def test_the_same_bytes_come_of_any_directory(functions: Recorded, tmp_path: Path) -> None:
    elsewhere = replace(functions, path=tmp_path / "elsewhere")
    shutil.copytree(functions.path, elsewhere.path)
    digests = []
    for project in (functions, elsewhere):
        result = project.run("all", "--json")
        digests.append({name: f["sha256"] for name, f in result.functions.items()})
    assert digests[0] == digests[1]


@pytest.mark.parametrize("home", ["api", pytest.param("functions", marks=pytest.mark.extended)])
def test_a_function_whose_imports_break_fails_and_keeps_its_executable(
    recorded: Recorded, home: str
) -> None:
    take(recorded, "elsewhere", "echo")
    (recorded / "api").rename(recorded / home)
    shutil.copytree(FIXTURES / "eawsy/handlers", recorded / "handlers")
    recorded.write("go.mod", go_mod())
    assert recorded.run("all").code == 0
    (recorded / "handlers").rename(recorded / "moved")
    result = recorded.run("all", "--json")
    assert (result.code, result.statuses) == (1, {"echo": "up-to-date", "elsewhere": "failed"})
    assert "there is no package example.com/eawsy/handlers" in result.err
    assert recorded.files() == ["echo/bootstrap", "elsewhere/bootstrap", "manifest.json"]


@pytest.fixture
def unmodular(empty: Project, tmp_path: Path) -> Project:
    """A function of a repository without a go.mod, which says where its dependency is from."""
    gopath = tmp_path / "go"
    env = empty.environment | {"GOPATH": str(gopath), "GOPROXY": "off"}
    project = Project(tmp_path / "shop", env, empty.go)
    take(project, "echo", upstream="vendor")
    project.replace("api/echo/handler.go", "return evt", "return where.Place")
    project.replace("api/echo/handler.go", "import ", 'import "example.org/where"\nimport ')
    return project


def put(place: Path, text: str) -> None:
    """Put the dependency into a directory."""
    directory = place / "example.org/where"
    directory.mkdir(parents=True)
    (directory / "where.go").write_text(f'package where\n\nconst Place = "{text}"\n')


@pytest.mark.extended
def test_what_gopath_would_find_first_takes_the_place_of_another(
    unmodular: Project, tmp_path: Path
) -> None:
    assert "is neither in vendor nor in $GOPATH/src" in unmodular.run("all").err
    for place, seen in (
        (tmp_path / "go/src", "src"), (unmodular / "vendor", "vendor"),
        (unmodular / "api/vendor", "nearer"),
    ):  # fmt: skip
        put(place, seen)
        assert answer(unmodular, "echo") == f'"{seen}"\n'
        assert unmodular.run("all").code == 0
    shutil.rmtree(unmodular / "api/vendor")
    assert answer(unmodular, "echo") == '"vendor"\n'


@pytest.mark.extended
def test_another_gopath_leads_to_other_dependencies(unmodular: Project, tmp_path: Path) -> None:
    other = tmp_path / "other"
    put(tmp_path / "go/src", "one")
    put(other / "src", "another")
    assert answer(unmodular, "echo") == '"one"\n'
    elsewhere = replace(unmodular, environment=unmodular.environment | {"GOPATH": str(other)})
    assert answer(elsewhere, "echo") == '"another"\n'
    assert answer(unmodular, "echo") == '"one"\n'


def test_a_handler_for_which_cgo_is_off_fails_by_name(functions: Recorded) -> None:
    assert functions.run("all").code == 0
    # The first plugins had to import it, without any C.
    functions.replace("api/echo/handler.go", "import ", 'import "C"\nimport ')
    result = functions.run("all", "--json")
    assert (result.code, result.statuses["echo"]) == (1, "failed")
    assert "and cgo is off" in result.err
    assert "echo/bootstrap" in functions.files()
