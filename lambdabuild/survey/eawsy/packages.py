"""Find packages as GOPATH leads to them, and read what they import."""

import os
import re
from collections.abc import Iterable
from typing import NamedTuple

from lambdabuild.golang import tree
from lambdabuild.golang.source import imports_in
from lambdabuild.system import files

_COMMENT = re.compile(
    rb"""^[ \t]*package[ \t]+\w+[ \t]*(?://|/\*)[ \t]*import[ \t]+"([^"\n]{1,1000})\"""",
    re.MULTILINE,
)
_ELEMENT = (
    r"(?!(?i:con|prn|aux|nul|com[1-9]|lpt[1-9])(?:[./]|$))(?![^./]*~[0-9]+(?:[./]|$))"
    r"(?!\.+(?:/|$))[\w.~+-]*[\w~+-]"
)
_PATH = re.compile(rf"(?!-){_ELEMENT}(?:/{_ELEMENT})*", re.ASCII)


class Package(NamedTuple):
    """What the Go files of a directory say, without tests and whatever their constraints."""

    imports: tuple[str, ...] = ()
    comment: str | None = None
    """The path in an import comment: `package x // import "…"`."""


def is_import_path(text: str) -> bool:
    """Return whether Go takes it for an import path; no such path leads upwards.

    https://pkg.go.dev/golang.org/x/mod/module#CheckImportPath
    """
    return bool(_PATH.fullmatch(text))


class Disk:
    """Packages by their directories, each read once; all paths are absolute."""

    def __init__(self, project: str, gopath: Iterable[str]) -> None:
        """Take the directory of the repository, and the entries of GOPATH."""
        self.project = project
        self.gopath = [os.path.join(entry, "src") for entry in gopath if os.path.isabs(entry)]
        self.top = next((s for s in self.gopath if project.startswith(f"{s}/")), project)
        """What the repository's own code and its dependencies lie in, where GOPATH has them all."""
        self._tops = {*self.gopath, self.top}
        self._packages: dict[str, Package | None] = {}
        self._vendors: dict[str, bool] = {}

    def package(self, directory: str) -> Package | None:
        """Return the package in a directory; None without Go files."""
        if directory not in self._packages:
            self._packages[directory] = _read(directory)
        return self._packages[directory]

    def imports(self, directory: str) -> tuple[str, ...]:
        """Return what a directory imports, in order."""
        return (self.package(directory) or Package()).imports

    def elsewhere(self, path: str, importer: str) -> str | None:
        """Return the directory of a package of another repository that a directory imports.

        https://pkg.go.dev/cmd/go@go1.10#hdr-Vendor_Directories
        """
        for above in tree.upwards(importer):
            vendor = f"{above}/vendor"
            if vendor not in self._vendors:
                self._vendors[vendor] = os.path.isdir(vendor)
            if self._vendors[vendor] and self.package(f"{vendor}/{path}"):
                return f"{vendor}/{path}"
            if above in self._tops:
                break
        return next((f"{s}/{path}" for s in self.gopath if self.package(f"{s}/{path}")), None)


def same_files(one: str, other: str) -> bool:
    """Return whether two directories have the same files, but for other directories in them."""
    if os.path.realpath(one) == os.path.realpath(other):
        return True
    contents = _contents(one)
    return contents is not None and contents == _contents(other)


def _contents(directory: str) -> dict[str, bytes] | None:
    found = {}
    try:
        for name in os.listdir(directory):
            path = os.path.join(directory, name)
            if not os.path.isdir(path):
                found[name] = files.whole(path)
    except OSError:
        return None
    return found


def _read(directory: str) -> Package | None:
    tops = list(tree.heads(directory))
    if not tops:
        return None
    paths = set().union(*map(imports_in, tops))
    comment = next(filter(None, map(_COMMENT.search, tops)), None)
    return Package(
        tuple(sorted(filter(is_import_path, paths))),
        comment[1].decode("utf-8", "replace") if comment else None,
    )
