"""The option table: each option is one field, whose default is an `option` with all there is to know of it.

From it are made the keys of `lambdabuild.toml` and how they are checked (`config/file.py`), the
flags (`cli/usage/signatures.py`, `cli/usage/plain.py`), what `init` writes (`starter.py`), docs/reference/configuration.md and the schema of the file.
"""

from collections.abc import Callable, Iterator, Mapping
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar, cast

from lambdabuild.config import parsing
from lambdabuild.core.target import TARGETS, Architecture, Flags, Runtime, Target

if TYPE_CHECKING:
    from lambdabuild.config.limits import Growth
    from lambdabuild.core.build import Shard

T = TypeVar("T")

FILE_NAME = "lambdabuild.toml"
DEFAULT_TAGS = ("lambda.norpc",)
"""Leaves the RPC server of the retired go1.x runtime out of aws-lambda-go.

https://docs.aws.amazon.com/lambda/latest/dg/golang-package.html
"""


class Kind(NamedTuple):
    """What TOML holds for an option, and how a flag gives it."""

    fits: Callable[[Any], bool]
    wrong: str = ""
    """The message for a value that does not fit."""
    written: str = ""
    """A value, as TOML has it."""
    flag: Any = str | None
    """The type by which typer knows the flag."""


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _are_texts(value: object) -> bool:
    return isinstance(value, list) and all(map(_is_text, value))


TEXT = Kind(_is_text, "is not a string", '"…"')
TEXTS = Kind(_are_texts, "is not a list of strings", '["…"]', list[str] | None)
WORDS = TEXTS._replace(flag=str | None)
ONE_OR_MORE = TEXTS._replace(fits=lambda value: _is_text(value) or _are_texts(value))
SWITCH = Kind(lambda value: isinstance(value, bool), "is neither true nor false", "true", bool)
AMOUNT = Kind(
    lambda value: isinstance(value, str | int) and not isinstance(value, bool),
    "is neither a string nor a number",
    '"5MB"',
)
VARIABLES = Kind(lambda value: isinstance(value, dict))
"""Of `go`."""
FUNCTION_VARIABLES = Kind(lambda value: isinstance(value, dict))
NUMBER = Kind(
    lambda value: isinstance(value, int) and not isinstance(value, bool),
    "is not a whole number",
    "10",
)
COUNT = Kind(lambda value: isinstance(value, int), flag=int | None)

# Flags that commands take together.
GENERAL = "every command"
FINDING = "all, build, check, watch, serve, invoke, events, why, list"
SELECTING = "all, build, check, watch, why, list"
NARROWING = "all, build, check, why, list"
OUTPUT = "all, build, check, watch, why"
BUILDING = "all, build, watch"
REVIEWED = "all, build, check"
CHECKING = "all, build, check, watch"
PLANNING = "all, build"

SECTIONS = ("Select", "Build", "Output", "Cache", "Reports", "General")
"""The parts of `--help`, in order."""
_SECTION_OF = {
    GENERAL: "General", FINDING: "Select", SELECTING: "Select", NARROWING: "Select", OUTPUT: "Output",
    BUILDING: "Build", PLANNING: "Build",
    REVIEWED: "Reports", CHECKING: "Reports",
}  # fmt: skip

# The tables of `lambdabuild.toml` that may have a key.
TOP = "top level"
BOTH = "top level, function"
FUNCTION = "function"


class Option(NamedTuple):
    """How one option is written: as a key of `lambdabuild.toml`, as a flag, or as either."""

    default: Any
    help: str
    """What it does, without a full stop."""
    flag: str = ""
    """Its names and what stands for its value: `--jobs -j N`."""
    key: str = ""
    parse: Callable[[Any], Any] = lambda value: value
    """Makes the value of what TOML or the flag holds; None is no choice."""
    kind: Kind = TEXT
    about: str = ""
    """The description of the key, if not `help`."""
    example: str = "true"
    """A value as TOML has it, of a key without a default."""
    values: tuple[str, ...] = ()
    """All valid values, if they can be listed."""
    unset: str = ""
    """The default in words, where the value does not show it."""
    declared: bool = False
    """Deployment files declare it too: what all of them say is the default."""
    variable: str = ""
    """In the environment; it beats the key, and the flag beats both."""
    beside: tuple["Option", ...] = ()
    """Flags that add to its value."""
    panel: str = ""
    """The commands that have its flag."""
    section: str = ""
    """The part of `--help` that has its flag."""
    where: str = BOTH
    name: str = ""
    """The field that holds its value."""

    @property
    def names(self) -> list[str]:
        """The names of its flag, the long one first."""
        return [word for word in self.flag.split() if word.startswith("-")]

    @property
    def metavar(self) -> str | None:
        return self.flag.split()[-1] if self.flag and self.kind is not SWITCH else None

    @property
    def default_text(self) -> str:
        """What holds where nobody says anything, as the command line has it; empty for nothing."""
        return self.unset or " ".join(words_of(self.default))

    @property
    def flag_help(self) -> str:
        repeatable = "; repeatable" if self.kind.flag == TEXTS.flag else ""
        first = "as deployed, else " if self.declared else ""
        default = f" [{first}{self.default_text}]" if self.default_text else ""
        variable = f" [env: {self.variable}]" if self.variable else ""
        return f"{self.help}{repeatable}.{default}{variable}"

    def value(self, written: Any) -> Any:
        """Return the value of what TOML or the flag holds, or None if that is no choice.

        Raises:
            UnfitError: it is not valid; the caller adds where it was written.

        """
        return self.parse(tuple(written) if isinstance(written, list) else written)


def words_of(value: object) -> list[str]:
    """Return a value as the command line has it: no word, one, or several."""
    if isinstance(value, tuple) and not isinstance(value, Target):
        return [word for item in value for word in words_of(item)]
    if value is None or value is False:
        return []
    return [value.label if isinstance(value, Target) else str(value)]


def option(default: T, *fields: Any, **more: Any) -> T:
    """Return an `Option` in the place of a field's default, for `_table` to take that out of it."""
    made = Option(default, *fields, **more)
    kind = {bool: SWITCH, tuple: TEXTS}.get(type(default), TEXT) if made.kind is TEXT else made.kind
    return cast("T", made._replace(kind=kind, about=made.about or f"{made.help}."))


def _table(holder: T) -> T:
    named_tuple = cast("Any", holder)
    defaults = named_tuple._field_defaults.values()
    named_tuple.__new__.__defaults__ = tuple(
        default.default if isinstance(default, Option) else default for default in defaults
    )
    return holder


def _options_of(holder: Any, panel: str = "", where: str = BOTH) -> Iterator[Option]:
    for name, found in holder._field_defaults.items():
        if isinstance(found, Option):
            for one in (found, *found.beside):
                of = found.panel or panel
                yield one._replace(
                    name=name,
                    panel=of,
                    section=found.section or _SECTION_OF.get(of, ""),
                    where=FUNCTION if one.where == FUNCTION else where,
                )


Chosen = Mapping[str, Any]
"""What one place (the command line, a function's table, the top level) sets, by field."""
NOTHING_CHOSEN: Chosen = MappingProxyType({})


# fmt: off
@_table
class General(NamedTuple):
    """What every command takes, before its name or after it."""

    directory: str | None = option(None, "Run as if started in DIR", "--directory -C DIR")
    config: str | None = option(None, "Use this configuration", "--config FILE", unset=FILE_NAME)
    verbose: bool = option(False, "Show log messages as well", "--verbose -v")
    quiet: bool = option(False, "Show only warnings and errors", "--quiet -q")
    color: str = option(
        "auto", "Color the output: auto, always or never", "--color WHEN", parse=parsing.parse_color,
        values=parsing.COLORS)
    untrusted: bool = option(
        False, "Refuse configuration that runs programs or leaves the project", "--untrusted")


@_table
class Narrowing(NamedTuple):
    """Filters that select functions, apart from their names."""

    since: str | None = option(
        None, "Only functions changed since the merge base with REF", "--since REF")
    files_from: str | None = option(
        None, "Only functions affected by the paths in FILE (- is stdin)", "--files-from FILE")
    shard: "Shard | None" = option(
        None, "Only share I of N, one for each of N machines", "--shard I/N",
        parse=parsing.parse_share)
    times: str | None = option(
        None, "Balance shards by the build times in this report", "--times FILE")

    @property
    def by_change(self) -> bool:
        """Whether it depends on what changed."""
        return self.since is not None or self.files_from is not None

    @property
    def narrows(self) -> bool:
        return self.by_change or self.shard is not None


NOTHING_LEFT_OUT = Narrowing()


@_table
class Request(NamedTuple):
    """What to build, and how."""

    names: tuple[str, ...] = ()
    """Names, globs and paths; empty for every function."""
    narrowing: Narrowing = NOTHING_LEFT_OUT
    replace: bool = False
    """Replace files in the way that lambdabuild did not write (`--force`)."""
    local_cache_only: bool = False
    """Use no shared cache: nobody else has built what is being edited."""
    jobs: int | None = option(
        None, "Run at most N processes at a time", "--jobs -j N", kind=COUNT, unset="all processors")
    fail_fast: bool = option(False, "Stop at the first failure", "--fail-fast")
    force: bool = option(False, "Rebuild everything, and replace files in the way", "--force")
    dry_run: bool = option(
        False, "Print the `go` commands without running them", "--dry-run -n", panel=PLANNING)
    explain: bool = option(
        False, "Explain why each function is or is not rebuilt", "--explain", section="Reports")
    json: bool = option(False, "Print the result as JSON", "--json", section="Reports")
    report: str | None = option(
        None, "Write the result as JSON to FILE", "--report FILE", section="Reports")
    trace: str | None = option(
        None, "Write a trace to FILE, for ui.perfetto.dev", "--trace FILE", section="Reports")
    html: str | None = option(
        None, "Write the result as a web page to FILE", "--html FILE", section="Reports")
    code_quality: str | None = option(
        None, "Write what is wrong to FILE, for GitLab's merge requests", "--code-quality FILE",
        panel=REVIEWED)


@_table
class Config(NamedTuple):
    """A `lambdabuild.toml`, checked, with what the command line has in place of its keys."""

    source: str | None = None
    """The file it was read from; None where there is none."""
    choices: Chosen = NOTHING_CHOSEN
    """What the top level sets for every function, by the fields of `BuildSettings` and `LocalSettings`."""
    functions: Mapping[str, Chosen] = NOTHING_CHOSEN
    """What the table of each function sets."""
    roots: tuple[str, ...] = option(
        (), "Look for functions below DIR", "--root DIR", "roots", parsing.parse_directories,
        about="Where to look for functions. By default that is `api`, if it has a main package; else "
        "the whole project is searched for main packages that import the Lambda library.",
        unset="api, or else the whole project", example='["api"]', panel=FINDING)
    """Relative to the project's directory; none where nobody chose."""
    entrypoints: str | None = option(
        None, "Main packages that are functions: all or lambda", "--entrypoints WHICH", "entrypoints",
        parsing.parse_entrypoints, unset="all below roots", example='"lambda"',
        about="Which main packages are functions: `all`, or `lambda` for those that import "
        "`github.com/aws/aws-lambda-go/lambda`, directly or not. By default `all` below `roots` or "
        "`api`, and `lambda` where the whole project is searched.",
        values=parsing.ENTRYPOINTS, panel=FINDING)
    exclude: tuple[str, ...] = option(
        (), "Leave out functions, by name or directory", "--exclude GLOB", "exclude", example='["internal-tools-*"]',
        about="Functions to leave out, by name or directory (`api/legacy/*`: all below one). What was "
        "built of them is removed; `--exclude` leaves it as it is, for this once.",
        panel=FINDING)
    out: str = option(
        "dist", "Write executables below DIR", "--out DIR", "out", parsing.parse_directories,
        about="Where executables go: `<out>/<function>/bootstrap`.", panel=OUTPUT)
    in_place: bool = option(
        False, "Write `bootstrap` into each function's directory", "--in-place", panel=OUTPUT)
    cache: str | None = option(
        None, "Share executables through s3://, gs://, az:// or file://", "--cache URL", "cache",
        lambda text: text or None, example='"s3://bucket/prefix"', variable="LAMBDABUILD_CACHE",
        panel=BUILDING, section="Cache")
    cache_mode: str | None = option(
        None, "Use caches for: read, read-write or off", "--cache-mode MODE", "cache_mode",
        parsing.parse_cache_mode, unset="read-write", example='"read-write"',
        about="How caches are used: `read`, `read-write` or `off`.", values=parsing.CACHE_MODES,
        variable="LAMBDABUILD_CACHE_MODE", panel=BUILDING, section="Cache")
    check_size: bool = option(
        False, "Fail instead of warning when a size limit is exceeded", "--check-size",
        panel=BUILDING, section="Output")
    strict: bool = option(
        False, "Fail if there are warnings, once everything is built", "--strict", "strict",
        panel=CHECKING)


@_table
class BuildSettings(NamedTuple):
    """The settings in effect for one function."""

    targets: tuple[Target, ...] = option(
        (TARGETS[Architecture.X86_64],), "Build for x86_64 (amd64) or arm64", "--arch ARCH",
        "architecture", parsing.parse_architectures, ONE_OR_MORE, panel=SELECTING, section="Build",
        about="`x86_64`, `arm64`, or a list of both. By default what all deployment files declare, "
        "such as template.yaml, serverless.yml and Terraform's; else `x86_64`.",
        values=tuple(parsing.ARCHITECTURES), declared=True,
        beside=(Option(
            (), "Build for any target of Go", "--target GOOS/GOARCH", "", parsing.parse_targets, TEXTS),))
    runtime: Runtime = option(
        Runtime.AL2023, "The Lambda runtime: provided.al2023 or provided.al2", "--runtime NAME",
        "runtime", parsing.parse_runtime, panel=SELECTING, section="Build", values=tuple(map(str, Runtime)),
        about="`provided.al2023` or `provided.al2`: for the reports, and for the glibc that C is "
        "linked with. Without C, an executable is static and runs on either. By default what all "
        "deployment files declare.", declared=True)
    tags: tuple[str, ...] = option(
        DEFAULT_TAGS, "Build tags, separated by commas", "--tags TAGS", "tags", kind=WORDS,
        panel=FINDING, section="Build",
        about="Build tags, in place of the default; those in GOFLAGS hold as well.")
    ldflags: str = option(
        "-s -w", "Flags of the linker", "--ldflags FLAGS", "ldflags", parsing.parse_ldflags,
        about="Flags of the linker, in place of the default; those in GOFLAGS hold as well. One "
        "that names an output, such as `-o`, is an error.",
        panel=OUTPUT, section="Build")
    gcflags: str | None = option(
        None, "Flags of the compiler", "--gcflags FLAGS", "gcflags", parsing.parse_gcflags,
        about="Flags of the compiler. As long as nobody sets them and `ldflags` strip debug "
        "information anyway, `all=-dwarf=false`: it need not be made in the first place.",
        example='""', panel=OUTPUT, section="Build")
    """None if not set: lambdabuild may then leave out DWARF that the link strips."""
    environment: tuple[tuple[str, str], ...] = option(
        (), "Variables for `go`, such as the instruction set", key="env", kind=VARIABLES,
        example='{ GOAMD64 = "v1" }')
    adapter: str | None = option(
        None, "Whether a handler for eawsy's runtimes is built as it is: auto or none", key="adapter",
        parse=parsing.parse_adapter, values=parsing.ADAPTERS, unset="auto", example='"none"',
        about="`none` builds a function that uses eawsy/aws-lambda-go or aws-lambda-go-shim as any other "
        "program. With `auto` it gets a `main` that today's runtimes can start.")
    cgo: bool = option(False, "Link C code, with the runtime's own glibc", key="cgo")
    layer_libraries: tuple[str, ...] = option(
        (), "Shared libraries that a layer brings, as executables ask for them",
        key="layer_libraries", parse=parsing.parse_libraries, example='["libpq.so.5"]')
    zip: bool = option(
        False, "Pack each function into a zip for Lambda", "--zip", "zip", panel=OUTPUT)
    sbom: bool = option(
        False, "Write a CycloneDX SBOM (JSON) for each function", "--sbom", "sbom", panel=OUTPUT)
    max_size: int | None = option(
        None, "Warn of a larger executable; `--check-size` makes it an error", key="max_size",
        parse=parsing.parse_max_size, kind=AMOUNT, example='"20MB"')
    """Bytes."""
    max_growth: "Growth | None" = option(
        None, "Warn of one that grew by more, in percent or in bytes (`500kB`)", key="max_growth",
        parse=parsing.parse_max_growth, kind=AMOUNT, example='"5%"')
    directory: str | None = option(
        None, "The function in this directory has the table's name", key="directory",
        parse=lambda text: PurePosixPath(text).as_posix(), where=FUNCTION,
        example='"api/invoices/v2"')
    handler_name: str | None = option(
        None, "The exported handler of a function for eawsy/aws-lambda-go-shim", key="handler_name",
        parse=parsing.parse_handler_name, where=FUNCTION, unset="Handle", example='"HandleOrder"',
        about="The exported function or variable that handles events, in a function for "
        "eawsy/aws-lambda-go-shim: what follows the dot in its Handler of then, `handler.Handle`.")
    assets: tuple[str, ...] = option(
        (), "Files to be packed beside `bootstrap`: globs, relative to the function's directory",
        key="assets", parse=parsing.parse_assets, where=FUNCTION, example='["templates/*.html"]')
    trimpath: bool = True
    """Whether paths of this machine are left out, which a debugger needs; nobody sets it."""

    @property
    def flags(self) -> Flags:
        """The flags of the compile and the link."""
        return Flags(
            self.tags, self.ldflags, self.gcflags, self.environment, self.cgo, trimpath=self.trimpath
        )


@_table
class LocalSettings(NamedTuple):
    """How one function runs on this machine: `serve` and `invoke`. Nothing is built from it."""

    variables: tuple[tuple[str, str], ...] = option(
        (), "Variables of the function, where it runs on this machine", key="environment",
        kind=FUNCTION_VARIABLES, example='{ TABLE = "users" }',
        about="Variables of the function, where `serve` and `invoke` run it. They beat those of "
        "deployment files; `--env-file` beats them.")
    timeout: int | None = option(
        None, "Seconds that a call may take on this machine", key="timeout",
        parse=parsing.parse_timeout, kind=NUMBER, unset="as deployed, else 3", example="10",
        about="Seconds that a call may take, where `serve` and `invoke` run the function. By "
        "default what the deployment file declares; else 3, as on Lambda.")
    memory: int | None = option(
        None, "MB of memory, as reported on this machine", key="memory",
        parse=parsing.parse_memory, kind=NUMBER, unset="as deployed, else 128", example="512",
        about="MB of memory, where `serve` and `invoke` run the function: reported to it, and in "
        "its log, but not enforced. By default what the deployment file declares; else 128.")
    concurrency: int = option(
        10, "Processes at a time on this machine", key="concurrency",
        parse=parsing.parse_concurrency, kind=NUMBER, unset="10",
        about="How many processes of the function `serve` starts at most, one for each call at a "
        "time; more calls wait.")
    routes: tuple[tuple[str, str], ...] = option(
        (), "HTTP routes that lead to the function", key="route", parse=parsing.parse_routes,
        kind=ONE_OR_MORE, where=FUNCTION, example='"GET /users/{id}"',
        about="HTTP routes that lead to the function, as `serve` has them: a method, or `ANY`, and a "
        "path. `{id}` is one segment, `{proxy+}` all that follow, and `$default` what no other route "
        "takes. A function with a route here has none of those that deployment files declare.")
    """Pairs of method and path."""
    event: str | None = option(
        None, "What calls the function's routes: rest, http or alb", key="event",
        parse=parsing.parse_event, values=parsing.EVENTS, unset="rest", example='"http"',
        about="Whose events the function gets for the routes of `route`: `rest` (a REST API of API "
        "Gateway, payload 1.0), `http` (an HTTP API, payload 2.0), `alb` (an Application Load "
        "Balancer, whose paths have `*`), or `alb-multi-value`, one with multi-value headers.")
    authorizer: tuple[str, str] | None = option(
        None, "What decides who may call the function's routes", key="authorizer",
        parse=parsing.parse_authorizer, example='"authorize"',
        about="What decides who may call the routes of `route`: the function of that name, as a "
        "Lambda authorizer. With `rest` it gets the token in the header Authorization; with `http` "
        "the request in format 2.0, if it has that header. With `REQUEST` before its name it gets "
        "every request. `JWT` reads a token, and does not verify it.")
    """`TOKEN`, `REQUEST`, `JWT` or nothing, and the function."""
    cors: tuple[str, ...] = option(
        (), "Origins of pages that may call the function's routes", key="cors",
        parse=parsing.parse_origins, kind=ONE_OR_MORE, example='"http://localhost:5173"',
        about="Origins of pages that may call the routes of `route`; `*` for all. Preflights are "
        "answered, and with `http` responses get the headers of CORS; with `rest` the function "
        "writes them, as on AWS.")
# fmt: on


OPTIONS = (
    *_options_of(General, GENERAL),
    *_options_of(Request, BUILDING),
    *_options_of(Config, where=TOP),
    *_options_of(BuildSettings),
    *_options_of(LocalSettings),
    *_options_of(Narrowing, NARROWING),
)
"""The table, in the order of keys and flags."""


def options_in(where: str) -> list[Option]:
    """Return the options that have a key in a table of `lambdabuild.toml`: TOP or FUNCTION."""
    return [option for option in OPTIONS if option.key and option.where in {where, BOTH}]
