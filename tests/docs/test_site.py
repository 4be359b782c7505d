"""`make docs` makes a site of all pages, without the network, and readers need none either."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

from tests.docs.pages import OF_THE_PROJECT, PAGES, ROOT
from tests.environment import CLEAN

NOBODY = "http://127.0.0.1:9"
"""The port of `discard`, where nobody listens."""
OFFLINE = dict.fromkeys(("http_proxy", "https_proxy", "all_proxy"), NOBODY)
EXPECTED = {*PAGES, *OF_THE_PROJECT} - {"fixtures/README.md"}


@pytest.fixture(scope="module")
def site() -> Path:
    """The site, newly made."""
    done = subprocess.run(
        ["make", "docs"], check=False, cwd=ROOT, env=CLEAN | OFFLINE,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    assert "No issues found" in done.stdout
    return ROOT / "build" / "site"


def test_the_site_has_all_pages(site: Path) -> None:
    made = {str(path.relative_to(site).with_suffix(".md")) for path in site.rglob("*.html")}

    assert made - {"404.md"} == {"index.md", *EXPECTED} - {"README.md"}


def test_readers_find_all_pages_beside_the_text() -> None:
    navigation = str(tomllib.loads((ROOT / "zensical.toml").read_text("utf-8"))["project"]["nav"])

    assert {*re.findall(r"[\w/-]+\.md", navigation)} == EXPECTED


def test_its_pages_load_nothing_from_elsewhere(site: Path) -> None:
    loaded = r"<(?!a\b)[a-z]+\b[^>]*\s(?:src|href|srcset|data)=\"?((?:https?:)?//[^\">]*)"
    styles = r"(?:url\(|@import )[\"']?((?:https?:)?//[^\"')]*)"

    found = {
        (path.name, address)
        for path in site.rglob("*")
        if path.suffix in {".html", ".css", ".svg"}
        for address in re.findall(f"{loaded}|{styles}", path.read_text("utf-8"))
    }
    assert found == set()
