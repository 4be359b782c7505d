"""`make docs` makes a site of all pages, without the network, and readers need none either."""

import functools
import http.server
import re
import shutil
import subprocess
import threading
import tomllib
from pathlib import Path

import pytest

from tests.browser.test_page import BROWSERS, FLAGS
from tests.docs.pages import OF_THE_PROJECT, PAGES, ROOT
from tests.environment import CLEAN

NOBODY = "http://127.0.0.1:9"
"""The port of `discard`, where nobody listens."""
OFFLINE = dict.fromkeys(("http_proxy", "https_proxy", "all_proxy"), NOBODY)
pytestmark = pytest.mark.xdist_group("site")  # it is made in one place
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


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing of a request."""


@pytest.mark.extended
@pytest.mark.parametrize("page", ["index.html", "docs/guide/ci.html"])
def test_a_browser_asks_nobody_else(page: str, site: Path, tmp_path: Path) -> None:
    browser = next(filter(None, map(shutil.which, BROWSERS)))
    log = tmp_path / "requests.json"
    handler = functools.partial(_Quiet, directory=str(site))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        own = f"http://127.0.0.1:{server.server_port}/"
        subprocess.run(
            [browser, *FLAGS, "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
             f"--log-net-log={log}", f"--user-data-dir={tmp_path / 'profile'}", f"{own}{page}"],
            stdin=subprocess.DEVNULL, capture_output=True, check=True, timeout=120,
        )  # fmt: skip
        server.shutdown()

    # One event a line. The browser has requests of its own, which no page initiated.
    asked = {
        address
        for line in log.read_text("utf-8").splitlines()
        if f'"initiator":"{own[:-1]}"' in line
        for address in re.findall(r'"url":"([^"]+)"', line)
    }
    assert any(address.endswith(".js") for address in asked)
    assert {address for address in asked if not address.startswith(own)} == set()
