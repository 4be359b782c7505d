"""Find flags of Go's linker, compiler and assembler that write, read or run something; no disk.

What is written, and where, lambdabuild decides: a flag that names an output would write anywhere,
and what is published would be something else. `go tool link -h`, `compile -h` and `asm -h` list them.
"""

import re
from collections.abc import Iterator

from lambdabuild.golang.commands import parse_goflags, split_quoted

_WRITE = frozenset({
    "o", "asmhdr", "bench", "benchmarkprofile", "blockprofile", "capturehostobjs", "cpuprofile",
    "fipso", "json", "linkobj", "memprofile", "mutexprofile", "tmpdir", "traceprofile",
})  # fmt: skip
# Files of the build itself, which `go build` writes and passes: with others, what is compiled or
# linked is not what was hashed.
_OF_GO = frozenset({"coveragecfg", "embedcfg", "gensymabis", "importcfg", "p", "symabis"})
# What a linker or a C compiler that drives one writes: `-o`, a map, a dependency file.
_C_WRITES = (
    r"-o.*|--output(=.*)?|-M.*|-save-temps.*|-dump(dir|base).*|-fdump.*|-time=.*|@.*"
    # What is passed on as it is; long options may be shortened, and have one dash but for `--o…`.
    r"|-Wl,(.*,)?(-o.*|-?-ou.*|-?-Ma.*|-?-dep.*|-?-plugin.*|@.*)"
    # After -Xlinker, which passes on the next word.
    r"|-?-Map.*|-?-dependency-file.*|-?-out-implib.*|-?-plugin.*"
)

_HARMLESS = {
    "ldflags": frozenset({
        "B", "X", "bindnow", "buildid", "c", "checklinkname", "compressdwarf", "d", "debugnosplit",
        "debugtramp", "dumpdep", "funcalign", "h", "randlayout", "s", "strictdups", "v", "w",
    }),
    "gcflags": frozenset({
        "B", "C", "L", "N", "S", "W", "c", "dwarf", "dwarfbasentries", "dwarflocationlists", "e",
        "errorurl", "gendwarfinl", "h", "l", "lang", "live", "m", "smallframes", "spectre",
    }),
}  # fmt: skip
"""Flags that run nothing, and name no file or directory."""


Problem = tuple[str, str]
"""Why a flag is refused, to be said after the name of its place, and what helps."""

_REMEDY = "take it away: `out`, or --out, says where executables go"


def problem_of(kind: str, value: str) -> Problem | None:
    """Return why flags are refused: those of `ldflags`, `gcflags` or `asmflags`."""
    words = list(_words(value))
    for number, word in enumerate(words):
        flag, equals, given = word.lstrip("-").partition("=")
        if word.startswith("@"):
            return (f"has `{word}`, a file of more flags", "write out the flags")
        if not word.startswith("-"):
            continue
        if flag in _WRITE:
            return (f"has `-{flag}`, by which Go's tools write somewhere", _REMEDY)
        if flag in _OF_GO:
            return (f"has `-{flag}`, which `go build` passes itself", "take it away")
        following = given if equals else next(iter(words[number + 1 :]), "")
        if flag == "d" and kind == "gcflags" and "dump" in following:
            return ("has `-d` with `dump`, by which the compiler writes files", _REMEDY)
        for option in split_quoted(following) if flag == "extldflags" else ():
            if re.fullmatch(_C_WRITES, option):
                return (f"has `{option}` in `-{flag}`, by which a linker writes files", _REMEDY)
    return None


def problem_in_goflags(goflags: str) -> Problem | None:
    """Return why GOFLAGS are refused: what they say of Go's tools is merged in."""
    flags = parse_goflags(goflags)
    for kind in ("ldflags", "gcflags", "asmflags"):
        if problem := problem_of(kind, flags.get(kind, "")):
            return f"has -{kind}, which {problem[0]}", problem[1]
    return None


def reaching(kind: str, value: str) -> str | None:
    """Return the first of `ldflags` or `gcflags` that may run a program or read any file, if any."""
    for word in _words(value):
        flag = word.lstrip("-").partition("=")[0]
        if word.startswith("@") or (word.startswith("-") and flag not in _HARMLESS[kind]):
            return word
    return None


def _words(value: str) -> Iterator[str]:
    """Yield the flags, without the pattern that they may be for (`all=-N`)."""
    # Go takes away all that Unicode calls white space, and then splits at some of it.
    value = value.strip()
    if not value.startswith("-"):
        _, equals, flags = value.partition("=")
        value = flags if equals else value
    yield from (word.strip() for word in split_quoted(value))
