"""What `--since` finds where modules, workspaces, vendored packages and submodules differ."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from tests.e2e.history import History, without_settings
from tests.e2e.modules import main_importing, offer, package_saying
from tests.projects import main_printing


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three modules in two versions; `through` imports nothing, and is imported by no main."""
    place = tmp_path_factory.mktemp("proxy")
    for module in ("one", "two", "three"):
        for version in ("v1.0.0", "v1.1.0"):
            offer(place, f"example.org/{module}", version, f"{module} {version}")
    return place


@pytest.fixture(scope="module")
def origin(
    go: str, environment: dict[str, str], proxy: Path, tmp_path_factory: pytest.TempPathFactory
) -> History:
    """Functions that import two modules, one through a package of ours, or neither; committed."""
    place = tmp_path_factory.mktemp("modules")
    settings = without_settings(environment) | {
        "GOPROXY": f"file://{proxy}",
        "GOMODCACHE": str(place / "cache"),
        "GOSUMDB": "off",
        "GOFLAGS": "-modcacherw",
    }
    history = History(place / "repo", settings, go)
    history.write("go.mod", "module example.com/repo\n\ngo 1.22\n")
    history.write("api/both/main.go", main_importing("example.org/two", "example.com/repo/inner"))
    history.write("api/first/main.go", main_importing("example.com/repo/inner"))
    history.write("api/none/main.go", main_printing("none"))
    history.write(
        "inner/inner.go",
        'package inner\n\nimport "example.org/one"\n\nfunc Word() string { return one.Word() }\n',
    )
    for module in ("one", "two"):
        history.go_run("mod", "edit", f"-require=example.org/{module}@v1.0.0")
    history.go_run("mod", "tidy")
    history.start_history()
    return history


@pytest.fixture
def repo(origin: History, tmp_path: Path) -> History:
    """Functions that import two modules, one, or neither; committed."""
    shutil.copytree(origin.path, tmp_path / "repo")
    return replace(origin, path=tmp_path / "repo")


@pytest.mark.oldest_go
def test_another_version_touches_what_imports_a_package_of_it(repo: History) -> None:
    repo.go_run("get", "example.org/two@v1.1.0")
    assert repo.touched() == {"both": "go.mod: example.org/two v1.0.0 → v1.1.0"}
    repo.commit()
    repo.go_run("get", "example.org/one@v1.1.0")
    assert repo.touched() == dict.fromkeys(
        ["both", "first"], "go.mod: example.org/one v1.0.0 → v1.1.0"
    )


def test_lines_that_decide_nothing_touch_nothing(repo: History) -> None:
    repo.go_run("mod", "edit", "-require=example.org/three@v1.0.0")
    repo.go_run("mod", "download", "example.org/three")
    repo.write("tools/go.mod", "module example.com/tools\n\ngo 1.22\n")
    repo.write("tools/go.sum", "")
    with (repo / "go.mod").open("a") as file:
        file.write("\n// The end.\n")
    assert repo.touched() == {}


def test_another_sum_alone(repo: History) -> None:
    text = (repo / "go.sum").read_text()
    line = next(line for line in text.splitlines() if line.startswith("example.org/two v1.0.0 h1"))
    repo.write("go.sum", text.replace(line, f"example.org/two v1.0.0 h1:{'A' * 43}="))
    repo.commit()
    repo.write("go.sum", text)
    assert repo.touched() == {"both": "go.mod: example.org/two v1.0.0 has another sum"}
    repo.write("go.work", "go 1.22\n\nuse .\n")
    assert repo.touched() == {"both": "go.mod: example.org/two v1.0.0 has another sum"}


def test_an_old_version_that_cannot_be_had(repo: History, proxy: Path, tmp_path: Path) -> None:
    repo.go_run("get", "example.org/two@v1.1.0")
    repo.commit()
    cache = {"GOMODCACHE": str(tmp_path / "cache")}
    repo.go_run("mod", "download", "example.org/one", "example.org/two", env=cache)
    without = {**cache, "GOPROXY": "off"}
    result = repo.run("why", "--since", "HEAD~1", env=without)
    assert (result.code, "both" in result.out) == (0, True), result.out + result.err
    del proxy


def test_the_go_line_and_debug_settings(repo: History) -> None:
    repo.replace("go.mod", "go 1.22", "go 1.23")
    assert repo.touched() == dict.fromkeys(["both", "first", "none"], "go.mod: go 1.22 → 1.23")
    repo.git("checkout", ".")
    repo.replace("go.mod", "go 1.22", "go 1.22\n\ngodebug panicnil=1")
    assert set(repo.touched().values()) == {"its GODEBUG defaults changed"}


def test_a_toolchain_touches_only_if_another_go_runs(repo: History) -> None:
    version = repo.go_run("env", "GOVERSION").strip()
    repo.replace("go.mod", "go 1.22\n", f"go 1.22\n\ntoolchain {version}\n")
    repo.replace("api/none/main.go", '"none"', '"none 2"')
    assert repo.touched() == {"none": "api/none/main.go changed"}
    assert repo.touched(env={"GOTOOLCHAIN": "auto"}) == {"none": "api/none/main.go changed"}


def test_a_local_replacement_inside_the_repository(repo: History) -> None:
    repo.write("local/go.mod", "module example.org/two\n\ngo 1.22\n")
    repo.write("local/two.go", package_saying("two", "local 1"))
    base = repo.commit()
    repo.go_run("mod", "edit", "-replace=example.org/two=./local")
    assert repo.touched() == {"both": "go.mod: example.org/two added"}
    repo.commit()
    repo.replace("local/two.go", "local 1", "local 2")
    assert repo.touched() == {"both": "local/two.go changed"}
    repo.move("local", "moved")
    repo.go_run("mod", "edit", "-replace=example.org/two=./moved")
    assert repo.touched().keys() == {"both"}
    assert repo.touched(base).keys() == {"both"}


def test_a_replacement_outside_of_the_repository_is_warned_of(
    repo: History, tmp_path: Path
) -> None:
    (tmp_path / "local").mkdir()
    (tmp_path / "local/go.mod").write_text("module example.org/two\n\ngo 1.22\n")
    (tmp_path / "local/two.go").write_text(package_saying("two", "local 1"))
    repo.go_run("mod", "edit", "-replace=example.org/two=../local")
    repo.commit()
    repo.write("go.work", "go 1.22\n\nuse .\n")
    result = repo.run("why", "--since", "HEAD")
    assert result.out == ""
    assert result.err.startswith(
        "warning: git does not tell whether `../local/two.go` changed\n  hint: "
    )
    repo.remove("go.work")
    (tmp_path / "link").symlink_to("local")
    repo.go_run("mod", "edit", "-replace=example.org/two=../link")
    assert "`../link/two.go`" in repo.run("why", "--since", "HEAD").err


def test_a_replacement_through_a_symbolic_link(repo: History) -> None:
    repo.write("real/go.mod", "module example.org/two\n\ngo 1.22\n")
    repo.write("real/two.go", package_saying("two", "local 1"))
    (repo / "link").symlink_to("real")
    repo.go_run("mod", "edit", "-replace=example.org/two=./link")
    repo.commit()
    repo.replace("real/two.go", "local 1", "local 2")
    assert repo.touched() == {"both": "link/two.go changed"}
    repo.replace("real/two.go", "package two\n", 'package two\n\nimport _ "errors"\n')
    repo.write("real/more.go", "package two\n")
    assert repo.touched() == {"both": "link/more.go added"}
    repo.commit()
    repo.remove("real/more.go")
    assert repo.touched() == {"both": "link/more.go removed"}


@pytest.mark.oldest_go
def test_a_workspace_that_comes_changes_and_goes(repo: History) -> None:
    repo.write("two/go.mod", "module example.org/two\n\ngo 1.22\n")
    repo.write("two/two.go", package_saying("two", "workspace"))
    repo.write("go.work", "go 1.22\n\nuse .\n")
    before = repo.commit()
    assert repo.touched("HEAD~1") == {}
    repo.write("go.work", "go 1.22\n\nuse (\n\t.\n\t./two\n)\n")
    assert repo.touched(before).keys() == {"both"}
    repo.commit()
    assert repo.touched("HEAD~2").keys() == {"both"}
    repo.replace("two/two.go", "workspace", "work")
    assert repo.touched() == {"both": "two/two.go changed"}
    repo.remove("go.work")
    assert repo.touched().keys() == {"both"}


def test_a_module_that_is_cut_out_of_another(repo: History) -> None:
    repo.write("api/none/go.mod", "module example.com/repo/api/none\n\ngo 1.22\n")
    assert repo.touched() == {"none": "go.mod: example.com/repo/api/none added"}
    repo.commit()
    repo.write("api/other/go.mod", "module example.com/other\n\ngo 1.22\n")
    repo.write("api/other/main.go", main_printing("other"))
    assert repo.touched() == {"other": "it is new"}
    repo.remove("api/none/go.mod")
    assert repo.touched().keys() == {"none", "other"}


def test_a_module_that_is_called_otherwise(repo: History) -> None:
    for path in (repo / "go.mod", *(repo / "api").rglob("*.go")):
        path.write_text(path.read_text().replace("example.com/repo", "example.com/new"))
    assert repo.touched() == dict.fromkeys(["both", "first", "none"], "it is new")


@pytest.mark.oldest_go
def test_vendored_packages(repo: History) -> None:
    offline = {"GOPROXY": "off", "GOMODCACHE": str(repo / "none")}
    repo.go_run("mod", "vendor")
    assert repo.touched().keys() == {"both", "first"}
    repo.commit()
    repo.replace("vendor/example.org/two/two.go", "two v1.0.0", "two, patched")
    assert repo.touched(env=offline) == {"both": "vendor/example.org/two/two.go changed"}
    repo.git("checkout", "--quiet", ".")
    repo.go_run("get", "example.org/one@v1.1.0")
    repo.go_run("mod", "vendor")
    assert repo.touched(env=offline) == dict.fromkeys(
        ["both", "first"], "go.mod: example.org/one v1.0.0 → v1.1.0"
    )
    repo.git("checkout", "--quiet", ".")
    repo.remove("vendor")
    assert repo.touched().keys() == {"both", "first"}


def test_a_submodule_that_takes_a_modules_place(repo: History, tmp_path: Path) -> None:
    library = tmp_path / "library"
    library.mkdir()
    (library / "go.mod").write_text("module example.org/two\n\ngo 1.22\n")
    (library / "two.go").write_text(package_saying("two", "library 1"))
    repo.start_history(cwd=library)
    repo.git("submodule", "--quiet", "add", str(library), "lib/two")
    repo.go_run("mod", "edit", "-replace=example.org/two=./lib/two")
    added = repo.commit()
    assert repo.touched("HEAD~1").keys() == {"both"}
    repo.replace("lib/two/two.go", "library 1", "library 2")
    assert repo.touched() == {"both": "lib/two/two.go changed"}
    repo.commit(cwd=repo / "lib/two")
    repo.write("lib/two/more.go", "package two\n")
    repo.write("go.work", "go 1.22\n\nuse .\n")
    repo.commit(cwd=repo / "lib/two")
    repo.commit()
    assert repo.touched(added) == {"both": "lib/two/more.go added"}
    clone = replace(repo, path=tmp_path / "clone")
    repo.git("clone", "--quiet", ".", str(clone.path))
    # Without the module's go.mod, Go finds no package of any other module.
    reasons = clone.touched(added)
    assert reasons.keys() == {"both", "first"}
    assert {why.partition(":")[0] for why in reasons.values()} == {"cannot be loaded"}


def test_a_worktree_and_a_project_below_the_top(repo: History, tmp_path: Path) -> None:
    repo.git("worktree", "add", "--quiet", "-b", "branch", str(tmp_path / "work"))
    work = replace(repo, path=tmp_path / "work")
    work.write("lambdabuild.toml", "")
    work.commit()
    for name in ("api", "inner", "go.mod", "go.sum", "lambdabuild.toml"):
        work.move(name, f"sub/{name}")
    base = work.commit()
    work.replace("sub/inner/inner.go", "one.Word()", 'one.Word() + "2"')
    inner = "inner/inner.go changed"
    assert work.touched("branch", cwd=work / "sub") == dict.fromkeys(["both", "first"], inner)
    below = dict.fromkeys(("both", "first"), f"../{inner}")
    assert work.touched(base, cwd=work / "sub/api") == below
    assert work.touched(base, "-C", "sub") == dict.fromkeys(["both", "first"], inner)
    (tmp_path / "link").symlink_to("work/sub")
    touched = work.touched(base, "--config", "link/lambdabuild.toml", cwd=tmp_path)
    assert touched == dict.fromkeys(["both", "first"], f"link/{inner}")
