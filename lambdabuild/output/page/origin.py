"""Tell from which sources a run was made, and where these are on the web."""

import re
from collections.abc import Callable, Mapping
from typing import NamedTuple
from urllib.parse import quote

from lambdabuild.core.gopackage import Diagnostic

_GITHUB, _GITLAB, _BITBUCKET = "github.com", "gitlab.com", "bitbucket.org"
_PAGES = {
    _GITHUB: ("commit/{commit}", "blob/{commit}/{path}", "#L{line}"),
    _GITLAB: ("-/commit/{commit}", "-/blob/{commit}/{path}", "#L{line}"),
    _BITBUCKET: ("commits/{commit}", "src/{commit}/{path}", "#lines-{line}"),
}
"""By forge, below a repository's page: a commit, a file of it, and a line of that."""
_ADDRESS = re.compile(
    # An address with a scheme, or what scp takes; whoever signs in, and the port, are left out.
    r"(?:(?:https?|ssh|git)://(?:[^/\s]*@)?(?P<host>[^/@:\s]+)(?::\d+)?/|(?:[^/@:\s]+@)?(?P<scp>[^/@:\s]+):/?)"
    r"(?P<path>[^?#\\\s]+?)(?:\.git)?/*"
)
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_HOST = re.compile(r"[a-z0-9][a-z0-9.-]*")
_PATH = re.compile(r"[\w.~-]+(?:/[\w.~-]+)+", re.ASCII)


class Web(NamedTuple):
    """A commit of a repository on a forge."""

    forge: str
    address: str
    """Of the repository's page: https, without credentials."""
    commit: str

    @property
    def page(self) -> str:
        """The address of the commit's page."""
        return self._below(_PAGES[self.forge][0])

    def file(self, path: str, line: int | None = None) -> str:
        """Return the address of a file, by its path from the top of the repository."""
        _, file, mark = _PAGES[self.forge]
        return self._below(file, path) + (mark.format(line=line) if line else "")

    def _below(self, page: str, path: str = "") -> str:
        # Bytes that are no UTF-8 are surrogates in a path.
        quoted = quote(path.encode("utf-8", "surrogateescape"))
        return f"{self.address}/{page.format(commit=self.commit, path=quoted)}"


class Origin(NamedTuple):
    """What a run was made from, and on which machine."""

    moment: str
    """When it ended, in UTC: `2026-11-27T06:30:00Z`."""
    version: str
    """Of lambdabuild."""
    machine: str
    """Operating system and architecture."""
    processors: int
    commit: str | None = None
    branch: str | None = None
    is_changed: bool = False
    """Files differ from the commit."""
    page: str | None = None
    """The address of the commit's page."""
    link: Callable[[Diagnostic], str | None] = lambda _: None
    """Return the address of the line that an error is at."""


def web(remote: str | None, commit: str | None, environment: Mapping[str, str]) -> Web | None:
    """Return where a commit is on the web; None if that is not known.

    `remote` is the address that git has, which may hold a password. On GitHub Actions, the server of
    the job is a GitHub, too, and its repository is taken where there is no remote.
    https://docs.github.com/actions/reference/workflows-and-actions/variables
    """
    forges = {name: name for name in _PAGES}
    if environment.get("GITHUB_ACTIONS") == "true":
        server = environment.get("GITHUB_SERVER_URL", "")
        forges[server.removeprefix("https://").lower()] = _GITHUB
        remote = remote or f"{server}/{environment.get('GITHUB_REPOSITORY', '')}"
        commit = commit or environment.get("GITHUB_SHA")
    found = _ADDRESS.fullmatch(remote or "")
    if found is None or commit is None or not _COMMIT.fullmatch(commit):
        return None
    host, path = (found["host"] or found["scp"]).lower(), found["path"]
    is_safe = _HOST.fullmatch(host) and _PATH.fullmatch(path)
    if not is_safe or host not in forges or {".", ".."} & {*path.split("/")}:
        return None
    return Web(forges[host], f"https://{host}/{path}", commit)
