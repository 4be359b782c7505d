"""docs/reference has every exit code and every environment variable that there is."""

import re
from pathlib import Path

from lambdabuild.core import errors
from tests.docs.pages import PAGES, ROOT

PACKAGE = ROOT / "lambdabuild"
ENVIRONMENT = PAGES["docs/reference/environment.md"]
_READ = re.compile(
    r"environment(?:\.get\(|\[| and \")\s*\"([A-Z_]+)\"|environ(?:\.get\(|\[)\"([A-Z_]+)\""
)


def _sources() -> dict[Path, str]:
    return {
        path: path.read_text("utf-8")
        for path in PACKAGE.rglob("*")
        if path.suffix in {".py", ".sh"}
    }


def _named(text: str) -> set[str]:
    return set(re.findall(r"`([A-Z][A-Z0-9_]+)`", text))


def test_every_variable_of_lambdabuilds_own_is_described() -> None:
    own = r"LAMBDABUILD_[A-Z_]*[A-Z]"
    in_the_code = {name for text in _sources().values() for name in re.findall(own, text)}

    assert set(re.findall(own, ENVIRONMENT)) == in_the_code


def test_every_variable_that_is_read_is_described() -> None:
    read = {name for text in _sources().values() for found in _READ.findall(text) for name in found}

    assert {"NO_COLOR", "GITHUB_ACTIONS", "HOME"} <= read
    assert read - {"", "GOTMPDIR"} - _named(ENVIRONMENT) == set()


def test_every_exit_code_is_explained() -> None:
    codes = {
        value for name, value in vars(errors).items() if name.isupper() and isinstance(value, int)
    }

    shown = re.findall(r"(?m)^\| (\d+) \|", PAGES["docs/reference/exit-codes.md"])
    assert {*map(int, shown)} == {0, *codes}


def test_the_design_has_every_folder() -> None:
    folders = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}

    _, _, tree = PAGES["docs/design.md"].partition("## Folders\n")
    assert folders <= set(re.findall(r"(?m)^ {4}[ \d]+(\w+)/", tree))
