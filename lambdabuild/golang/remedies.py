"""Map errors of Go, its tools and the system to remedies and files; a test follows each remedy."""

import os.path
import re
from collections.abc import Callable
from typing import NamedTuple

from lambdabuild.core.errors import nearest


class _Known(NamedTuple):
    """A known cause, and its remedy."""

    pattern: str
    """A regular expression for the message."""
    remedy: str | Callable[[re.Match[str]], str]
    """May name groups of the pattern in braces."""


_GO_MOD = ("module", "go", "toolchain", "godebug", "require", "exclude", "replace", "retract",
           "tool", "ignore")  # fmt: skip
_GO_WORK = ("go", "toolchain", "godebug", "use", "replace")
"""https://go.dev/ref/mod#go-mod-file and https://go.dev/ref/mod#go-work-file"""

_SINCE = {"toolchain": "1.21", "godebug": "1.23", "tool": "1.24", "ignore": "1.25"}
"""Which Go first knew a directive, by its release notes: https://go.dev/doc/devel/release"""

_FILE = r"(?m:^|: )(?P<file>(?:[^:\n]*/)?go\.(?:mod|work)):(?P<line>\d+)(?::\d+)?: "
_CONTAINER = ", or build in a container that has it, with a CC of its own"


def _misspelt(match: re.Match[str]) -> str:
    """Name the directive that was meant, if one is near."""
    if match["word"] in _SINCE:
        return (
            f"`{match['word']}` is for Go {_SINCE[match['word']]} and later: build with one, or "
            f"take line {match['line']} out of {match['file']}"
        )
    near = nearest(match["word"], _GO_WORK if match["file"].endswith("go.work") else _GO_MOD)
    meant = f": did you mean `{near}`?" if near else ""
    return f"correct line {match['line']} of {match['file']}{meant}"


def _dropped(match: re.Match[str]) -> str:
    # As go.work has it: a path that does not begin so is relative to it.
    path = match[1] if match[1].startswith((".", "/")) else f"./{match[1]}"
    return f"bring it back, or run `go work edit -dropuse={path}` where go.work is"


_TABLE = (
    _Known(
        r"(?i)no space left on device|disk quota exceeded",
        "free some space: links are staged in .lambdabuild, and Go's cache is `go env GOCACHE`",
    ),
    _Known(
        r"(?m)^Killed$|signal: killed$|signal 9\b|errno ?= ?12\b|cannot map pages in arena"
        r"|(?i:out of memory|cannot allocate memory)",
        "the system kills a process when memory runs out; `-j 1` needs less",
    ),
    _Known(
        r"failed to reserve [\w ]*memory|failed to create new OS thread|pthread_create failed"
        r"|(?i:resource temporarily unavailable)",
        "memory or processes ran out: `ulimit -a` shows the limits, and `-j 1` needs less",
    ),
    _Known(
        r"(?i)read-only file system",
        "the project's .lambdabuild has to be writable, and `go env GOCACHE`",
    ),
    # Before all that has to do with a module: whatever does not fit its sum is not to be trusted.
    _Known(
        r"verifying (?P<module>[^\s@]+)@\S+: checksum mismatch",
        "what was downloaded is not what go.sum has: `go clean -modcache` removes a download that "
        "is wrong; if it is the same again, the version was changed where it comes from, or "
        "somebody changed go.sum: restore that, or take another version, `go get {module}@VERSION`",
    ),
    _Known(r"GOTOOLCHAIN=local", "install that Go, or let Go fetch it: `export GOTOOLCHAIN=auto`"),
    _Known(
        r"download go\d\S* for \S+: toolchain not available",
        "no such Go can be downloaded: correct the lines `go` and `toolchain` in go.mod and "
        "go.work, or install it; with GOPROXY=off none can",
    ),
    _Known(r'cannot find "go\d[^"]*" in PATH', "install that Go, or `export GOTOOLCHAIN=auto`"),
    _Known(
        r"disabled by GOPROXY=off",
        "GOPROXY=off downloads nothing: unset it, or run `go mod download` where there is a "
        "network, and bring `go env GOMODCACHE` along",
    ),
    _Known(
        r"(?i)could not read username|terminal prompts disabled|permission denied \(publickey"
        r"|authentication failed|host key verification failed|repository not found",
        "git has to read that repository without asking: give it credentials, such as a token in "
        "~/.netrc, or `git config --global url.git@HOST:.insteadOf https://HOST/` for ssh",
    ),
    _Known(
        r"(?P<module>[^\s@:]+)@\S+: reading https?://\S+: 4(?:0[134]|10) ",
        "if it is private, `export GOPRIVATE={module}`, and git has to be able to read it; if not, "
        "what `go env GOPROXY` names does not give that version, or wants credentials",
    ),
    _Known(
        r"dial tcp|no such host|connection re(?:fused|set)|i/o timeout|proxyconnect|TLS handshake"
        r"|x509: |reading https?://\S+: (?:407|5\d\d) ",
        "what `go env GOPROXY` names cannot be reached from here: HTTPS_PROXY names a way there; "
        "`go mod download` where there is a network, and `go env GOMODCACHE` brought along, do too",
    ),
    _Known(
        r"reading file://\S+: no such file",
        "the directory that `go env GOPROXY` names does not have it: add it there, or name another",
    ),
    _Known(
        r"inconsistent vendoring(?s:.*)\b(go (?:mod|work) vendor)\b",
        "run `{1}`, which makes `vendor` what is asked for, and commit it",
    ),
    _Known(r"cannot load module (\S+) listed in go\.work file: open \S+: no such file", _dropped),
    _Known(
        rf"{_FILE}unexpected input character '\\ufeff'",
        "save {file} without a byte order mark: as UTF-8, not as UTF-8 with BOM",
    ),
    _Known(rf"{_FILE}unexpected input character '\\x00'", "save {file} as UTF-8"),
    _Known(rf"{_FILE}unknown directive: <<<<<<<", "{file} has a merge conflict: resolve it"),
    _Known(rf"{_FILE}unknown directive: (?P<word>\S+)", _misspelt),
    _Known(rf"{_FILE}", "correct line {line} of {file}"),
    _Known(
        r"open (?P<file>(?:\S+/)?go\.(?:mod|work|sum)): permission denied",
        "let the user that runs lambdabuild read {file}",
    ),
    _Known(r"missing go\.sum entry", "`go mod tidy` adds what is missing; commit go.sum"),
    # Go says itself what to run, on a line of its own.
    _Known(
        r"(?:updates to go\.\w+ needed|go\.work lists go|missing module declaration)[^\n]*:\n\s+"
        r"(go [^\n]+)",
        "run `{1}`, and commit what it changes",
    ),
    _Known(r"unsupported GOOS/GOARCH", "`go tool dist list` names the targets that Go has"),
    _Known(
        r"parsing \$GOFLAGS",
        "`go help environment` tells what GOFLAGS may hold: correct it in the environment, or take "
        "it away; `go env -u GOFLAGS` takes away what `go env -w` wrote",
    ),
    _Known(
        r"flag provided but not defined(?s:.*)usage: (?P<tool>compile|link) ",
        "`go tool {tool} -h` lists the flags there are; these come from the command line, "
        "lambdabuild.toml and GOFLAGS",
    ),
    _Known(
        r"(?m)^usage: link ",
        "flags are split at spaces, and no shell runs in lambdabuild.toml: what a command prints "
        "is for the shell, or the Makefile, to put into `--ldflags`",
    ),
    _Known(
        r"(?i)\bfor flag -\w+|usage: go ",
        "the flags come from --tags, --ldflags, --gcflags, lambdabuild.toml and GOFLAGS",
    ),
    _Known(
        r"unable to find (?:dynamic|static) system library|cannot find -l|library not found for -l",
        "zig brings no library but the C library: say where one for the runtime is, such as "
        f'`env = {{{{ CGO_LDFLAGS = "-L/its/directory" }}}}`{_CONTAINER}',
    ),
    _Known(
        r"'[^'\n]+\.h(?:pp)?' file not found|\.h(?:pp)?: No such file or directory",
        "zig brings no headers but the C library's: say where it is, such as "
        f'`env = {{{{ CGO_CFLAGS = "-I/its/directory" }}}}`{_CONTAINER}',
    ),
    _Known(
        r'"pkg-config": executable file not found',
        "install pkg-config, or write out what it would say: `#cgo CFLAGS:` and `#cgo LDFLAGS:`",
    ),
    _Known(
        r"not found in the pkg-config search path|No package '[^'\n]+' found",
        "`export PKG_CONFIG_PATH=` the directory that has its .pc file for the runtime"
        f"{_CONTAINER}",
    ),
)
"""The first that fits counts: a proxy's answer may stand in a message about a module or a sum."""


_LONGEST_LINE = 500
_MOST_LINES = 200


def remedy_for(message: str) -> str | None:
    """Return the remedy for a message of Go's programs or the system; None if it is not known."""
    # What Go quotes may be as long as a file, without a space in it: patterns would take forever.
    message = "\n".join(line[:_LONGEST_LINE] for line in message.splitlines()[:_MOST_LINES])
    for known in _TABLE:
        if match := re.search(known.pattern, message):
            if callable(known.remedy):
                return known.remedy(match)
            return known.remedy.format(match[0], *match.groups(), **match.groupdict())
    return None


_IN_MODULE_FILE = (
    r"(?m)(?:^|: )(?P<file>(?:[^:\n]*/)?(?:go\.(?:mod|work|sum|work\.sum)|vendor/modules\.txt))"
    r":(?P<line>\d+)(?::(?P<column>\d+))?:"
)


def position_in_module_file(
    message: str, directory: str
) -> tuple[str | None, int | None, int | None]:
    """Return which go.mod, go.work or the like Go, run in `directory`, cannot read: file, line, column.

    Such as `go: errors parsing go.mod:` with `go.mod:5: unknown directive: requre` on the next line.
    """
    match = re.search(_IN_MODULE_FILE, message)
    if match is None:
        return None, None, None
    file = os.path.normpath(os.path.join(directory, match["file"]))
    return file, int(match["line"]), int(match["column"]) if match["column"] else None
