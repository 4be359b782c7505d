"""Read what `go` prints."""

import contextlib
import json
import re
from collections.abc import Container, Iterator, Mapping
from pathlib import PurePath
from typing import Any

from lambdabuild.core.errors import LambdabuildError
from lambdabuild.core.gopackage import CFlags, Diagnostic, GoEnvironment, Module, Package
from lambdabuild.core.record import field, record
from lambdabuild.core.secrets import without_secrets

_POSITION = re.compile(r"^(?P<file>[^\s:][^:]*\.\w+):(?P<line>\d+)(?::(?P<column>\d+))?$")
_POSITIONED = re.compile(
    r"^(?P<file>[^\s:][^:]*\.\w+):(?P<line>\d+)(?::(?P<column>\d+))?:? (?P<message>.*)$"
)
_HEADER = re.compile(r"^# (?P<package>\S+)( \[.*\])?$")
_USAGE = re.compile(r"^usage: \w+ \[options\]")
"""What a tool says of flags that it does not understand; all of its flags follow."""
_NO_MESSAGE = re.compile(
    r"go: downloading |\d{4}/\d\d/\d\d \d\d:\d\d:\d\d |time=\d{4}-\d\d-\d\dT\S+ level="
)
"""How lines begin that say nothing of a package.

What GOCACHEPROG names logs, of a server that is down, goes where the compiler's messages go; the
packages `log` and `log/slog` begin their lines so.
"""
_VERSION = re.compile(r"go(\d+)\.(\d+)")
# Mach-O and PE have it as text, ELF as a note: lengths of name and ID, type 4, the name, the ID.
_TEXT_BUILD_ID = re.compile(rb'\xff Go build ID: "([^"\n]*)"')
_NOTE_BUILD_ID = re.compile(rb"\x04\0\0\0(..)\0\0\x04\0\0\0Go\0\0", re.DOTALL)


def parse_version(text: str) -> tuple[int, int] | None:
    """Return major and minor of a Go version such as `go1.26.8`; None for a development build."""
    match = _VERSION.search(text)
    return (int(match[1]), int(match[2])) if match else None


@contextlib.contextmanager
def _printed_by(command: str) -> Iterator[None]:
    """Raise an error that names the command if `go` printed what it should not."""
    try:
        yield
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise LambdabuildError(
            f"`{command}` printed what no `go` prints: {error!r}",
            hint="is another program in its place, or does GOFLAGS change what it prints? "
            "`lambdabuild doctor` says which `go` it is",
        ) from error


@_printed_by("go env -json")
def parse_environment(text: str) -> GoEnvironment:
    """Return what `go env -json` printed."""
    values = json.loads(text)
    workspace = values.get("GOWORK", "")
    return GoEnvironment(
        version=values.get("GOVERSION", ""),
        flags=values.get("GOFLAGS", ""),
        workspace=None if workspace in {"", "off"} else workspace,
        cache=values.get("GOCACHE", ""),
        module_cache=values.get("GOMODCACHE", ""),
        toolchain=values.get("GOTOOLCHAIN", ""),
        root=values.get("GOROOT", ""),
        tools=values.get("GOTOOLDIR", ""),
    )


@_printed_by("go list -json")
def parse_packages(text: str, directory: str) -> list[Package]:
    """Return the packages in a stream of `go list -json` values, but for the standard library.

    `directory` is where `go list` ran: what it prints of files is relative to that. What belongs
    to Go itself changes with Go's version and no other way, and imports nothing else.
    """
    values = list(_json_stream(text))
    standard = {
        value["ImportPath"] for value in values if value.get("Standard") and not value.get("Error")
    }
    return [
        _package(value, directory, standard)
        for value in values
        if value["ImportPath"] not in standard
    ]


@_printed_by("go list -export -json")
def parse_build_ids(text: str) -> list[tuple[str, str]]:
    """Return import path and build ID of each package that `go list -export -json` compiled."""
    return [
        (value["ImportPath"], value["BuildID"])
        for value in _json_stream(text)
        if value.get("BuildID")
    ]


def _json_stream(text: str) -> Iterator[dict[str, Any]]:
    decoder = json.JSONDecoder()
    position = 0
    while (position := text.find("{", position)) >= 0:
        value, position = decoder.raw_decode(text, position)
        yield value


_OTHER_FILES = (
    "CFiles", "CXXFiles", "MFiles", "HFiles", "FFiles", "SFiles", "SwigFiles", "SwigCXXFiles",
    "SysoFiles",
)  # fmt: skip
_C_FLAGS = ("CgoCFLAGS", "CgoCPPFLAGS", "CgoCXXFLAGS", "CgoLDFLAGS", "CgoPkgConfig")


def _package(value: dict[str, Any], directory: str, standard: Container[str]) -> Package:
    import_path = value["ImportPath"]
    error = value.get("Error")
    module = value.get("Module")
    return Package(
        import_path=import_path,
        name=value.get("Name", ""),
        directory=value.get("Dir", ""),
        go_files=(*value.get("GoFiles", ()), *value.get("CgoFiles", ())),
        ignored_files=tuple(value.get("IgnoredGoFiles", ())),
        imports=tuple(path for path in value.get("Imports", ()) if path not in standard),
        module=_module(module) if module else None,
        only_dependency=value.get("DepOnly", False),
        errors=(_load_error(error, import_path, directory),) if error else (),
        other_files=tuple(name for kind in _OTHER_FILES for name in value.get(kind, ())),
        embed_files=tuple(value.get("EmbedFiles", ())),
        embed_patterns=tuple(value.get("EmbedPatterns", ())),
        godebug=value.get("DefaultGODEBUG", ""),
        cgo=bool(value.get("CgoFiles") or value.get("SwigFiles") or value.get("SwigCXXFiles")),
        c_flags=CFlags(*(tuple(value.get(name, ())) for name in _C_FLAGS)),
    )


def _module(value: dict[str, Any]) -> Module:
    replacement = value.get("Replace")
    if replacement:
        replacement = f"{replacement['Path']} {replacement.get('Version', '')}".strip()
    return Module(
        path=value["Path"],
        directory=value.get("Dir"),
        version=value.get("Version"),
        main=value.get("Main", False),
        go_version=value.get("GoVersion"),
        go_sum=value.get("Sum"),
        replacement=replacement,
    )


def _load_error(error: dict[str, Any], import_path: str, directory: str) -> Diagnostic:
    # The error of a package that is not there stands at its stub; it is its importer's, which
    # comes last in the stack. Pos may hold several positions, innermost last; without one, the message may begin with it.
    text = without_secrets(error.get("Err", "").strip())
    stack = error.get("ImportStack") or [import_path]
    if "import cycle" in text:
        text = "\n\timports ".join([text, *stack[1:]]) if len(stack) > 1 else text
    import_path = stack[-1]
    if match := _POSITION.match(error.get("Pos", "")):
        return _diagnostic(import_path, text, match, directory)
    first, newline, rest = text.partition("\n")
    if match := _POSITIONED.match(first):
        return _diagnostic(import_path, f"{match['message']}{newline}{rest}", match, directory)
    return Diagnostic(import_path, text)


def _diagnostic(
    package: str | None, message: str, match: re.Match[str], directory: str
) -> Diagnostic:
    column = match["column"]
    return Diagnostic(
        package=package,
        message=message,
        file=str(PurePath(directory, match["file"])),
        line=int(match["line"]),
        column=int(column) if column else None,
    )


def without_stacks(text: str) -> str:
    """Return what `go` printed without the stacks that it prints when it crashes."""
    return re.split(r"\n\n(?:runtime stack:|goroutine \d)", text, maxsplit=1)[0].strip()


@record
class BuildOutput:
    """What `go build` printed, by package."""

    by_package: Mapping[str, tuple[Diagnostic, ...]] = field(default_factory=dict)
    other: tuple[Diagnostic, ...] = ()
    """What belongs to no package, such as a module that cannot be fetched."""


def parse_build_output(text: str, packages: Container[str], directory: str) -> BuildOutput:
    """Return the messages of a `go build` that ran in `directory`, for each known package.

    Go prints `# import/path`, then what the compiler or linker said of it, as one piece. A line
    without a position belongs to the message above it if it is indented, else stands alone. What
    follows no header may still begin with a package or a position.
    """
    found: dict[str | None, list[Diagnostic]] = {}
    package: str | None = None
    for line in text.split("\n"):
        header = _HEADER.match(line)
        if header and header["package"] in packages:
            package = header["package"]
            found.setdefault(package, [])
            continue
        if not line.strip() or _NO_MESSAGE.match(line):
            continue
        messages = found.setdefault(package, [])
        if match := _POSITIONED.match(line):
            messages.append(_diagnostic(package, match["message"], match, directory))
        elif line[0] in "\t " and messages:
            last = messages[-1]
            if not _USAGE.match(last.message):
                messages[-1] = last._replace(message=f"{last.message}\n{line}")
        elif named := _named(line, packages, headed=package is not None):
            found.setdefault(named[0], []).append(Diagnostic(*named))
        else:
            messages.append(Diagnostic(package, line))
    other = tuple(found.pop(None, ()))
    return BuildOutput({str(path): tuple(items) for path, items in found.items() if items}, other)


def _named(line: str, packages: Container[str], *, headed: bool) -> tuple[str, str] | None:
    """Return the package that a line begins with, and what it says of it.

    Under a heading only Go itself speaks of another package: a crash that begins `runtime: …`
    is the heading's.
    """
    name, _, message = line.partition(": ")
    package = name.removeprefix("go build ")
    if package not in packages or (headed and package == name):
        return None
    return package, message


@record
class Timing:
    """How long Go worked on one package, in seconds of wall time."""

    compile: float | None = None
    link: float | None = None


@record
class BuildID:
    """The ID that Go writes into an executable: action of the link, …, hash of the content."""

    text: str

    @property
    def link(self) -> str:
        """A hash of everything that goes into the link."""
        return self.text.partition("/")[0]

    @property
    def final(self) -> bool:
        """False while the content's hash is still the placeholder that the linker wrote.

        `go build` replaces it last of all (cmd/go/internal/work/buildid.go), so an executable
        without it was left half way.
        """
        parts = self.text.split("/")
        return not (len(parts) > 1 and parts[0] == parts[-1])


def parse_build_id(head: bytes) -> BuildID | None:
    """Return the build ID in the first 32 KiB of an executable, where Go itself looks for it."""
    if note := _NOTE_BUILD_ID.search(head):
        identifier = head[note.end() : note.end() + int.from_bytes(note[1], "little")]
    elif text := _TEXT_BUILD_ID.search(head):
        identifier = text[1]
    else:
        return None
    return BuildID(identifier.decode("ascii", "replace")) if identifier else None
