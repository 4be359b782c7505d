"""`lambdabuild all` and `build`: the right bytes, in the right places, and nothing else."""

import hashlib
import json
import os
import shutil
import struct
import subprocess
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest

from tests.e2e.conftest import FLAGS, NOT_COPIED, Copy, Project, Recorded
from tests.e2e.incremental import assert_up_to_date
from tests.projects import main_printing
from tests.schemas import schema

HANDLERS = ["carts", "orders", "payments", "products", "stock", "users"]
ELF_MACHINE = {"linux/amd64": 62, "linux/arm64": 183}


def elf_machine(path: Path) -> int:
    head = path.read_bytes()[:20]
    assert head[:4] == b"\x7fELF"
    assert head[16:18] == b"\x02\x00"  # an executable
    machine: int = struct.unpack("<H", head[18:20])[0]
    return machine


def untouched(project: Project) -> dict[str, tuple[int, ...]]:
    """Return what would differ if any output had been written again, or only touched."""
    stats = {name: (project / "dist" / name).stat() for name in project.files()}
    return {n: (s.st_ino, s.st_size, s.st_mtime_ns, s.st_ctime_ns) for n, s in stats.items()}


# What Go 1.22 builds is smaller below: package net/http takes it half a minute, for each architecture.
def test_functions_of_the_shop_are_built_each_for_its_target_and_a_second_run_changes_nothing(
    copy: Copy,
) -> None:
    # README.md has all eighteen of them built.
    shop = copy("shop")
    command = ["build", "users-*", "thumbnails", "--json"]
    first = shop.run(*command)
    assert first.code == 0, first.err
    jsonschema.validate(first.json, schema("report"))
    targets = dict.fromkeys(("users-create", "users-get", "users-list"), "linux/amd64")
    assert {name: f["target"] for name, f in first.functions.items()} == targets | {
        "thumbnails": "linux/arm64"
    }
    assert set(first.statuses.values()) == {"built"}
    for function in first.functions.values():
        artifact = shop / function["artifact"]
        assert function["artifact"] == f"dist/{function['name']}/bootstrap"
        assert elf_machine(artifact) == ELF_MACHINE[function["target"]]
        assert artifact.stat().st_size == function["size"]
        assert artifact.stat().st_mode & 0o777 == 0o755
        assert hashlib.sha256(artifact.read_bytes()).hexdigest() == function["sha256"]
    assert first.functions["thumbnails"]["architecture"] == "arm64"

    before = untouched(shop)
    second = shop.run(*command)
    assert second.code == 0
    assert set(second.statuses.values()) == {"up-to-date"}
    assert before == untouched(shop)


@pytest.mark.oldest_go
def test_functions_of_one_base_name_are_never_mixed_up(handlers: Project) -> None:
    result = handlers.run("all")
    assert result.code == 0, result.err
    assert {name: handlers.says(f"{name}-handler") for name in HANDLERS} == {
        name: f"{name}-handler" for name in HANDLERS
    }
    assert result.summary == "built 6 of 6"


@pytest.mark.oldest_go
def test_the_bytes_are_those_of_a_plain_go_build_with_the_same_flags(handlers: Project) -> None:
    # Two of one base name, for both architectures; what else is built makes no difference to Go.
    names = ("carts", "users")
    selected = [f"{name}-handler" for name in names]
    assert handlers.run("build", *selected, "--arch", "x86_64", "--arch", "arm64").code == 0
    for architecture, goarch in (("x86_64", "amd64"), ("arm64", "arm64")):
        env = {"GOOS": "linux", "GOARCH": goarch, "CGO_ENABLED": "0"}
        for name in names:
            handlers.go_run("build", *FLAGS, "-o", "plain", f"./api/{name}/handler", env=env)
            built = handlers / f"dist/{name}-handler/{architecture}/bootstrap"
            assert built.read_bytes() == (handlers / "plain").read_bytes()


@pytest.mark.oldest_go
def test_an_edit_rebuilds_what_it_changes(built: Project) -> None:
    built.replace("api/users/handler/main.go", '"users-handler"', '"users, edited"')
    result = built.run("all", "--json")
    assert result.statuses == {f"{n}-handler": "up-to-date" for n in HANDLERS} | {
        "users-handler": "built"
    }
    assert result.functions["users-handler"]["reason"] == ("api/users/handler/main.go changed")
    assert built.says("users-handler") == "users, edited"
    assert built.says("carts-handler") == "carts-handler"


def test_a_changed_flag_is_a_changed_input(built: Project) -> None:
    command = ["build", "users-handler", "--json"]
    plain = (built / "dist/users-handler/bootstrap").read_bytes()
    # With DWARF, all of the standard library would be compiled.
    assert built.run(*command, "--ldflags", "-w").statuses == {"users-handler": "built"}
    assert (built / "dist/users-handler/bootstrap").read_bytes() != plain
    assert built.run(*command).statuses == {"users-handler": "built"}
    assert (built / "dist/users-handler/bootstrap").read_bytes() == plain


def test_the_manifest_tells_what_is_there_and_no_times(built: Project) -> None:
    first = (built / "dist/manifest.json").read_text()
    report = built.run("all", "--force", "--json").functions
    text = (built / "dist/manifest.json").read_text()
    assert text == first
    manifest = json.loads(text)
    jsonschema.validate(manifest, schema("manifest"))
    told = {"status", "reason", "errors", "seconds", "compile_seconds", "link_seconds"}
    told |= {"keeps_all_methods"}
    assert manifest["functions"] == [
        {key: value for key, value in function.items() if key not in told}
        for function in report.values()
    ]
    # Building one function keeps the others in the manifest.
    built.run("build", "users-handler", "--force")
    assert (built / "dist/manifest.json").read_text() == text


def test_equal_checkouts_at_different_paths_give_equal_outputs(
    built: Project, tmp_path: Path
) -> None:
    other = replace(built, path=tmp_path / "elsewhere" / "deeper")
    shutil.copytree(built.path, other.path, ignore=NOT_COPIED)
    assert other.run("all", env={"TZ": "Asia/Tokyo"}).code == 0
    assert built.files() == other.files()
    for name in built.files():
        assert (built / "dist" / name).read_bytes() == (other / "dist" / name).read_bytes()


def test_several_targets_have_a_directory_each_and_one_target_has_none(empty: Project) -> None:
    for name in ("carts", "users"):
        empty.write(f"api/{name}/handler/main.go", main_printing(name))
    empty.run("all")
    result = empty.run(
        "build", "users-handler", "--arch", "amd64", "--arch", "arm64",
        "--target", "darwin/arm64", "--json",
    )  # fmt: skip
    assert result.code == 0, result.err
    assert {key: f["artifact"] for key, f in result.functions.items()} == {
        "users-handler darwin/arm64": "dist/users-handler/darwin-arm64/bootstrap",
        "users-handler linux/amd64": "dist/users-handler/x86_64/bootstrap",
        "users-handler linux/arm64": "dist/users-handler/arm64/bootstrap",
    }
    assert [f["architecture"] for f in result.json["functions"]] == [None, "x86_64", "arm64"]
    assert [f["runtime"] for f in result.json["functions"]] == [
        None, "provided.al2023", "provided.al2023",
    ]  # fmt: skip
    # The executable for one target would be stale beside those for several; the other stays.
    assert empty.files() == [
        "carts-handler/bootstrap",
        "manifest.json",
        "users-handler/arm64/bootstrap",
        "users-handler/darwin-arm64/bootstrap",
        "users-handler/x86_64/bootstrap",
    ]
    assert elf_machine(empty / "dist/users-handler/arm64/bootstrap") == 183
    assert empty.run("build", "users-handler").code == 0
    assert empty.files() == ["carts-handler/bootstrap", "manifest.json",
                                "users-handler/bootstrap"]  # fmt: skip


def test_another_architecture_replaces_the_executable(handlers: Project) -> None:
    handlers.run("build", "users-handler")
    result = handlers.run("build", "users-handler", "--arch", "arm64", "--json")
    assert result.statuses == {"users-handler": "built"}
    assert elf_machine(handlers / "dist/users-handler/bootstrap") == 183


def test_in_place_writes_beside_the_source_as_the_script_did(handlers: Project) -> None:
    result = handlers.run("all", "--in-place", "--json")
    assert result.code == 0, result.err
    assert not (handlers / "dist").exists()
    for name in HANDLERS:
        assert result.functions[f"{name}-handler"]["artifact"] == f"api/{name}/handler/bootstrap"
        assert handlers.says("handler", directory=f"api/{name}") == f"{name}-handler"
    assert set(handlers.run("all", "--in-place", "--json").statuses.values()) == {"up-to-date"}


@pytest.mark.parametrize(
    ("package", "pattern", "arguments", "file"),
    [
        ("api/f", "*", ("--in-place",), "api/f/bootstrap"),
        ("api/f", "static", ("--out", "api/f/static/built"), "api/f/static/built/f/bootstrap"),
        ("web", "all:static", ("--out", "web/static"), "web/static/f/bootstrap"),
        (".", "*.toml dis[t]", ("--zip",), "dist/f.zip"),
        pytest.param(
            ".", "all:.lambda*", (), ".lambdabuild/state.json", marks=pytest.mark.extended
        ),
        pytest.param(".", "*.toml", (), None, marks=pytest.mark.extended),
        ("api/f", "f.toml", ("--in-place",), None),
    ],
)
@pytest.mark.parametrize("go", ["go"], indirect=True)
def test_a_function_that_embeds_outputs_is_warned_of(
    empty: Project, package: str, pattern: str, arguments: tuple[str, ...], file: str | None
) -> None:
    """Each build would hold the one before."""
    name = "main" if package == "api/f" else "web"
    empty.write(
        f"{package}/embed.go",
        f'package {name}\n\nimport "embed"\n\n//go:embed {pattern}\nvar Files embed.FS\n',
    )
    path = os.path.normpath(os.path.join("example.com/empty", package))
    imports = "" if name == "main" else f'import _ "{path}"\n\n'
    empty.write("api/f/main.go", f"package main\n\n{imports}func main() {{}}\n")
    for place in ("lambdabuild.toml", "api/f/f.toml", f"{package}/static/one", "dist/one"):
        empty.write(place, "")
    warning = (
        f"warning: `f` embeds what lambdabuild writes: `{file}` matches a `//go:embed` pattern"
    )
    assert (warning in empty.run("all", *arguments).err) == (file is not None)


def test_out_may_lie_anywhere_also_on_another_file_system(handlers: Project) -> None:
    command = ["build", "users-handler", "carts-handler", "--json"]
    other = Path("/dev/shm") if Path("/dev/shm").is_dir() else handlers.path.parent
    out = other / f"lambdabuild-test-{os.getpid()}"
    try:
        result = handlers.run(*command, "--out", str(out))
        assert result.code == 0, result.err
        assert handlers.says("users-handler", directory=str(out)) == "users-handler"
        artifact = result.functions["users-handler"]["artifact"]
        assert (handlers / artifact).samefile(out / "users-handler" / "bootstrap")
        again = handlers.run(*command, "--out", str(out))
        assert set(again.statuses.values()) == {"up-to-date"}
        assert handlers.run("clean").code == 0
        assert not out.exists()
    finally:
        subprocess.run(["rm", "-rf", out], check=True)


def test_a_function_that_went_away_has_its_output_removed(built: Project) -> None:
    (built / "dist/mine").mkdir()
    (built / "dist/mine/bootstrap").write_text("somebody else's")
    (built / "dist/carts-handler/notes.txt").write_text("somebody else's")
    for name in ("users", "carts"):
        (built / f"api/{name}/handler/main.go").unlink()
    result = built.run("all", "--json")
    assert result.code == 0
    assert sorted(result.functions) == [
        "orders-handler", "payments-handler", "products-handler", "stock-handler",
    ]  # fmt: skip
    assert not (built / "dist/users-handler").exists()
    assert built.files() == [
        "carts-handler/notes.txt",
        "manifest.json",
        "mine/bootstrap",
        "orders-handler/bootstrap",
        "payments-handler/bootstrap",
        "products-handler/bootstrap",
        "stock-handler/bootstrap",
    ]
    manifest = json.loads((built / "dist/manifest.json").read_text())
    assert sorted(f["name"] for f in manifest["functions"]) == sorted(result.functions)


def test_an_output_somebody_changed_is_not_removed(built: Project) -> None:
    (built / "dist/users-handler/bootstrap").write_text("somebody else's")
    (built / "api/users/handler/main.go").unlink()
    built.run("all")
    assert (built / "dist/users-handler/bootstrap").read_text() == "somebody else's"


def test_leaving_a_function_out_for_once_keeps_its_output(built: Project) -> None:
    result = built.run("all", "--exclude", "users-*", "--json")
    assert "users-handler" not in result.functions
    assert built.says("users-handler") == "users-handler"
    built.write("lambdabuild.toml", 'exclude = ["api/users/*"]\n')
    built.run("all")
    assert not (built / "dist/users-handler").exists()


def test_build_takes_names_globs_and_paths(handlers: Project) -> None:
    status = "built"
    for word in (
        "users-handler",
        "users-*",
        "api/users",
        "api/users/handler",
        "api/users/handler/main.go",
        "./api/users/handler/",
    ):
        result = handlers.run("build", word, "--json")
        assert result.statuses == {"users-handler": status}, word
        status = "up-to-date"
    assert handlers.files() == ["manifest.json", "users-handler/bootstrap"]


def test_paths_are_relative_to_where_lambdabuild_runs(handlers: Project) -> None:
    handlers.write("lambdabuild.toml", 'out = "build"\n')
    result = handlers.run("build", "handler", "--json", cwd=handlers / "api/users")
    assert result.code == 0, result.err
    function = result.functions["users-handler"]
    assert function["directory"] == "handler"
    assert function["artifact"] == "../../build/users-handler/bootstrap"
    manifest = json.loads((handlers / "build/manifest.json").read_text())
    assert manifest["functions"][0]["artifact"] == "build/users-handler/bootstrap"


def test_directory_and_quiet_may_stand_before_or_after_the_command(handlers: Project) -> None:
    one = handlers.run("-C", "api/..", "-q", "build", "users-handler")
    other = handlers.run("build", "users-handler", "-q", "-C", "api/..", "--force")
    assert (one.code, one.out, one.err) == (0, "", "")
    assert (other.code, other.out, other.err) == (0, "", "")


def test_the_report_file_is_what_json_prints_and_nothing_else_is_on_stdout(built: Project) -> None:
    command = ["build", "users-*", "carts-*", "--force", "-v", "-j", "1"]
    result = built.run(*command, "--json", "--report", "build/report.json")
    jsonschema.validate(result.json, schema("report"))
    assert json.loads((built / "build/report.json").read_text()) == result.json
    assert set(result.statuses.values()) == {"unchanged"}
    assert result.json["ok"] is True
    assert result.json["jobs"] == 1
    assert result.json["go"] == built.go_run("env", "GOVERSION").strip()


def test_configuration_names_functions_and_sets_them_apart(copy: Copy) -> None:
    project = copy("same-name")
    project.write(
        "lambdabuild.toml",
        """
        out = "build"
        ldflags = "-s"
        [functions."users-get-legacy"]
        directory = "api/users-get"
        architecture = ["arm64", "x86_64"]
        runtime = "provided.al2"
        """,
    )
    result = project.run("all", "--json")
    assert result.code == 0, result.err
    assert {key: (f["directory"], f["runtime"]) for key, f in result.functions.items()} == {
        "orders-get linux/amd64": ("api/orders/get", "provided.al2023"),
        "users-get linux/amd64": ("api/users/get", "provided.al2023"),
        "users-get-legacy linux/amd64": ("api/users-get", "provided.al2"),
        "users-get-legacy linux/arm64": ("api/users-get", "provided.al2"),
    }
    assert "build/users-get-legacy/arm64/bootstrap" in {
        f["artifact"] for f in result.functions.values()
    }


def test_several_roots_and_the_root_itself(copy: Copy) -> None:
    project = copy("no-api")
    result = project.run("list", "--root", "services", "--root", "cmd/migrate", "--json")
    jsonschema.validate(result.json, schema("list"))
    assert [(f["name"], f["directory"]) for f in result.json["functions"]] == [
        ("migrate", "cmd/migrate"),
        ("orders-get", "services/orders/get"),
        ("users-get", "services/users/get"),
    ]
    assert project.run("all", "--root", "services", "--root", "cmd/migrate").code == 0
    # Another root's outputs are not outputs of functions that went away.
    assert project.run("all", "--root", "services").code == 0
    assert project.says("migrate") == "migrate"


@pytest.mark.oldest_go
@pytest.mark.parametrize(
    ("fixture", "functions"),
    [
        ("several-modules", ["alpha-get", "alpha-list", "beta-get", "beta-list"]),
        ("spaces and ünïcode", ["c++_1.0~beta-get", "greetings-get", "users-get"]),
        ("vendored", ["greet-evening", "greet-morning", "plain"]),
        ("workspace-not-used", ["hello", "listed-get"]),
        ("replace-sibling/app", ["plain", "users-get", "users-list"]),
        pytest.param("symlinked", ["regular"], marks=pytest.mark.extended),
        pytest.param("test-only-main", ["healthy"], marks=pytest.mark.extended),
        pytest.param("no-func-main", ["healthy"], marks=pytest.mark.extended),
    ],
)
def test_odd_repositories_are_built_and_come_to_rest(
    copy: Copy, recorded: Recorded, fixture: str, functions: list[str]
) -> None:
    name, _, below = fixture.partition("/")
    project = replace(recorded, path=copy(name) / below)
    env = {"GOPROXY": "off"}
    result = project.run("all", "--json", env=env)
    assert result.code == 0, result.err
    assert result.statuses == dict.fromkeys(functions, "built")
    assert project.files() == sorted(["manifest.json", *(f"{f}/bootstrap" for f in functions)])
    for function in functions:
        assert function in project.says(function) or "greet" in function
    if fixture == "workspace-not-used":
        # What go.work leaves out cannot be loaded: Go is asked about it every time.
        assert set(project.run("all", "--json", env=env).statuses.values()) == {"up-to-date"}
    else:
        assert_up_to_date(project, env=env)


@pytest.mark.extended
def test_fifty_generated_functions_keep_their_identity(
    tmp_path: Path, environment: dict[str, str], go: str
) -> None:
    project = Project(tmp_path / "fifty", environment, go)
    project.write("go.mod", "module example.com/fifty\n\ngo 1.22\n")
    for number in range(50):
        project.write(f"api/v{number % 5}/f{number}/get/main.go", main_printing(f"get {number}"))
    result = project.run("all", "--json")
    assert result.code == 0, result.err
    assert {name: project.says(name) for name in (f"v{n % 5}-f{n}-get" for n in range(50))} == {
        f"v{n % 5}-f{n}-get": f"get {n}" for n in range(50)
    }


@pytest.mark.oldest_go
def test_nothing_exported_leaks_into_the_binary(built: Project) -> None:
    plain = (built / "dist/users-handler/bootstrap").read_bytes()
    leaking = {
        "GOOS": "darwin", "GOARCH": "arm64", "GOAMD64": "v3", "GOARM64": "v9.0",
        "CGO_ENABLED": "1", "GOBIN": "/nowhere", "GOTMPDIR": "/nowhere",
    }  # fmt: skip
    result = built.run("all", "--json", env=leaking)
    assert result.code == 0, result.err
    assert set(result.statuses.values()) == {"up-to-date"}
    (built / "dist/users-handler/bootstrap").unlink()
    result = built.run("build", "users-handler", "--force", "--json", env=leaking)
    assert result.statuses == {"users-handler": "built"}
    assert (built / "dist/users-handler/bootstrap").read_bytes() == plain
    told = built.go_run("version", "-m", str(built / "dist/users-handler/bootstrap"))
    assert "GOAMD64=v1" in told
    assert "CGO_ENABLED=0" in told


@pytest.mark.oldest_go
def test_an_installed_executable_of_the_same_link_is_not_taken_for_built(
    handlers: Project, tmp_path: Path
) -> None:
    # Go leaves a link out where `go install` has put the same executable.
    env = {"GOOS": "linux", "GOARCH": "amd64", "CGO_ENABLED": "0", "GOPATH": str(tmp_path / "p")}
    if handlers.go_run("env", "GOHOSTOS", "GOHOSTARCH").split() != ["linux", "amd64"]:
        env["GOBIN"] = ""
    module_cache = handlers.go_run("env", "GOMODCACHE").strip()
    env["GOMODCACHE"] = module_cache
    handlers.go_run("install", *FLAGS, "./api/users/handler", env=env)
    env = {name: env[name] for name in ("GOPATH", "GOMODCACHE")}
    result = handlers.run("build", "users-handler", "carts-handler", "--json", env=env)
    assert set(result.statuses.values()) == {"built"}
    assert handlers.says("users-handler") == "users-handler"


@pytest.mark.oldest_go
def test_tags_and_flags_of_goflags_are_merged(empty: Project) -> None:
    empty.write("api/hello/main.go", 'package main\n\nvar who = "nobody"\n\nvar where = "none"\n\n'
                'func main() { println(who, where, tagged) }\n')  # fmt: skip
    for tag, condition in (("yes", "extra && lambda.norpc"), ("no", "!(extra && lambda.norpc)")):
        empty.write(
            f"api/hello/{tag}.go",
            f"//go:build {condition}\n\npackage main\n\nconst tagged = {str(tag == 'yes').lower()}\n",
        )
    env = {"GOFLAGS": "-tags=extra '-ldflags=-X main.who=goflags'"}
    assert empty.run("all", "--ldflags=-s -w -X main.where=flag", env=env).code == 0
    program = empty / "dist/hello/bootstrap"
    done = subprocess.run([program], check=True, capture_output=True, text=True)
    assert done.stderr.strip() == "goflags flag true"


@pytest.mark.oldest_go
def test_a_toolexec_of_goflags_is_chained(handlers: Project, tmp_path: Path) -> None:
    tool = tmp_path / "my tool"
    tool.write_text(f'#!/bin/sh\necho "$2" >>"{tmp_path}/seen"\nshift\nexec "$@"\n')
    tool.chmod(0o755)
    env = {"GOFLAGS": f"'-toolexec=\"{tool}\" word'"}
    result = handlers.run("build", "users-handler", "--json", env=env)
    assert result.code == 0, result.err
    assert handlers.says("users-handler") == "users-handler"
    tools = {Path(line).name for line in (tmp_path / "seen").read_text().splitlines()}
    assert "link" in tools


def test_dry_run_prints_commands_that_do_the_same_when_pasted(handlers: Project) -> None:
    result = handlers.run("build", "users-*", "carts-*", "--dry-run")
    assert result.code == 0
    assert not (handlers / ".lambdabuild").exists()
    assert not (handlers / "dist").exists()
    subprocess.run(["sh", "-e"], input=result.out, text=True, check=True, cwd="/",
                   env=handlers.environment)  # fmt: skip
    made = sorted((handlers / ".lambdabuild/dry-run").rglob("*:exe"))
    assert len(made) == 2
    handlers.run("build", "users-*", "carts-*")
    for path in made:
        name = path.parent.name
        built = handlers / f"dist/{name}-handler/bootstrap"
        assert path.read_bytes() == built.read_bytes()


def test_a_masked_umask_does_not_make_the_executable_unusable(handlers: Project) -> None:
    old = os.umask(0o077)
    try:
        assert handlers.run("build", "users-handler").code == 0
    finally:
        os.umask(old)
    assert (handlers / "dist/users-handler/bootstrap").stat().st_mode & 0o777 == 0o755


def test_plain_lines_tell_progress_and_end_with_table_and_count(handlers: Project) -> None:
    result = handlers.run("build", "users-handler")
    first, second, head, row, last = result.err.splitlines()
    assert result.out == ""
    assert first == "building 1 function for linux/amd64"
    assert second == "linked users-handler (1 of 1)"
    assert head.split() == ["function", "target", "status", "size", "change", "compile", "link"]
    assert row.split()[:3] == ["users-handler", "linux/amd64", "built"]
    assert last.startswith("built 1 of 1 in ")


def test_everything_is_in_the_log_with_the_go_command_lines(handlers: Project) -> None:
    handlers.run("build", "users-handler")
    log = (handlers / ".lambdabuild/logs/lambdabuild.log").read_text()
    assert "go build -p=" in log
    assert "go list -e" in log
    assert (handlers / ".lambdabuild/.gitignore").read_text().splitlines()[-1] == "*"


@pytest.mark.parametrize("go", ["go"], indirect=True)
def test_assembly_is_built_in_a_project_below_the_top_of_its_repository(empty: Project) -> None:
    """What it includes is looked for up to the top, where `.git` lies."""
    (empty / ".git").mkdir()
    project = replace(empty, path=empty / "shop")
    project.write("go.mod", "module example.com/shop\n\ngo 1.22\n")
    project.write(
        "api/f/main.go", "package main\n\nfunc answer() int\n\nfunc main() { println(answer()) }\n"
    )
    project.write(
        "api/f/answer_amd64.s",
        "TEXT ·answer(SB),4,$0-8\n\tMOVQ $42, AX\n\tMOVQ AX, ret+0(FP)\n\tRET\n",
    )
    result = project.run("all", "--json")
    assert (result.code, result.statuses) == (0, {"f": "built"}), result.err
    assert project.says("f") == "42"
