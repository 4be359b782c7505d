"""A monorepo of four functions, and what became of each of them after a change."""

import os
from collections.abc import Mapping
from pathlib import Path

from tests.e2e.conftest import Project, Recorded

FUNCTIONS = ("add", "login", "ping", "users")

# Without fmt, a function links in a tenth of a second. `users` and `login` reach `log` through
# `auth`; nothing but `login` embeds, nothing but `add` has assembly.
FILES = {
    "go.mod": "module example.com/repo\n\ngo 1.22\n",
    "api/add/main.go": """\
package main

import "example.com/repo/internal/sum"

func main() { println(sum.Value()) }
""",
    "api/login/main.go": """\
package main

import (
	"example.com/repo/internal/auth"
	"example.com/repo/internal/pages"
)

func main() { println(auth.Who(), pages.Number()) }
""",
    "api/ping/main.go": 'package main\n\nfunc main() { println("ping 1") }\n',
    "api/users/main.go": """\
package main

import "example.com/repo/internal/auth"

func main() { println(auth.Who()) }
""",
    "internal/auth/auth.go": """\
package auth

import "example.com/repo/internal/log"

func Who() string { return log.Line("auth 1") }
""",
    "internal/log/log.go": """\
package log

func Line(text string) string { return "log 1: " + text }
""",
    "internal/pages/pages.go": """\
package pages

import "embed"

//go:embed static texts/*.txt
var files embed.FS

func Number() int {
	entries, _ := files.ReadDir("texts")
	return len(entries)
}
""",
    "internal/pages/static/index.html": "index 1",
    "internal/pages/static/deep/style.css": "style 1",
    "internal/pages/texts/one.txt": "one 1",
    "internal/pages/texts/notes.md": "not embedded",
    "internal/sum/sum_amd64.go": "package sum\n\nfunc Value() int\n",
    "internal/sum/sum_arm64.go": "package sum\n\nfunc Value() int { return 1001 }\n",
    "internal/sum/sum_amd64.s": """\
#include "textflag.h"
#include "value.h"

TEXT ·Value(SB),NOSPLIT,$0-8
	MOVQ $VALUE, AX
	MOVQ AX, ret+0(FP)
	RET
""",
    "internal/sum/value.h": "#define VALUE 1001\n",
}


def write_repo(project: Project) -> None:
    """Write the monorepo."""
    for name, text in FILES.items():
        project.write(name, text)


def rebuilt(
    project: Recorded, *arguments: str, env: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Run `all` and return why each function was built that was; what nothing changed is left out."""
    result = project.run("all", "--json", *arguments, env=env)
    assert result.code == 0, result.err
    return {
        name: function["reason"]
        if function["status"] == "built"
        else f"{function['status']}: {function['reason']}"
        for name, function in result.functions.items()
        if function["reason"]
    }


def rebuilt_as_told(
    project: Recorded, *arguments: str, env: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Do as `rebuilt`, and see that everything agrees with it.

    `why` has to have said the same, and to have written nothing; and the run after this one has to
    find all up to date without starting `go`.
    """
    before = times(project.path)
    why = project.run("why", *arguments, env=env)
    assert why.code == 0, why.err
    assert times(project.path) == before
    result = project.run("all", "--json", "--explain", *arguments, env=env)
    assert result.code == 0, result.err
    reasons = {name: function["reason"] for name, function in result.functions.items()}
    told = [f"{name}: {reason or 'up to date'}" for name, reason in reasons.items()]
    assert why.out.splitlines() == told
    assert why.out in result.err
    assert {n: s for n, s in result.statuses.items() if not reasons[n]} == {
        name: "up-to-date" for name in reasons if not reasons[name]
    }
    assert_up_to_date(project, *arguments, env=env)
    return {
        name: reason if result.statuses[name] == "built" else f"{result.statuses[name]}: {reason}"
        for name, reason in reasons.items()
        if reason
    }


def assert_up_to_date(
    project: Recorded, *arguments: str, env: Mapping[str, str] | None = None
) -> None:
    """See that there is nothing to do, and that this takes no `go` and leaves every file alone."""
    project.started()
    before = times(project / "dist")
    result = project.run("all", "--json", *arguments, env=env)
    assert set(result.statuses.values()) == {"up-to-date"}, result.out + result.err
    assert project.started() == []
    assert times(project / "dist") == before


def assert_clean(project: Recorded, *arguments: str, env: Mapping[str, str] | None = None) -> None:
    """See that a build from nothing makes the very bytes that are in place."""
    result = project.run("all", "--json", "--force", *arguments, env=env)
    assert set(result.statuses.values()) == {"unchanged"}, result.out + result.err


def times(directory: Path) -> dict[str, tuple[int, ...]]:
    """Return what would differ if any file below a directory had been written or touched."""
    found: dict[str, tuple[int, ...]] = {}
    for folder, _, names in os.walk(directory):
        for path in (Path(folder), *(Path(folder, name) for name in names)):
            stat = path.lstat()
            found[str(path)] = (stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns)
    return found
