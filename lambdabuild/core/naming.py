"""Names of functions: derive them, select by them, and find collisions."""

import os
import re
import shlex
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import PurePath
from types import MappingProxyType
from typing import NamedTuple

from lambdabuild.core.build import Function
from lambdabuild.core.errors import LambdabuildError, did_you_mean
from lambdabuild.core.text import one_line, some

# Comments and literals first, so that `func main` inside one does not count.
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
        # At the beginning of a line, where gofmt puts it: no other token spans lines.
        return True
    return any(match["main"] for match in _GO_TOKEN.finditer(source))


def function_name(directory: str, root: str, named: Mapping[str, str]) -> str:
    """Return the name of the function in `directory`, found below `root`.

    `named` maps directories to their names in the configuration. All are absolute.
    """
    if directory in named:
        return named[directory]
    if directory == root:
        return PurePath(root).name
    return directory.removeprefix(root).strip(os.sep).replace(os.sep, "-")


_SAYS_NOTHING = ("main", "cmd")
"""Last elements of paths that say nothing of a function: `orders/cmd/main` is `orders`."""


def names_below(directories: Iterable[str], top: str, module: str | None) -> dict[str, str]:
    """Return the names of functions that were found anywhere below `top`, by directory.

    A name is the path from the deepest directory that all have in common, without `main` and `cmd`
    at its end unless two would have one name. `module` is the path of the module at the top, for a
    function that lies there: the directory of a checkout may be called anything. All are absolute.
    """
    directories = sorted(set(directories))
    if not directories:
        return {}
    short = {directory: _shortened(directory, top) for directory in directories}
    taken = Counter(short.values())
    kept = {d: short[d] if taken[short[d]] == 1 else d for d in directories}
    base = os.path.commonpath(kept.values())
    if len(directories) == 1 and base != top:
        base = os.path.dirname(base)
    return {directory: _from(base, place, top, module) for directory, place in kept.items()}


def _shortened(directory: str, top: str) -> str:
    while directory != top and os.path.basename(directory) in _SAYS_NOTHING:
        directory = os.path.dirname(directory)
    return directory


def _from(base: str, place: str, top: str, module: str | None) -> str:
    if place != base:
        return place.removeprefix(base).strip(os.sep).replace(os.sep, "-")
    if place != top or not module:
        return PurePath(place).name
    # The last part of `example.com/shop/v2` says which major version it is.
    parts = [p for p in module.split("/") if not (p.startswith("v") and p[1:].isdigit())]
    *_, last = ["", *parts]
    return last or PurePath(place).name


def root_of(directory: str, roots: Iterable[str]) -> str:
    """Return the first of the roots that is, or is above, a directory."""
    return next(root for root in roots if is_below(directory, root))


def is_below(directory: str, root: str) -> bool:
    """Tell whether a directory is, or is below, `root`; both in normal form."""
    return directory == root or directory.startswith(root.rstrip(os.sep) + os.sep)


def refuse_collisions(functions: Iterable[Function], relative: Mapping[str, str]) -> None:
    """Check that no two directories have one name, or names that differ only in case.

    macOS file systems fold case: there the two would be one output. `relative` maps absolute
    directories to how they are shown.
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
            message = f"two functions are named `{one_line(function.name)}`"
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


class There(NamedTuple):
    """The file or directory that a word names."""

    path: str
    """The real path."""
    directory: bool = False
    program: bool = False
    """It is, or is in, the directory of a Go program."""


class Excluded(NamedTuple):
    """An excluded function, and the glob that excludes it."""

    function: Function
    glob: str


class Meant(NamedTuple):
    """The functions that words select."""

    functions: list[Function]
    """Each once, in the order of all functions."""
    inside: Mapping[str, str]
    """The words that name something inside a function's directory, with its name."""


def select(
    words: Sequence[str],
    functions: Sequence[Function],
    *,
    relative: Mapping[str, str],
    working: str,
    excluded: Sequence[Excluded] = (),
    there: Mapping[str, There] = MappingProxyType({}),
) -> Meant:
    """Return the functions that words select: names, globs, directories, or files in them.

    `working` is the absolute directory that paths are relative to; `there` has the words that name
    something on disk.
    """
    chosen: set[str] = set()
    inside: dict[str, str] = {}
    for word in words:
        named = _named(word, functions)
        if not named:
            if out := [item for item in excluded if _named(word, [item.function])]:
                raise _all_excluded(out)
            if word not in there:
                raise _nothing_matches(word, functions, relative)
            named, only_inside = _placed(word, functions, excluded, working, there[word])
            if only_inside:
                inside[word] = named[0].name
        chosen |= {function.name for function in named}
    return Meant([function for function in functions if function.name in chosen], inside)


def _named(word: str, functions: Sequence[Function]) -> list[Function]:
    if not word:
        raise LambdabuildError(
            "an empty word names no function",
            hint="is a variable empty that should name one? `lambdabuild all` builds all",
        )
    exact = [f for f in functions if f.name == word]
    return exact or [f for f in functions if fnmatchcase(f.name, word)]


def _placed(
    word: str,
    functions: Sequence[Function],
    excluded: Sequence[Excluded],
    working: str,
    there: There,
) -> tuple[list[Function], bool]:
    """Return the functions at or below a path, or else the one around it, with True."""
    everything = [*functions, *(item.function for item in excluded)]
    written = os.path.normpath(os.path.join(working, word))
    # As written, and with symbolic links resolved.
    for path in dict.fromkeys(map(PurePath, (written, there.path))):
        below = [f for f in everything if PurePath(f.directory).is_relative_to(path)]
        around = [f for f in everything if path.is_relative_to(f.directory)]
        nearest = max(around, key=lambda f: len(f.directory), default=None)
        home = path if there.directory else path.parent
        if not below and nearest and there.program and nearest.directory != str(home):
            break
        found = below or ([nearest] if nearest else [])
        if kept := [f for f in found if f in functions]:
            return kept, not below
        if found:
            raise _all_excluded([item for item in excluded if item.function in found])
    if there.program:
        raise LambdabuildError(
            f"what is in `{word}` is not built",
            hint="`lambdabuild list --skipped` gives the reason",
        )
    raise LambdabuildError(
        f"`{word}` is no function, and in none",
        hint=f"`lambdabuild why --file {shlex.quote(word)}` names the functions that depend on it"
        if word.endswith(".go") and not there.directory
        else "`lambdabuild list` shows all there are",
    )


def _all_excluded(excluded: Sequence[Excluded]) -> LambdabuildError:
    names = some([item.function.name for item in excluded])
    globs = ", ".join(f"`{glob}`" for glob in dict.fromkeys(item.glob for item in excluded))
    if len(excluded) == 1:
        return LambdabuildError(
            f"the function {names} is excluded",
            hint=f"the glob {globs} excludes it; take it away to build the function",
        )
    return LambdabuildError(
        f"the functions {names} are excluded",
        hint=f"that is by {globs}; take it away to build them",
    )


def _nothing_matches(
    word: str, functions: Sequence[Function], relative: Mapping[str, str]
) -> LambdabuildError:
    message = f"no function matches `{word}`"
    if os.sep in word or word.startswith("."):
        message += ": there is no such file or directory"
    known = [*(f.name for f in functions), *(relative[f.directory] for f in functions)]
    return LambdabuildError(
        message,
        hint=_beginning_with(word, functions, relative)
        or did_you_mean(word.removeprefix("./"), known)
        or "`lambdabuild list` shows all there are",
    )


def _beginning_with(
    word: str, functions: Sequence[Function], relative: Mapping[str, str]
) -> str | None:
    """Return a hint for a word with which the names of several functions begin."""
    glob = f"{word}-*"
    meant = [f for f in functions if fnmatchcase(f.name, glob)]
    if len(meant) < 2:  # noqa: PLR2004 - several
        return None
    hint = f"`{glob}` matches {len(meant)} functions"
    above = (parent for f in meant for parent in PurePath(relative[f.directory]).parents)
    place = next((parent for parent in above if parent.name == word), None)
    if place is not None:
        below = [f for f in functions if PurePath(relative[f.directory]).is_relative_to(place)]
        hint += f", `{place}` does too" if below == meant else ""
    return hint


def idle(patterns: Iterable[str], known: Iterable[tuple[str, str]]) -> list[str]:
    """Return the globs that exclude nothing; `known` has all names and directories."""
    known = list(known)
    return [p for p in patterns if not any(excluded_by(*item, (p,)) for item in known)]


def may_be_ignored(pattern: str) -> bool:
    """Tell whether a glob names a directory that Go ignores."""
    return re.search(r"(?:^|[/-])(?:[_.]|testdata\b|vendor\b)", pattern) is not None


def idle_hint(pattern: str, known: Iterable[tuple[str, str]]) -> str:
    """Return a hint for a glob that excludes nothing."""
    known = list(known)
    below = f"{pattern}/*"
    if idle([below], known) == []:
        return f"no function is in that very directory; `{below}` is for those below it"
    words = [word for item in known for word in item]
    return did_you_mean(pattern, words) or (
        "a glob means names of functions, as `lambdabuild list` shows them, or their directories"
    )
