"""What belongs to somebody else is named and left; it ends no run with a traceback."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.conftest import Project, build
from tests.projects import main_printing

pytestmark = [pytest.mark.parametrize("go", ["go"], indirect=True), pytest.mark.extended]


@pytest.fixture
def shop(empty: Project) -> Iterator[Project]:
    """Two functions that are built, as somebody sees them whom modes keep out."""
    for name in ("a", "b"):
        empty.write(f"api/{name}/main.go", main_printing(name))
    build(empty)
    yield empty.unprivileged()
    for path in [empty.path, *empty.path.rglob("*")]:
        if not path.is_symlink():
            path.chmod(0o755)


def findings(project: Project, *arguments: str) -> list[str]:
    """Return what doctor finds wrong, and see that it looked at all there is."""
    result = project.run("doctor", *arguments)
    assert (result.err, "Traceback" in result.out) == ("", False)
    assert "\nok: Go's build cache is " in result.out
    return [line for line in result.out.splitlines() if not line.startswith(("ok: ", "  hint: "))]


def test_a_foreign_executable_fails_its_function_and_is_left_by_clean(shop: Project) -> None:
    (shop / "dist/a/bootstrap").chmod(0)
    result = shop.run("all", "--json")
    assert (result.code, result.statuses) == (1, {"a": "failed", "b": "up-to-date"})
    assert f"`{shop / 'dist/a/bootstrap'}` is in the way" in result.err
    result = shop.run("clean")
    assert (result.code, result.err) == (
        0,
        "warning: `dist/a/bootstrap` is left, for somebody else has changed it\nremoved 2 files\n",
    )


def test_clean_names_what_it_cannot_look_at_and_remembers_it(shop: Project) -> None:
    (shop / "dist/a").chmod(0)
    (shop / "dist/manifest.json").chmod(0)
    result = shop.run("clean")
    assert result.err == (
        "warning: `dist/manifest.json` is left, for somebody else has changed it\n"
        "warning: `dist/a/bootstrap` cannot be removed\n"
        "removed 1 file\n"
    )
    (shop / "dist/a").chmod(0o755)
    assert shop.run("clean").err == "removed 1 file\n"


def test_foreign_logs_cost_a_warning_and_the_log(shop: Project) -> None:
    logs = shop / ".lambdabuild/logs"
    for path in [*logs.iterdir(), logs]:
        path.chmod(0o555)
    (logs / "lambdabuild.log").chmod(0o444)
    shop.write("api/a/main.go", main_printing("a2"))
    result = shop.run("all")
    assert result.code == 0
    warnings = [line for line in result.err.splitlines() if "warning" in line]
    assert warnings == [f"warning: there is no log: cannot write to `{logs}`: Permission denied"]
    assert shop.says("a") == "a2"
    assert findings(shop) == [f"warning: {logs} cannot be read and written"]


def unreadable_home(shop: Project) -> list[str]:
    (shop / ".lambdabuild").chmod(0)
    return [f"error: cannot write `{shop / '.lambdabuild'}`: Permission denied"]


def read_only_home(shop: Project) -> list[str]:
    (shop / ".lambdabuild").chmod(0o555)
    return [f"error: cannot write `{shop / '.lambdabuild'}`: Permission denied"]


def foreign_lock(shop: Project) -> list[str]:
    (shop / ".lambdabuild/lock").chmod(0)
    return [f"error: {shop / '.lambdabuild/lock'} cannot be read and written"]


def no_toml(shop: Project) -> list[str]:
    shop.write("lambdabuild.toml", "out = [")
    return ["error: lambdabuild.toml:1: this is not TOML: invalid value (at end of document)"]


def deep_toml(shop: Project) -> list[str]:
    shop.write("lambdabuild.toml", f"a = {'[' * 3_000}{']' * 3_000}")
    return ["error: this is nested too deeply; lambdabuild.toml"]


def unreadable_toml(shop: Project) -> list[str]:
    shop.write("lambdabuild.toml", "")
    (shop / "lambdabuild.toml").chmod(0)
    return ["error: cannot read the configuration `lambdabuild.toml`: Permission denied"]


@pytest.mark.parametrize(
    "broken",
    [
        *(unreadable_home, foreign_lock, unreadable_toml),
        *(
            pytest.param(f, marks=pytest.mark.extended)
            for f in (read_only_home, no_toml, deep_toml)
        ),
    ],
)
def test_doctor_finds_what_is_foreign_or_broken(
    shop: Project, broken: Callable[[Project], list[str]]
) -> None:
    expected = broken(shop)
    assert findings(shop) == expected
    assert shop.run("doctor").code == 2
    for command in ("list", "why", "history", "all", "clean"):
        assert "Traceback" not in shop.run(command).err


def test_a_cache_that_may_not_be_read_is_named(shop: Project, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    (cache / "keys").mkdir(parents=True)
    (cache / "keys").chmod(0)
    env = {"LAMBDABUILD_CACHE_DIR": str(cache)}
    for verb, words in (("info", "look at"), ("clear", "clear")):
        result = shop.run("cache", verb, env=env)
        assert (result.code, result.err) == (
            2,
            f"error: cannot {words} the cache: Permission denied\n  at: {cache / 'keys'}\n"
            "  hint: LAMBDABUILD_CACHE_DIR names another directory\n",
        )
    (cache / "keys").chmod(0o755)


@pytest.mark.extended
@pytest.mark.parametrize("arguments", [["--root", "/"], ["--root", "/../"]])
def test_all_of_the_machine_is_no_root(empty: Project, arguments: list[str]) -> None:
    result = empty.run("list", *arguments)
    assert (result.code, result.err.splitlines()[0]) == (
        2,
        "error: `/` is all of the machine, and no root of functions",
    )
