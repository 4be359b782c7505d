"""The command lines and the environment of `go`, as values."""

import json
import os.path
import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from lambdabuild.core.target import Flags, Target
from lambdabuild.system.process import Command

OLDEST_GO = (1, 22)

ENVIRONMENT_KEYS = (
    "GOVERSION", "GOFLAGS", "GOWORK", "GOCACHE", "GOMODCACHE", "GOTOOLCHAIN", "GOROOT", "GOTOOLDIR",
)  # fmt: skip

LIST_FIELDS = (
    "ImportPath", "Name", "Dir", "Standard", "DepOnly", "GoFiles", "CgoFiles", "CFiles",
    "CXXFiles", "MFiles", "HFiles", "FFiles", "SFiles", "SwigFiles", "SwigCXXFiles", "SysoFiles",
    "CgoCFLAGS", "CgoCPPFLAGS", "CgoCXXFLAGS", "CgoLDFLAGS", "CgoPkgConfig", "EmbedFiles",
    "EmbedPatterns", "IgnoredGoFiles", "DefaultGODEBUG", "Imports", "Module", "Error",
)  # fmt: skip
"""What discovery reads; every further field costs `go list` time."""

# The instruction set each GOARCH is compiled for where nobody chose: what every Lambda machine
# has. Set (or, None, removed) always, or a value exported for another purpose would end up in
# the binary. https://go.dev/wiki/MinimumRequirements
_MICROARCHITECTURE: dict[str, tuple[str, str | None]] = {
    "386": ("GO386", None),
    "amd64": ("GOAMD64", "v1"),
    "arm": ("GOARM", None),
    "arm64": ("GOARM64", "v8.0"),
    "mips": ("GOMIPS", None),
    "mips64": ("GOMIPS64", None),
    "ppc64le": ("GOPPC64", None),
    "riscv64": ("GORISCV64", None),
}

# Go's white space is these four alone (cmd/internal/quoted).
_QUOTED_FIELD = re.compile(r"""[ \t\n\r]*(?:'([^']*)'|"([^"]*)"|([^ \t\n\r]+))""")


class Staging(NamedTuple):
    """Where one `go build` puts what it makes; absolute paths."""

    directory: str
    """Takes each executable, at its import path with `:exe` behind it (`:` is in none)."""
    temporary: str
    """Go's own work directory, which has to be on the same file system."""
    wrapper: str
    """The script that `-toolexec` runs."""
    events: str | None = None
    """The file the wrapper reports to."""
    graph: str | None = None
    """The file the action graph goes to."""
    python: str | None = None
    """What the wrapper looks at times with, where `find` cannot."""
    links: bool = True
    """Whether anything is linked; if not, it is compiled alone."""
    examiner: str | None = None
    """The script that runs around the linker, where what it makes is examined, not published."""

    def executable(self, import_path: str) -> str:
        return f"{self.directory}/{import_path}:exe"

    def current(self, import_path: str) -> str:
        """Return the file that holds the link ID of the artifact already there."""
        return f"{self.directory}/{import_path}:id"

    def dependencies(self, import_path: str) -> str:
        """Return the file that takes what the linker says led to each symbol."""
        return f"{self.directory}/{import_path}:deps"

    def sources(self, import_path: str) -> str:
        """Return the file that lists what a package is compiled from."""
        return f"{self.directory}/{import_path}:sources"


def split_quoted(text: str) -> list[str]:
    """Split as Go splits GOFLAGS and -toolexec: fields may be quoted whole, nothing is escaped."""
    return [
        next(group for group in match.groups() if group is not None)
        for match in _QUOTED_FIELD.finditer(text)
    ]


def join_quoted(words: Iterable[str]) -> str:
    """Join so that `split_quoted` gives the same words back; ValueError where Go has no way to."""
    return " ".join(_quote(word) for word in words)


def _quote(word: str) -> str:
    if word and not re.search(r"""[\s'"]""", word):
        return word
    for quote in "'\"":
        if quote not in word:
            return f"{quote}{word}{quote}"
    raise ValueError(f"{word!r} holds both kinds of quotes")


def parse_goflags(text: str) -> dict[str, str]:
    """Return GOFLAGS as flag name to value; a flag without a value is `true`, the last wins."""
    flags: dict[str, str] = {}
    for field in split_quoted(text):
        name, equals, value = field.lstrip("-").partition("=")
        flags[name] = value if equals else "true"
    return flags


def profile_path(goflags: str, directory: str) -> str | None:
    """Return the profile that `-pgo` in GOFLAGS names for a `go` that runs in `directory`."""
    profile = parse_goflags(goflags).get("pgo", "auto")
    if profile in {"auto", "off"}:
        return None
    return os.path.normpath(os.path.join(directory, profile))


def overlay_path(goflags: str, directory: str) -> str | None:
    """Return the file that `-overlay` in GOFLAGS names for a `go` that runs in `directory`."""
    overlay = parse_goflags(goflags).get("overlay")
    return os.path.normpath(os.path.join(directory, overlay)) if overlay else None


def parse_overlay(text: str, directory: str) -> list[str]:
    """Return the files that an overlay puts in the place of others, or none where it is broken.

    Source: https://pkg.go.dev/cmd/go#hdr-Compile_packages_and_dependencies, -overlay
    """
    try:
        replaced = json.loads(text)["Replace"].values()
    except (ValueError, LookupError, TypeError, AttributeError):
        return []  # Go says what is wrong with it
    names = (name for name in replaced if isinstance(name, str) and name)
    return [os.path.normpath(os.path.join(directory, name)) for name in names]


def strips_dwarf(ldflags: str) -> bool:
    """Return whether a link with these flags throws DWARF away; `-s` implies `-w` on ELF."""
    stripped = False
    for word in split_quoted(ldflags):
        name, _, value = word.lstrip("-").partition("=")
        if name in {"s", "w"} and word.startswith("-"):
            if value in {"0", "false"} and name == "w":
                return False
            stripped = stripped or value not in {"0", "false"}
    return stripped


def build_flags(flags: Flags, goflags: str) -> list[str]:
    """Return the flags that decide the bytes, with those of GOFLAGS merged in.

    Go lets `-tags`, `-ldflags`, `-gcflags` and `-toolexec` on the command line replace those in
    GOFLAGS; here both hold. Whatever else is in GOFLAGS, Go applies by itself.
    """
    theirs = parse_goflags(goflags)
    arguments = []
    if not flags.trimpath:
        arguments.append("-trimpath=false")
    elif "trimpath" not in theirs:
        arguments.append("-trimpath")
    if "buildvcs" not in theirs:
        arguments.append("-buildvcs=false")
    tags = list(dict.fromkeys([*re.split(r"[,\s]+", theirs.get("tags", "")), *flags.tags]))
    if tags := [tag for tag in tags if tag]:
        arguments.append(f"-tags={','.join(tags)}")
    arguments += _merge_pattern_flag("ldflags", theirs.get("ldflags", ""), flags.ldflags)
    gcflags = flags.gcflags
    if gcflags is None and "gcflags" not in theirs and strips_dwarf(flags.ldflags):
        gcflags = "all=-dwarf=false"
    arguments += _merge_pattern_flag("gcflags", theirs.get("gcflags", ""), gcflags or "")
    return arguments


def list_tags(flags: Flags, goflags: str) -> list[str]:
    """Return the `-tags` argument of a `go list` that sees what `go build` will see."""
    return [argument for argument in build_flags(flags, goflags) if argument.startswith("-tags=")]


def _merge_pattern_flag(name: str, theirs: str, ours: str) -> list[str]:
    """Merge two values of a `[pattern=]flags` flag, of which Go takes the last that matches."""
    theirs, ours = theirs.strip(" \t\n\r"), ours.strip(" \t\n\r")
    if not theirs or not ours:
        return [f"-{name}={theirs or ours}"] if theirs or ours else []
    their_pattern, their_flags = _split_pattern(theirs)
    our_pattern, our_flags = _split_pattern(ours)
    if their_pattern == our_pattern:
        return [f"-{name}={our_pattern}{their_flags} {our_flags}"]
    both = f"{their_flags} {our_flags}"
    if their_pattern == "all=":
        return [f"-{name}={theirs}", f"-{name}={our_pattern}{both}"]
    return [f"-{name}={ours}", f"-{name}={their_pattern}{both}"]


def _split_pattern(value: str) -> tuple[str, str]:
    if value.startswith("-"):
        return "", value
    pattern, equals, flags = value.partition("=")
    return (f"{pattern}{equals}", flags) if equals else ("", value)


def target_environment(target: Target, flags: Flags) -> dict[str, str | None]:
    """Return what has to be set, and removed, for `go` to see `target` and nothing exported."""
    environment: dict[str, str | None] = {
        "GOOS": target.goos, "GOARCH": target.goarch, "CGO_ENABLED": "1" if flags.cgo else "0",
    }  # fmt: skip
    if target.goarch in _MICROARCHITECTURE:
        variable, value = _MICROARCHITECTURE[target.goarch]
        environment[variable] = value
    if flags.compiler is not None:
        environment |= dict(flags.compiler.variables)
    environment |= dict(flags.environment)
    return environment


def uses_cgo(target: Target, flags: Flags) -> bool:
    """Return whether Go compiles and links C, as `cgo` or `env` in the configuration say."""
    return target_environment(target, flags)["CGO_ENABLED"] != "0"


def env_command(go: str, directory: str) -> Command:
    """Ask `go` for its settings where it is about to run."""
    return Command((go, "env", "-json", *ENVIRONMENT_KEYS), directory, {"PWD": directory})


class Overlay(NamedTuple):
    """What Go sees in the place of files, or where there are none.

    https://pkg.go.dev/cmd/go#hdr-Compile_packages_and_dependencies, -overlay
    """

    path: str
    """The JSON file that says what stands for what."""
    whole: bool = False
    """It has the go.mod: nothing may be missing there, nor come from `vendor`."""

    @property
    def arguments(self) -> list[str]:
        """The flags of `go list` and `go build`; they replace those of GOFLAGS."""
        return [f"-overlay={self.path}", *(["-mod=readonly"] if self.whole else [])]

    @property
    def environment(self) -> dict[str, str]:
        """Variables of `go`: whoever worked without modules may have turned them off."""
        return {"GO111MODULE": "on"} if self.whole else {}


class BuildContext(NamedTuple):
    """What `go list` and `go build` of the same packages have in common; as `go/build` calls it."""

    go: str
    directory: str
    """Where it runs."""
    target: Target
    flags: Flags
    goflags: str
    """GOFLAGS, with what `go env -w` wrote."""


def list_command(
    context: BuildContext,
    patterns: Sequence[str],
    *,
    dependencies: bool = True,
    overlay: Overlay | None = None,
) -> Command:
    """Ask `go list` for the packages of `patterns` and all that they import."""
    arguments = [context.go, "list", "-e", f"-json={','.join(LIST_FIELDS)}"]
    if dependencies:
        arguments.append("-deps")
    environment = target_environment(context.target, context.flags) | {"PWD": context.directory}
    if overlay is not None:
        arguments += overlay.arguments
        environment |= overlay.environment
    arguments += [*list_tags(context.flags, context.goflags), "--", *patterns]
    return Command(tuple(arguments), context.directory, environment)


def build_command(
    context: BuildContext,
    import_paths: Sequence[str],
    *,
    jobs: int,
    staging: Staging,
    memory_limit: int | None = None,
    everything: bool = False,
    overlay: Overlay | None = None,
) -> Command:
    """Build every main package of `import_paths` in one process, each to a file of its own.

    `go build -o DIR/` names its output by the last path element, so two functions named `get`
    would overwrite each other in silence. Here nothing is written (`-o /dev/null`), and a wrapper
    around the linker keeps each executable under its import path. With `everything`, nothing comes
    from Go's build cache. `memory_limit` is GOMEMLIMIT in bytes for each process of the toolchain,
    whose collector stays off below it; None leaves the heaps as Go has them.
    """
    flags, goflags = context.flags, context.goflags
    chain = split_quoted(parse_goflags(goflags).get("toolexec", ""))
    if staging.examiner is not None:
        chain = ["/bin/sh", staging.examiner, str(len(chain)), *chain]
    wrapper = ["/bin/sh", staging.wrapper, str(len(chain)), *chain]
    arguments = [
        context.go,
        "build",
        f"-p={jobs}",
        *(["-a"] if everything else []),
        *build_flags(flags, goflags),
        *(overlay.arguments if overlay is not None else []),
        f"-toolexec={join_quoted(wrapper)}",
        "-o=/dev/null",
    ]
    if staging.graph:
        arguments.append(f"-debug-actiongraph={staging.graph}")
    environment = target_environment(context.target, flags)
    environment |= {
        "PWD": context.directory,
        "GOTMPDIR": staging.temporary,
        # Go skips a link where `go install` has put the same executable; there must be none.
        "GOBIN": f"{staging.directory}/none",
        "LAMBDABUILD_STAGE": staging.directory,
        "LAMBDABUILD_EVENTS": staging.events or "/dev/null",
    }
    if overlay is not None:
        environment |= overlay.environment
    if not staging.links:
        environment["LAMBDABUILD_LINK"] = "no"
    if staging.python:
        environment["LAMBDABUILD_PYTHON"] = staging.python
    if memory_limit is not None:
        environment |= {"GOGC": "off", "GOMEMLIMIT": str(memory_limit)}
    if flags.compiler is not None and flags.compiler.path is not None:
        environment["PATH"] = flags.compiler.path
    return Command((*arguments, "--", *import_paths), context.directory, environment)


def export_command(build: Command) -> Command:
    """Ask for the build ID of each package that the `go build` compiles, without linking any.

    What Go's cache has not is compiled for it, and kept: through the same wrapper.
    """
    go, _, *arguments = build.arguments
    flags = [argument for argument in arguments if not argument.startswith("-o=")]
    listing = ("list", "-e", "-export", "-deps", "-json=ImportPath,BuildID")
    return Command((go, *listing, *flags), build.directory, build.environment)
