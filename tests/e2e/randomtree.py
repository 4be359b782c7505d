"""A small Go monorepo as a value: what a random test edits, writes to disk and knows the inputs of.

What each function depends on is worked out here from the value alone, without Go and without
lambdabuild, so that a test has something to hold both against.
"""

import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

MODULE = "example.com/random"
ABROAD = "native/abroad.h"
"""The header that assembly may include from elsewhere."""
DEFAULT_TAGS = ("lambda.norpc",)

Constraint = Literal["", "extra", "other", "!extra", "arm64"]
Fault = Literal["", "type", "syntax", "import", "empty", "clause"]
Trouble = Literal["", "module", "C", "closed"]
Manner = Literal["plain", "rename", "restored", "past", "future", "symlink"]

# What takes the place of a file's body, by fault; the first is no fault.
_BODIES: dict[Fault, str] = {
    "": 'func init() {{ println("{}") }}\n',
    "type": 'var _ int = "{}"\n',
    "syntax": "func {} {{\n",
    "import": 'func init() {{ println("{}") }}\n',
}


@dataclass(slots=True)
class GoFile:
    """A Go file that prints a word of four digits when the program starts."""

    word: int
    constraint: Constraint = ""
    fault: Fault = ""


@dataclass(slots=True)
class GoPackage:
    """A package: `directory` is from the module's root."""

    directory: str
    imports: tuple[str, ...] = ()
    """Names of the shared packages it imports."""
    files: dict[str, GoFile] = field(default_factory=dict)
    """By name; of a main package all but main.go."""
    word: int = 1000
    """What main.go, or a shared package's doc.go, prints."""
    fault: Fault = ""
    shy: bool = False
    """It has no `func main`, and is no function then."""
    trouble: Trouble = ""
    """What Go does not list it for: a broken go.mod of its own, C where cgo is off, or a directory
    that cannot be read."""
    embedded: dict[str, str] = field(default_factory=dict)
    """What lies in `static/`, which is embedded if there is anything."""
    assembly: tuple[int, int] | None = None
    """The numbers in its assembly and in the header that this includes."""
    abroad: bool = False
    """Its assembly also includes `ABROAD`, which is in no package's directory."""

    @property
    def main(self) -> bool:
        return self.directory.startswith("api/")

    @property
    def first(self) -> str:
        """Name the file that is always there."""
        return "main.go" if self.main else "doc.go"

    def texts(self) -> dict[str, str]:
        """Return every file of the package, by name."""
        name = "main" if self.main else os.path.basename(self.directory)
        imports = "".join(f'import _ "{MODULE}/internal/{item}"\n' for item in self.imports)
        if self.trouble == "C":
            imports += 'import "C"\n'
        body = _text(GoFile(self.word, fault=self.fault), name, imports)
        if self.main and body and self.fault != "clause":
            body += "\nfunc main() {}\n" if not self.shy else "\nfunc notMain() {}\n"
        texts = {self.first: body}
        texts |= {file: _text(content, name, "") for file, content in self.files.items()}
        if self.trouble == "module":
            texts["go.mod"] = f"module {MODULE}/{self.directory}\n\nrequre x\n"
        if self.embedded:
            texts["static.go"] = (
                f'package {name}\n\nimport "embed"\n\n//go:embed static\nvar static embed.FS\n\n'
                'func init() { text, _ := static.ReadFile("static/a.txt"); println(string(text)) }\n'
            )
            texts |= {f"static/{file}": text for file, text in self.embedded.items()}
        if self.assembly is not None:
            texts["value_amd64.go"] = (
                f"package {name}\n\nfunc value() int\n\nfunc init() {{ println(value()) }}\n"
            )
            include, number = "", "VALUE"
            if self.abroad:
                include, number = f'#include "../../{ABROAD}"\n', "VALUE+ABROAD"
            texts["value_amd64.s"] = (
                f'#include "textflag.h"\n#include "value.h"\n{include}\n'
                "TEXT ·value(SB),NOSPLIT,$0-8\n"
                f"\tMOVQ $({number}+{self.assembly[0]}), AX\n\tMOVQ AX, ret+0(FP)\n\tRET\n"
            )
            texts["value.h"] = f"#define VALUE {self.assembly[1]}\n"
        return texts


def _text(file: GoFile, package: str, imports: str) -> str:
    if file.fault == "empty":
        return ""
    head = f"//go:build {file.constraint}\n\n" if file.constraint else ""
    if file.fault == "clause":
        return f"{head}package another{file.word}\n"
    if file.fault == "import":
        imports += f'import _ "{MODULE}/internal/missing"\n'
    body = _BODIES[file.fault].format(file.word)
    return f"{head}package {package}\n\n{imports}\n{body}"


@dataclass(slots=True)
class Table:
    """What lambdabuild.toml may say, at its top or for one function."""

    tags: tuple[str, ...] | None = None
    ldflags: str | None = None
    env: dict[str, str] | None = None
    architecture: str | None = None

    def lines(self) -> str:
        values = {
            "tags": None if self.tags is None else json.dumps(list(self.tags)),
            "ldflags": None if self.ldflags is None else json.dumps(self.ldflags),
            "env": None
            if self.env is None
            else "{ " + ", ".join(f'{k} = "{v}"' for k, v in self.env.items()) + " }",
            "architecture": None if self.architecture is None else f'"{self.architecture}"',
        }
        return "".join(f"{key} = {value}\n" for key, value in values.items() if value is not None)

    def over(self, other: "Table") -> "Table":
        return Table(
            other.tags if self.tags is None else self.tags,
            other.ldflags if self.ldflags is None else self.ldflags,
            {**(other.env or {}), **(self.env or {})},
            self.architecture or other.architecture,
        )


@dataclass(slots=True)
class Monorepo:
    """Everything that decides what is built."""

    packages: dict[str, GoPackage] = field(default_factory=dict)
    """By directory."""
    noise: dict[str, str] = field(default_factory=dict)
    """Files that are no input of any function, by path."""
    header: int = 1
    """The number in `ABROAD`; with 0, it is not there."""
    go: str = "1.22"
    goflags: str = ""
    top: Table = field(default_factory=Table)
    tables: dict[str, Table] = field(default_factory=dict)
    """By the function's name."""

    @property
    def functions(self) -> dict[str, GoPackage]:
        """The functions, by name."""
        return {
            name_of(package.directory): package
            for package in self.packages.values()
            if package.main and not package.shy
        }

    def settings(self, name: str) -> Table:
        return self.tables.get(name, Table()).over(self.top)

    def texts(self) -> dict[str, str]:
        """Return every file, by path."""
        texts = {"go.mod": f"module {MODULE}\n\ngo {self.go}\n", **self.noise}
        if self.header:
            texts[ABROAD] = f"#define ABROAD {self.header}\n"
        for package in self.packages.values():
            texts |= {f"{package.directory}/{n}": text for n, text in package.texts().items()}
        config = self.top.lines()
        for name, table in self.tables.items():
            if name in self.functions:
                config += f'\n[functions."{name}"]\n{table.lines()}'
        return texts | {"lambdabuild.toml": config}

    def closure(self, package: GoPackage) -> list[GoPackage]:
        """Return a package with all that it imports."""
        found = [package]
        for item in found:
            # That fault leaves nothing but the clause.
            for name in () if item.fault == "clause" else item.imports:
                imported = self.packages[f"internal/{name}"]
                if imported not in found:
                    found.append(imported)
        return found

    def seen(self, name: str) -> Iterator[tuple[GoPackage, str, str]]:
        """Return the package, name and text of every file that a function is made from."""
        settings = self.settings(name)
        tags = {*(DEFAULT_TAGS if settings.tags is None else settings.tags)}
        tags |= {
            tag
            for flag in self.goflags.split()
            if flag.startswith("-tags=")
            for tag in flag.removeprefix("-tags=").split(",")
        }
        arm = settings.architecture == "arm64"
        for package in self.closure(self.functions[name]):
            if package.abroad and package.assembly is not None and not arm:
                yield package, ABROAD, str(self.header)
            for file, text in package.texts().items():
                extra = package.files.get(file, GoFile(0))
                # An empty file has no constraint either, and fails whatever is built.
                constraint = extra.constraint if extra.fault != "empty" else ""
                wanted = {
                    "": True, "extra": "extra" in tags, "other": "other" in tags,
                    "!extra": "extra" not in tags, "arm64": arm,
                }[constraint]  # fmt: skip
                if arm and file.startswith("value_amd64"):
                    continue
                if wanted and not file.startswith(("static/.", "static/_")):
                    yield package, file, text

    def fails(self, name: str) -> bool:
        """Tell whether a function cannot be built."""
        own = self.functions[name]
        if any(package.trouble == "closed" for package in self.closure(own)):
            return True
        if not self.header and any(file == ABROAD for _, file, _ in self.seen(name)):
            return True
        if own.trouble or any(
            package.trouble == "module" and own.directory.startswith(f"{package.directory}/")
            for package in self.packages.values()
        ):
            return True
        files: dict[str, list[Fault]] = {}
        for package, file, _ in self.seen(name):
            if file.endswith(".go"):
                others = GoFile(0) if file not in package.files else package.files[file]
                fault = package.fault if file == package.first else others.fault
                files.setdefault(package.directory, []).append(fault)
        for place in self.noise:
            directory, file = os.path.split(place)
            if file.endswith("_test.go") and directory in files:
                files[directory].append("")
        # A package may have any name, but not two.
        return any(
            fault and (fault != "clause" or len(faults) > 1)
            for faults in files.values()
            for fault in faults
        )

    def digest(self, name: str) -> str:
        """Return what differs if, and only if, anything that a function is made from does."""
        settings = self.settings(name)
        flags = [settings.tags, settings.ldflags, settings.env, settings.architecture]
        files = sorted((p.directory, file, text) for p, file, text in self.seen(name))
        return hashlib.sha256(
            json.dumps([self.go, self.goflags, flags, files]).encode()
        ).hexdigest()


def name_of(directory: str) -> str:
    """Return a function's name as lambdabuild gives it."""
    return directory.removeprefix("api/").replace("/", "-")


def write(path: Path, text: str, manner: Manner) -> None:
    """Write a file as editors, checkouts and those who mean ill do."""
    path.parent.mkdir(parents=True, exist_ok=True)
    before = path.stat().st_mtime_ns if path.exists() else None
    if manner in {"plain", "restored", "past", "future"}:
        path.write_text(text, "utf-8")
    elif manner == "rename":
        beside = path.with_name(f".{path.name}.swp")
        beside.write_text(text, "utf-8")
        beside.replace(path)
    else:
        elsewhere = path.with_name(f".{path.name}.swp")
        folder = next(p for p in path.parents if p.name == "random-test") / "linked"
        folder.mkdir(exist_ok=True)
        target = folder / f"{len(list(folder.iterdir()))}-{path.name}"
        target.write_text(text, "utf-8")
        elsewhere.symlink_to(target)
        elsewhere.replace(path)
    if before is not None and manner == "restored":
        os.utime(path, ns=(before, before))
    if manner in {"past", "future"}:
        hour = 3_600_000_000_000 * (1 if manner == "future" else -1)
        now = path.stat().st_mtime_ns + hour
        os.utime(path, ns=(now, now))


def write_all(directory: Path, texts: dict[str, str], manner: Manner = "plain") -> None:
    """Make a directory hold just these files: others go, equal ones are left alone."""
    present = {
        os.path.relpath(os.path.join(folder, name), directory)
        for folder, folders, names in os.walk(directory)
        for name in names
        if not _own(os.path.relpath(folder, directory), folders)
    }
    for name in present - texts.keys():
        path = directory / name
        path.unlink()
        for folder in path.parents:
            if folder == directory or any(folder.iterdir()):
                break
            folder.rmdir()
    for name, text in texts.items():
        path = directory / name
        if name not in present or path.read_text("utf-8") != text:
            write(
                path,
                text,
                "plain" if name.partition("/static/")[2] and manner == "symlink" else manner,
            )


def _own(folder: str, folders: list[str]) -> bool:
    if folder == ".":
        folders[:] = [name for name in folders if name not in {"dist", ".lambdabuild"}]
    return False
