"""Small Go monorepos to build: each is a mapping from paths to texts, and `write` writes any of them."""

from collections.abc import Mapping
from pathlib import Path

MODULE = "example.com/empty"
"""The module of those that name none."""
GO_MOD = f"module {MODULE}\n\ngo 1.22\n"


def write(directory: Path, files: Mapping[str, str]) -> None:
    """Write files below a directory, which need not exist."""
    for name, text in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")


def main_printing(text: str) -> str:
    """Return a Go program that prints `text`, to stderr; with fmt, linking takes thrice as long."""
    return f'package main\n\nfunc main() {{ println("{text}") }}\n'


def main_saying(word: str, *imports: str) -> str:
    """Return a main package whose executable holds a word; imports are from the module's root."""
    return f"package main\n\n{_imports(imports)}func main() {{ println({_marked(word)}) }}\n"


def main_refused(word: str) -> str:
    """Return a main package that Go does not compile, for a reason that names a word."""
    return f'package main\n\nvar _ int = "{word}"\n\nfunc main() {{}}\n'


def package_saying(name: str, word: str, *imports: str) -> str:
    """Return a package that puts a word into every executable that it is part of."""
    return f"package {name}\n\n{_imports(imports)}func init() {{ println({_marked(word)}) }}\n"


def _imports(paths: tuple[str, ...]) -> str:
    full = (path if "." in path.split("/")[0] else f"{MODULE}/{path}" for path in paths)
    return "".join(f'import _ "{path}"\n' for path in full) + ("\n" if paths else "")


def _marked(word: str) -> str:
    return f'"<<{word}>>"'


EMPTY = {"go.mod": GO_MOD}

SENTINEL = "zz"
"""A function that is last by name; what touches it is not a test's subject."""
SENTINEL_FILE = f"api/{SENTINEL}/main.go"

SHARING = {
    "go.mod": GO_MOD,
    SENTINEL_FILE: main_saying("zz"),
    "internal/q/q.go": package_saying("q", "q1"),
    "internal/p/p.go": package_saying("p", "p1", "internal/q"),
    "api/a/main.go": main_saying("a1", "internal/p"),
    "api/b/main.go": main_saying("b1", "internal/p"),
    "api/c/main.go": main_saying("c1", "internal/q"),
    "api/d/main.go": main_saying("d1"),
}
"""Functions for a watcher: a and b import p, which imports q; c imports q alone; d and zz nothing."""

# Without fmt, a function links in a tenth of a second.
REPO = {
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
"""Four functions: `users` and `login` reach `log` through `auth`; only `login` embeds, only `add` has
assembly."""
FUNCTIONS = ("add", "login", "ping", "users")
"""The names of these four."""
