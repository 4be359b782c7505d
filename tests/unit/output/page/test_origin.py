"""Addresses of sources are those of known forges, over https, and hold no credentials."""

from collections.abc import Mapping
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdabuild.output.page.origin import web

COMMIT = "0123456789abcdef" * 2 + "01234567"
GITHUB = f"https://github.com/acme/shop/blob/{COMMIT}/api/a.go#L3"
GITLAB = f"https://gitlab.com/acme/team/shop/-/blob/{COMMIT}/api/a.go#L3"
BITBUCKET = f"https://bitbucket.org/acme/shop/src/{COMMIT}/api/a.go#lines-3"
ON_GITHUB = {
    "GITHUB_ACTIONS": "true", "GITHUB_SERVER_URL": "https://git.example.com",
    "GITHUB_REPOSITORY": "acme/shop", "GITHUB_SHA": COMMIT,
}  # fmt: skip
OWN = f"https://git.example.com/acme/shop/blob/{COMMIT}/api/a.go#L3"


def address(
    remote: str | None, commit: str | None = COMMIT, environment: Mapping[str, str] | None = None
) -> str | None:
    found = web(remote, commit, environment or {})
    return found.file("api/a.go", 3) if found else None


@pytest.mark.parametrize(
    ("remote", "expected"),
    [
        ("https://github.com/acme/shop.git", GITHUB),
        ("https://github.com/acme/shop", GITHUB),
        ("https://GitHub.com/acme/shop/", GITHUB),
        ("https://someone:ghp_secret@github.com/acme/shop.git", GITHUB),
        ("https://x-access-token:a/b@c@github.com/acme/shop.git", None),
        ("git@github.com:acme/shop.git", GITHUB),
        ("github.com:acme/shop.git", GITHUB),
        ("ssh://git@github.com:22/acme/shop.git", GITHUB),
        ("git://github.com/acme/shop.git", GITHUB),
        ("git@gitlab.com:acme/team/shop.git", GITLAB),
        ("https://oauth2:secret@gitlab.com/acme/team/shop.git", GITLAB),
        ("git@bitbucket.org:acme/shop.git", BITBUCKET),
        ("https://git.example.com/acme/shop.git", None),
        ("https://github.com.example.com/acme/shop", None),
        ("https://example.com/github.com/acme/shop", None),
        ("https://github.com/acme", None),
        ("https://github.com/acme/../../x", None),
        ('https://github.com/acme/"><script>', None),
        ("javascript:alert(1)//github.com/acme/shop", None),
        ("/srv/github.com/acme/shop.git", None),
        ("../shop.git", None),
        ("", None),
        (None, None),
    ],
)
def test_a_file_is_linked_where_the_remote_is_a_known_forge(
    remote: str | None, expected: str | None
) -> None:
    assert address(remote) == expected


@pytest.mark.parametrize("remote", [None, "git@git.example.com:acme/shop.git"])
@pytest.mark.parametrize("commit", [None, COMMIT])
def test_on_github_actions_the_server_of_the_job_is_known(
    remote: str | None, commit: str | None
) -> None:
    assert address(remote, commit, ON_GITHUB) == OWN
    assert address(remote, commit, ON_GITHUB | {"GITHUB_ACTIONS": ""}) is None


def test_what_is_no_commit_or_no_https_is_no_link() -> None:
    for wrong in ("HEAD", "main", COMMIT + "0", f"{COMMIT}\n", COMMIT.upper()):
        assert address("git@github.com:acme/shop.git", wrong) is None
    for server in ("http://git.example.com", "javascript:alert(1)", "", "https://"):
        assert address(None, COMMIT, ON_GITHUB | {"GITHUB_SERVER_URL": server}) is None


def test_a_commit_has_a_page_on_each_forge() -> None:
    remotes = ("git@github.com:a/b", "git@gitlab.com:a/b", "git@bitbucket.org:a/b")
    pages = [found.page for remote in remotes if (found := web(remote, COMMIT, {}))]
    assert pages == [
        f"https://github.com/a/b/commit/{COMMIT}", f"https://gitlab.com/a/b/-/commit/{COMMIT}",
        f"https://bitbucket.org/a/b/commits/{COMMIT}",
    ]  # fmt: skip


@given(st.text(st.characters()), st.none() | st.integers(1, 10**6))
def test_whatever_a_file_is_called_it_is_a_file_of_that_commit(path: str, line: int | None) -> None:
    found = web("git@github.com:acme/shop.git", COMMIT, {})
    assert found is not None
    parts = urlsplit(found.file(path.replace("\0", ""), line))
    assert (parts.scheme, parts.netloc, parts.query) == ("https", "github.com", "")
    assert parts.path.startswith(f"/acme/shop/blob/{COMMIT}/")
    assert parts.geturl().isascii()
    assert parts.fragment == (f"L{line}" if line else "")


@given(st.text(st.characters()))
def test_whatever_a_remote_is_its_password_is_nowhere(text: str) -> None:
    for remote in (text, f"https://u:SECRET@{text}", f"https://{text}:SECRET@github.com/a/b"):
        found = web(remote, COMMIT, {})
        assert found is None or "SECRET" not in found.page
