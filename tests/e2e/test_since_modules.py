"""What `--since` finds where modules, workspaces, vendored packages and submodules differ."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from tests.e2e.history import History, without_settings
from tests.e2e.modules import main_importing, offer, package_saying
from tests.projects import main_printing

pytestmark = pytest.mark.extended


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


def test_a_toolchain_touches_what_loads_through_it(repo: History) -> None:
    version = repo.go_run("env", "GOVERSION").strip()
    repo.replace("go.mod", "go 1.22\n", f"go 1.22\n\ntoolchain {version}\n")
    repo.replace("api/none/main.go", '"none"', '"none 2"')
    why = f"go.mod: toolchain none → {version}"
    assert repo.touched() == dict.fromkeys(["both", "first", "none"], why)


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
    result = repo.run("why", "--since", "HEAD")
    assert result.out == ""
    assert result.err.startswith(
        "warning: git does not tell whether `../local/two.go` changed\n  hint: "
    )
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
def test_a_workspace_touches_all_that_loads_through_it(repo: History) -> None:
    repo.write("two/go.mod", "module example.org/two\n\ngo 1.22\n")
    repo.write("two/two.go", package_saying("two", "workspace"))
    repo.write("apart/go.mod", "module example.com/apart\n\ngo 1.22\n")
    repo.write("apart/api/apart/main.go", main_printing("apart"))
    repo.write("lambdabuild.toml", 'roots = ["api", "apart/api"]\n')
    alone = repo.commit()
    every = ["both", "first", "none", "apart"]
    repo.write("go.work", "go 1.22\n\nuse .\nuse ./apart\n")
    assert repo.touched() == dict.fromkeys(every, "go.work added")
    one = repo.commit()
    repo.write("go.work", "go 1.22\n\nuse (\n\t.\n\t./two\n\t./apart\n)\n")
    assert repo.touched() == dict.fromkeys(every, "go.work: use none → ./two")
    repo.commit()
    assert repo.touched(one) == dict.fromkeys(every, "go.work: use none → ./two")
    assert repo.touched(alone) == dict.fromkeys(every, "go.work added")
    repo.replace("two/two.go", "workspace", "work")
    assert repo.touched() == {"both": "two/two.go changed"}
    with (repo / "go.work").open("a") as file:
        file.write("// The end.\n")
    assert repo.touched() == {"both": "two/two.go changed"}
    repo.remove("go.work")
    assert repo.touched() == dict.fromkeys(every, "go.work removed")


@pytest.mark.oldest_go
def test_a_workspace_below_touches_nothing_beside_it(repo: History) -> None:
    repo.write("lambdabuild.toml", 'roots = ["api", "apart/api"]\n')
    repo.write("apart/go.work", "go 1.22\n\nuse .\n")
    repo.write("apart/go.mod", "module example.com/apart\n\ngo 1.22\n")
    repo.write("apart/api/apart/main.go", main_printing("apart"))
    repo.commit()
    repo.remove("apart/go.work")
    assert repo.touched() == {"apart": "apart/go.work removed"}


@pytest.mark.oldest_go
def test_what_a_workspace_replaces(repo: History) -> None:
    repo.write("two/go.mod", "module example.org/two\n\ngo 1.22\n")
    repo.write("two/two.go", package_saying("two", "replaced"))
    repo.write("go.work", "go 1.22\n\nuse .\n")
    repo.commit()
    repo.write("go.work", "go 1.22\n\nuse .\n\nreplace example.org/two => ./two\n")
    why = "go.work: replace none → example.org/two => ./two"
    # `first` has no package of it, but may have another version of what it has one of.
    assert repo.touched() == dict.fromkeys(["both", "first"], why)


@pytest.mark.oldest_go
def test_which_go_a_workspace_names(repo: History) -> None:
    every = ["both", "first", "none"]
    version = repo.go_run("env", "GOVERSION").strip()
    repo.write("go.work", "go 1.22\n\nuse .\n")
    repo.commit()
    repo.write("go.work", "go 1.22.1\n\nuse .\n")
    assert repo.touched() == dict.fromkeys(every, "go.work: go 1.22 → 1.22.1")
    repo.write("go.work", f"go 1.22\n\ntoolchain {version}\n\nuse .\n")
    assert repo.touched() == dict.fromkeys(every, f"go.work: toolchain none → {version}")
    repo.write("go.work", "go 1.22\n\nuse .\n\ngodebug panicnil=1\n")
    if version.startswith("go1.22"):
        # It knows no such line.
        return
    assert repo.touched() == dict.fromkeys(every, "go.work: godebug none → panicnil=1")


@pytest.mark.oldest_go
def test_a_workspace_that_the_environment_names(repo: History) -> None:
    repo.write("ci/other.work", "go 1.22\n\nuse ..\n")
    repo.commit()
    repo.write("ci/other.work", "go 1.22.1\n\nuse ..\n")
    named = {"GOWORK": str(repo / "ci/other.work")}
    why = "ci/other.work: go 1.22 → 1.22.1"
    assert repo.touched(env=named) == dict.fromkeys(["both", "first", "none"], why)
    assert repo.touched() == {}


def test_a_module_that_is_cut_out_of_another(repo: History) -> None:
    repo.write("api/none/go.mod", "module example.com/repo/api/none\n\ngo 1.22\n")
    assert repo.touched() == {"none": "api/none/go.mod added"}
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
    every = ["both", "first", "none"]
    repo.go_run("mod", "vendor")
    assert repo.touched() == dict.fromkeys(every, "vendor/modules.txt added")
    repo.commit()
    repo.replace("vendor/example.org/two/two.go", "two v1.0.0", "two, patched")
    assert repo.touched(env=offline) == {"both": "vendor/example.org/two/two.go changed"}
    repo.git("checkout", "--quiet", ".")
    repo.go_run("get", "example.org/one@v1.1.0")
    repo.go_run("mod", "vendor")
    assert repo.touched(env=offline) == dict.fromkeys(
        ["both", "first"], "vendor/modules.txt: example.org/one v1.0.0 → v1.1.0"
    )
    assert repo.touched("HEAD", "none", env=offline) == {}
    repo.git("checkout", "--quiet", ".")
    repo.go_run("get", "example.org/two@v1.1.0")
    repo.go_run("mod", "vendor")
    repo.replace("api/none/main.go", '"none"', '"none 2"')
    assert repo.touched(env=offline) == {
        "both": "vendor/modules.txt: example.org/two v1.0.0 → v1.1.0",
        "none": "api/none/main.go changed",
    }
    repo.git("checkout", "--quiet", ".")
    repo.remove("vendor")
    assert repo.touched() == dict.fromkeys(every, "vendor/modules.txt removed")


@pytest.mark.oldest_go
def test_what_go_mod_says_beside_vendored_packages(repo: History) -> None:
    offline = {"GOPROXY": "off", "GOMODCACHE": str(repo / "none")}
    repo.go_run("mod", "vendor")
    repo.commit()
    repo.go_run("get", "example.org/two@v1.1.0")
    repo.replace("go.mod", "go 1.22\n", "go 1.22.1\n")
    repo.go_run("mod", "vendor")
    touched = repo.touched(env=offline)
    assert touched == {
        "both": "vendor/modules.txt: example.org/two v1.0.0 → v1.1.0",
        **dict.fromkeys(["first", "none"], "go.mod: go 1.22 → 1.22.1"),
    }
    # Where Go takes nothing from vendor/, go.mod decides.
    mod = {"GOFLAGS": "-mod=mod -modcacherw"}
    repo.git("checkout", "--quiet", ".")
    repo.go_run("get", "example.org/two@v1.1.0")
    repo.go_run("mod", "vendor")
    assert repo.touched(env=mod)["both"].endswith("example.org/two v1.0.0 → v1.1.0")


def test_a_function_that_begins_to_import_what_is_vendored(repo: History) -> None:
    offline = {"GOPROXY": "off", "GOMODCACHE": str(repo / "none")}
    repo.go_run("mod", "vendor")
    repo.commit()
    repo.write("api/none/main.go", main_importing("example.org/three"))
    repo.go_run("get", "example.org/three@v1.0.0")
    repo.go_run("mod", "vendor")
    assert repo.touched(env=offline) == {
        "none": "vendor/modules.txt: none → example.org/three v1.0.0"
    }


def test_an_embedded_directory_of_which_a_part_becomes_a_module(repo: History) -> None:
    embed = '\nimport "embed"\n\n//go:embed data\nvar files embed.FS\n'
    repo.write("api/none/main.go", f"package main\n{embed}\nfunc main() {{ _ = files }}\n")
    repo.write("api/none/data/first.txt", "first")
    repo.write("api/none/data/inner/second.txt", "second")
    repo.commit()
    repo.write("api/none/data/inner/go.mod", "module example.com/inner\n\ngo 1.22\n")
    assert repo.touched().keys() == {"none"}
    repo.commit()
    repo.remove("api/none/data/inner/go.mod")
    assert repo.touched().keys() == {"none"}


def test_a_partial_clone_fetches_what_go_has_to_see(repo: History, tmp_path: Path) -> None:
    repo.git("config", "uploadpack.allowFilter", "true")
    repo.write("assets/large.bin", "x" * 4096)
    repo.go_run("mod", "vendor")
    base = repo.commit()
    repo.write("assets/large.bin", "y" * 4096)
    repo.go_run("get", "example.org/two@v1.1.0")
    repo.go_run("mod", "vendor")
    repo.commit()
    clone = replace(repo, path=tmp_path / "clone")
    repo.git("clone", "--quiet", "--filter=blob:none", f"file://{repo.path}", str(clone.path))
    reached = ("rev-list", "--objects", "--missing=print", base)
    assert clone.touched(base) == {"both": "vendor/modules.txt: example.org/two v1.0.0 → v1.1.0"}
    large = repo.git("rev-parse", f"{base}:assets/large.bin")
    modules = repo.git("rev-parse", f"{base}:vendor/modules.txt")
    missing = clone.git(*reached).splitlines()
    assert (f"?{large}" in missing, f"?{modules}" in missing) == (True, False)


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
    repo.commit(cwd=repo / "lib/two")
    repo.commit()
    assert repo.touched(added) == {"both": "lib/two/more.go added"}
    clone = replace(repo, path=tmp_path / "clone")
    repo.git("clone", "--quiet", ".", str(clone.path))
    # Without the module's go.mod, Go finds no package of it.
    reasons = clone.touched(added)
    assert {name: why.partition(":")[0] for name, why in reasons.items()} == {
        "both": "cannot be loaded"
    }


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
