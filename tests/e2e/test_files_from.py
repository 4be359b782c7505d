"""What `--files-from` finds: paths that somebody else says changed."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.e2e.conftest import LAMBDABUILD, Project
from tests.e2e.history import reasons
from tests.projects import FUNCTIONS, REPO, write


@pytest.fixture(scope="module")
def written(
    go: str, environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Project:
    """The monorepo of four functions; one has assets, one a name that needs quotes."""
    project = Project(tmp_path_factory.mktemp("files") / "repo", environment, go)
    write(project.path, REPO)
    project.write("lambdabuild.toml", '[functions."ping"]\nassets = ["words", "*.json"]\n')
    project.write("api/ping/words/a.txt", "a")
    project.write("api/ping/b.json", "{}")
    project.write("api/users/naïve 1.go", "package main\n")
    return project


def touched(
    project: Project, text: str | bytes, *arguments: str, cwd: Path | None = None
) -> dict[str, str]:
    """Return what the paths in a text touch, read from standard input, and why."""
    content = text.encode() if isinstance(text, str) else text
    done = subprocess.run(
        [LAMBDABUILD, "why", "--all", "--files-from", "-", *arguments],
        cwd=cwd or project.path, env=project.environment, input=content,
        capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return reasons(done.stdout.decode())


def test_files_that_are_there(written: Project, tmp_path: Path) -> None:
    names = [
        *("README.md", "api/ping/b.json", "internal/log/log.go", "internal/log/log_test.go"),
        *("internal/sum/sum_arm64.go", "", "internal/pages/texts/notes.md"),
    ]
    (tmp_path / "list").write_text("".join(f"{name}\n" for name in names))
    result = written.run("why", "--all", "--files-from", str(tmp_path / "list"))
    assert reasons(result.out) == {
        # It is not of this architecture, which the paths alone do not tell of what is gone.
        "add": "internal/sum/sum_arm64.go changed",
        "login": "internal/log/log.go changed",
        "ping": "api/ping/b.json changed",
        "users": "internal/log/log.go changed",
    }
    assert touched(written, "README.md\n") == {}
    assert touched(written, "") == {}


def test_files_that_are_gone(written: Project) -> None:
    assert touched(written, "internal/log/gone.go\napi/ping/words/deep/gone.txt") == {
        "login": "internal/log/gone.go changed",
        "ping": "api/ping/words/deep/gone.txt changed",
        "users": "internal/log/gone.go changed",
    }
    assert touched(written, "internal/pages/static/gone/page.html\napi/ping/words/.gone") == {
        "login": "internal/pages/static/gone/page.html changed",
    }
    nothing = (
        "internal/pages/static/.gone/page.html\ninternal/pages/texts/gone.md\napi/gone/main.go\n"
        "internal/log/gone_test.go\napi/ping/gone.txt\n/etc/passwd\n../elsewhere.go\n"
    )
    assert touched(written, nothing) == {}


@pytest.mark.parametrize(
    "text",
    [
        "internal/log/log.go\r\napi/users/naïve 1.go\r\n",
        "./internal//log/log.go\n\n\napi/users/na\u00efve 1.go",
        '"internal/log/log.go"\n"api/users/na\\303\\257ve 1.go"\n',
        "internal/log/log.go\0api/users/naïve 1.go\0",
        "internal/log\napi/users",
        b"\xff\n\0internal/log/log.go\0api/users/na\xc3\xafve 1.go",
    ],
)
def test_names_however_they_are_written(written: Project, text: str | bytes) -> None:
    assert touched(written, text).keys() == {"login", "users"}


def test_absolute_paths_and_links_that_lead_to_them(written: Project, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(written.path)
    text = f"{written.path}/api/ping/main.go\n{tmp_path}/link/internal/sum/value.h\n"
    assert touched(written, text).keys() == {"add", "ping"}


def test_what_decides_of_all_counts_for_all_below_it(written: Project) -> None:
    everything = dict.fromkeys(FUNCTIONS)
    for name in ("go.mod", "go.sum", "lambdabuild.toml", "vendor/modules.txt"):
        assert touched(written, name) == everything | dict.fromkeys(FUNCTIONS, f"{name} changed")
    assert touched(written, "tools/go.mod\ntools/lambdabuild.toml\n") == {}
    result = written.run("list", "--files-from", "/dev/stdin")
    assert (result.code, result.err) == (0, "no function is affected\n")


def test_all_are_said_to_count(written: Project, tmp_path: Path) -> None:
    (tmp_path / "list").write_text("go.mod\n")
    result = written.run("list", "--files-from", str(tmp_path / "list"), "--json", "--exit-code")
    assert (result.code, len(result.json["functions"])) == (3, 4)
    assert result.err == (
        "what go.mod said before is not known: 4 functions count as affected; --since REF compares\n"
    )


def test_paths_are_relative_to_the_working_directory(written: Project, tmp_path: Path) -> None:
    below = written.path / "api"
    assert touched(written, "ping/main.go\n../internal/sum/value.h", cwd=below) == {
        "add": "../internal/sum/value.h changed",
        "ping": "ping/main.go changed",
    }
    (tmp_path / "list").write_text("api/ping/main.go\n")
    result = written.run("list", "--files-from", str(tmp_path / "list"), cwd=below)
    assert (result.code, result.out) == (2, "")
    assert result.err == (
        "error: `api/ping/main.go` is not here: paths are relative to the working directory\n"
        f"  at: {written.path}/api/ping/main.go\n"
        "  hint: `git diff --relative` names files so; -C chooses the directory\n"
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "cannot read `LIST`: No such file or directory"),
        ("M\tapi/ping/main.go\n", "these are not paths, one a line: `M\tapi/ping/main.go`"),
    ],
)
def test_what_is_no_list(written: Project, tmp_path: Path, text: str | None, message: str) -> None:
    place = tmp_path / "list"
    if text is not None:
        place.write_text(text)
    result = written.run("list", "--files-from", str(place), "--json")
    assert (result.code, result.json["ok"], result.json["functions"]) == (2, False, [])
    assert result.err.splitlines()[0] == f"error: {message.replace('LIST', str(place))}"


def test_a_function_that_cannot_be_loaded_is_never_passed_over(
    written: Project, tmp_path: Path
) -> None:
    project = Project(tmp_path / "repo", written.environment, written.go)
    shutil.copytree(written.path, project.path)
    project.write("api/broken/main.go", 'package main\n\nimport _ "no/such"\n\nfunc main() {}\n')
    found = touched(project, "README.md")
    assert found.keys() == {"broken"}
    assert found["broken"].startswith("cannot be loaded: ")
