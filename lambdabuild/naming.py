"""Names: what a function is called, which ones a person means, and which collide."""

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import PurePath

from lambdabuild.errors import LambdabuildError, did_you_mean
from lambdabuild.model import Function

# Comments and literals first, so that `func main` inside one of them is none.
_GO_TOKEN = re.compile(
    rb"""//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|`[^`]*`|'(?:\\.|[^'\\\n])*'"""
    rb"""|(?P<main>\bfunc\s+main\s*\()""",
    re.DOTALL,
)
_FUNC_MAIN = re.compile(rb"\bfunc\s+main\s*\(")


def declares_main(source: bytes) -> bool:
    """Tell whether a Go file of package main declares `func main`."""
    first = _FUNC_MAIN.search(source)
    if first is None:
        return False
    before = source[: first.start()]
    if before.endswith(b"\n") and b"`" not in before and b"/*" not in before:
        # At the beginning of a line, where gofmt puts it: nothing else goes over the end of one.
        return True
    return any(match["main"] for match in _GO_TOKEN.finditer(source))


def function_name(directory: str, root: str, named: Mapping[str, str]) -> str:
    """Return the name of the function in `directory`, found below `root`.

    `named` maps the directories that the configuration names to their names. All are absolute.
    """
    if directory in named:
        return named[directory]
    if directory == root:
        return PurePath(root).name
    return directory.removeprefix(root).strip(os.sep).replace(os.sep, "-")


def root_of(directory: str, roots: Iterable[str]) -> str:
    """Return the first of the roots that a directory is, or is below."""
    return next(root for root in roots if is_below(directory, root))


def is_below(directory: str, root: str) -> bool:
    """Tell whether a directory is `root`, or is below it; both in normal form."""
    return directory == root or directory.startswith(root.rstrip(os.sep) + os.sep)


def refuse_collisions(functions: Iterable[Function], relative: Mapping[str, str]) -> None:
    """Check that no two directories give one name, nor two that differ only in case.

    macOS file systems fold case: there the two would be one output. `relative` gives each
    absolute directory as people write it.

    Raises:
        LambdabuildError: two do; it names both directories and what settles it.

    """
    seen: dict[str, Function] = {}
    for function in functions:
        other = seen.setdefault(function.name.casefold(), function)
        if other.directory == function.directory:
            continue
        places = sorted(
            (relative[other.directory], relative[function.directory]),
            key=lambda place: PurePath(place).parts,
        )
        if other.name == function.name:
            message = f"two functions are named `{function.name}`"
        else:
            names = sorted((other.name, function.name))
            message = f"the names `{names[0]}` and `{names[1]}` differ only in case"
        raise LambdabuildError(
            message,
            at=[" and ".join(places)],
            hint="name one of them in lambdabuild.toml, under [functions], or exclude it",
        )


def excluded_by(name: str, directory: str, patterns: Iterable[str]) -> str | None:
    """Return the glob that excludes the function; globs match its name or its directory."""
    return next((p for p in patterns if fnmatchcase(name, p) or fnmatchcase(directory, p)), None)


def select(
    wanted: Sequence[str],
    functions: Sequence[Function],
    *,
    relative: Mapping[str, str],
    working: str,
    excluded: Mapping[str, str],
) -> list[Function]:
    """Return the functions that `wanted` means: names, globs, directories, or files in them.

    `working` is the absolute directory that paths are relative to; `excluded` maps the names of
    excluded functions to the globs that exclude them.

    Raises:
        LambdabuildError: one of them means no function; it suggests the nearest name.

    """
    chosen: dict[str, Function] = {}
    for word in wanted:
        matches = _matches(word, functions, working)
        if not matches:
            raise _nothing_matches(word, functions, relative, excluded)
        chosen |= {function.name: function for function in matches}
    return [function for function in functions if function.name in chosen]


def _matches(word: str, functions: Sequence[Function], working: str) -> list[Function]:
    by_name = [f for f in functions if f.name == word]
    if by_name:
        return by_name
    by_glob = [f for f in functions if fnmatchcase(f.name, word)]
    if by_glob:
        return by_glob
    path = _absolute(word, working)
    below = [f for f in functions if PurePath(f.directory).is_relative_to(path)]
    if below:
        return below
    # A file, or a directory without a main package: the nearest function around it.
    around = [f for f in functions if path.is_relative_to(f.directory)]
    return [max(around, key=lambda f: len(f.directory))] if around else []


def _absolute(word: str, working: str) -> PurePath:
    parts: list[str] = []
    for part in PurePath(working, word).parts:
        if part == "..":
            parts = parts[:-1] or parts
        else:
            parts.append(part)
    return PurePath(*parts)


def _nothing_matches(
    word: str,
    functions: Sequence[Function],
    relative: Mapping[str, str],
    excluded: Mapping[str, str],
) -> LambdabuildError:
    if word in excluded:
        return LambdabuildError(
            f"the function `{word}` is excluded",
            hint=f"the glob `{excluded[word]}` excludes it; take it away to build the function",
        )
    known = [*(f.name for f in functions), *(relative[f.directory] for f in functions)]
    return LambdabuildError(
        f"no function matches `{word}`",
        hint=did_you_mean(word, known) or "`lambdabuild list` shows all there are",
    )
