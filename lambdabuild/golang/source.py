"""Read from Go files what decides which packages there are."""

import re
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from typing import NamedTuple

from lambdabuild.core.naming import declares_main

# What go/build takes for a source file, by its name's end.
_SUFFIXES = (
    ".go", ".c", ".cc", ".cpp", ".cxx", ".m", ".h", ".hh", ".hpp", ".hxx", ".f", ".F", ".for",
    ".f90", ".s", ".S", ".sx", ".swig", ".swigcxx", ".syso",
)  # fmt: skip

PROFILE = "default.pgo"
"""A profile in a main package's directory, which `-pgo=auto` uses."""

NO_CODE = r"""//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|`[^`]*`|'(?:\\.|[^'\\\n])*'"""
"""A pattern of comments and literals (with DOTALL): first in another, it hides what is inside of them."""
_DECLARATION = re.compile(
    NO_CODE.encode() + rb"""|(?P<keyword>(?<![\w\x80-\xff])(?:func|type|var|const)\b)""", re.DOTALL
)
_IMPORTED = re.compile(
    rb"""//[^\n]*|/\*.*?\*/|"([^"\n\\]{1,1000})"|`([^`\n]{1,1000})`""", re.DOTALL
)
# A comment may stand before it on its line; one that only says so does no harm here.
_PACKAGE_MAIN = re.compile(rb"\bpackage\s+main\b")
_SHIM = re.compile(rb'"github\.com/eawsy/aws-lambda-go-(?:core|net)/')
_HANDLE = re.compile(rb"^(?:func|var)[ \t]+Handle\b", re.MULTILINE)
_IMPORT_C = re.compile(rb""""C"|`C`""")
_CGO_CONSTRAINT = re.compile(rb"^//[ \t]*(?:go:build|\+build)\b[^\n]*\bcgo\b", re.MULTILINE)
_EMBED = re.compile(rb"//go:embed[^\n]*")
_WORD = re.compile(r"""//.*|[()]|"(?:\\.|[^"\\])*"|`[^`]*`|(?:(?!//)[^\s"`()])+""")


def is_source(name: str) -> bool:
    """Return whether a file of this name may become part of an executable by lying in a package."""
    return (
        name.endswith(_SUFFIXES)
        and not name.startswith(("_", "."))
        and not name.endswith("_test.go")
    )


def outline(source: bytes) -> bytes:
    """Return what `go list` sees of a Go file: equal outlines mean that it says the same.

    That is all up to the first declaration (build constraints, package clause, imports), every
    line that embeds files, and whether a main package has a `func main`.
    """
    top = head(source)
    parts = [top, *_EMBED.findall(source, len(top))]
    if _PACKAGE_MAIN.search(top) and declares_main(source):
        parts.append(b"func main")
    return b"\0".join(parts)


def makes_program(source: bytes, *, handlers: bool = True) -> bool:
    """Return whether a Go file is of package main and declares `func main`.

    Or, with `handlers`, what a program for eawsy/aws-lambda-go-shim has in its place.
    """
    top = head(source)
    if not _PACKAGE_MAIN.search(top):
        return False
    if declares_main(source):
        return True
    return handlers and bool(_SHIM.search(top) or _HANDLE.search(source, len(top)))


def head(source: bytes) -> bytes:
    """Return all of a Go file up to its first declaration."""
    keyword = next((m for m in _DECLARATION.finditer(source) if m["keyword"]), None)
    return source if keyword is None else source[: keyword.start()]


def imports_in(top: bytes) -> set[str]:
    """Return what a Go file imports, by all that is before its first declaration."""
    texts = {double or raw for double, raw in _IMPORTED.findall(top)} - {b""}
    return {text.decode("utf-8", "replace") for text in texts}


class Directives(NamedTuple):
    """A go.mod's module path, and the directories that it or a go.work names, as written there.

    `ignore` may be any path.
    """

    module: str | None = None
    use: tuple[str, ...] = ()
    replace: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()


def parse_directives(text: str) -> Directives:
    """Return the module's path and the local directories in a go.mod or go.work file.

    https://go.dev/ref/mod#go-mod-file-replace: a replacement is a directory if it begins with
    `./`, `../` or `/`.
    """
    found: dict[str, list[str]] = {"module": [], "use": [], "replace": [], "ignore": []}
    for name, words in directives(text):
        if name == "replace":
            target = words[words.index("=>") + 1 :][:1] if "=>" in words else ()
            found[name] += [item for item in target if f"{item}/".startswith(("./", "../", "/"))]
        elif name in found:
            found[name] += words[:1]
    module, *others = found.values()
    return Directives(next(iter(module), None), *map(tuple, others))


def directives(text: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Return what each line of a go.mod or go.work is about, and its other words; unquoted.

    https://go.dev/ref/mod#go-mod-file-lexical
    """
    block = ""
    for line in text.split("\n"):
        words = [word.strip('"`') for word in _WORD.findall(line) if not word.startswith("//")]
        if words[:1] == [")"]:
            block = ""
        elif words[1:2] == ["("]:
            block = "" if words[-1] == ")" else words[0]
        elif words:
            name, *rest = [block, *words] if block else words
            yield name, tuple(rest)


def ignores(patterns: Iterable[str], directory: str) -> bool:
    """Return whether `ignore` lines leave out a directory, given by its path from the module's.

    https://go.dev/ref/mod#go-mod-file-ignore: `./x` is that directory, `x` any of that path; both
    with all that is below.
    """
    inside = f"/{directory}/"
    for pattern in patterns:
        path = pattern.removeprefix("./").strip("/")
        if not path:
            # All that is below the module's own directory.
            ignored = directory != "."
        elif pattern.startswith("./"):
            ignored = inside.startswith(f"/{path}/")
        else:
            ignored = f"/{path}/" in inside
        if ignored:
            return True
    return False


def needs_cgo(source: bytes) -> bool:
    """Return whether a Go file may be one that Go leaves out where cgo is off."""
    top = head(source)
    return bool(_IMPORT_C.search(top) or _CGO_CONSTRAINT.search(top))


def embed_directories(patterns: Iterable[str]) -> list[str]:
    """Return the directories, relative to the package, in which an embed pattern may match.

    A pattern that names one thing gives that thing, which may be a file.
    """
    found = []
    for pattern in patterns:
        parts = pattern.removeprefix("all:").split("/")
        fixed = next((n for n, part in enumerate(parts) if set(part) & set("*?[\\")), len(parts))
        found.append("/".join(parts[:fixed]) or ".")
    return list(dict.fromkeys(found))


def embeds(patterns: Iterable[str], name: str) -> bool:
    """Return whether embed patterns match a file, by its path relative to the package."""
    parts = name.split("/")
    for pattern in patterns:
        bare = pattern.removeprefix("all:")
        components = [part.replace("[^", "[!") for part in bare.split("/") if part != "."]
        below = parts[len(components) :]
        hidden = any(part.startswith((".", "_")) for part in below) and bare == pattern
        if len(parts) < len(components) or hidden:
            continue
        if all(map(fnmatchcase, parts, components)):
            return True
    return False
