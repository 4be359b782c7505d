"""Links lead somewhere: to files and headings that are there, to no version that is not."""

import re
from collections.abc import Iterator

import pytest

from tests.docs.pages import DOCS, OF_THE_PROJECT, PAGES, ROOT

NAMING = ("Makefile", "pyproject.toml", "zensical.toml", ".pre-commit-hooks.yaml")
ALL = PAGES | OF_THE_PROJECT
_CODE = re.compile(r"(?ms)^```.*?^```$|<!--.*?-->|(`+)(?!`).*?(?<!`)\1(?!`)")
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_NAMED = re.compile(r"(?<![\w./-])docs/[\w./-]+\.(?:md|svg|toml|py)\b")
"""A file of docs/, as code and comments name it."""
_OF_A_VERSION = re.compile(r"lambdabuild(?:\.git)?@(?!\$)([\w.-]+)")


def _links() -> Iterator[tuple[str, str]]:
    for page, text in ALL.items():
        without_code = _CODE.sub(lambda code: re.sub(r"[^\n]", " ", code[0]), text)
        for link in sorted(set(_LINK.findall(without_code))):
            yield page, link


def _slugs(text: str) -> set[str]:
    """Return the anchors that GitHub gives the headings of a page.

    https://docs.github.com/get-started/writing-on-github/getting-started-with-writing-and-formatting-on-github/basic-writing-and-formatting-syntax#section-links
    """
    found: list[str] = []
    for heading in re.findall(r"(?m)^#+ +(.+?) *$", re.sub(r"(?ms)^```.*?^```$", "", text)):
        slug = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        found.append(f"{slug}-{count}" if (count := found.count(slug)) else slug)
    return set(found)


@pytest.mark.parametrize("page", ALL)
def test_links_lead_somewhere(page: str) -> None:
    astray = []
    for link in (link for source, link in _links() if source == page):
        if link.startswith("https://"):
            continue
        path, _, anchor = link.partition("#")
        target = (ROOT / page).parent / path if path else ROOT / page
        text = target.read_text("utf-8") if anchor and target.is_file() else ""
        if not target.exists() or (anchor and anchor not in _slugs(text)):
            astray.append(link)

    assert astray == []


def test_every_page_is_reached_from_readme() -> None:
    reached, new = set[str](), {"README.md"}
    while new:
        reached |= new
        targets = {
            (ROOT / page).parent.joinpath(link.partition("#")[0]).resolve()
            for page, link in _links()
            if page in new and not link.startswith(("https://", "#"))
        }
        new = {str(path.relative_to(ROOT)) for path in targets} & PAGES.keys() - reached

    assert reached == PAGES.keys()


def test_what_code_says_of_the_documentation_is_there() -> None:
    places = [ROOT / name for name in NAMING]
    places += [
        path
        for folder in ("lambdabuild", "tests", "bench", ".github")
        for path in (ROOT / folder).rglob("*")
        if path.suffix in {".py", ".sh", ".yml", ".json"}
    ]

    named = {
        (str(place.relative_to(ROOT)), name)
        for place in places
        for name in _NAMED.findall(place.read_text("utf-8"))
    }
    assert {(place, name) for place, name in named if not (ROOT / name).exists()} == set()
    assert any(name.startswith("docs/explain/") for _, name in named)


def test_no_page_names_a_version_that_nobody_tagged() -> None:
    named = {found for text in ALL.values() for found in _OF_A_VERSION.findall(text)}

    assert named == {"COMMIT"}


def test_no_page_installs_a_project_of_the_same_name() -> None:
    """`lambdabuild` on PyPI is another one."""
    wrong = r"(?:pip|pipx|uv tool) install[^\n`]* '?lambdabuild(?!-go)\b|'lambdabuild\[|uvx lambdabuild\b"

    assert [page for page, text in ALL.items() if re.search(wrong, text)] == []


def test_readme_is_read_in_minutes() -> None:
    assert PAGES["README.md"].count("\n") <= 200
    assert {path.suffix for path in DOCS.rglob("*") if path.is_file()} == {".md", ".svg"}
