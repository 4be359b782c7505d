"""Random edits: what `--since` finds is what Go says of two checkouts."""

import hashlib
import json
import os
import random
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.amounts import STEPS, amounts
from tests.e2e.conftest import Project
from tests.e2e.history import History, without_settings

SEED = int(os.environ.get("LAMBDABUILD_RANDOM_SEED", "1"))
FUNCTIONS = range(4)
PACKAGES = range(4)
FIELDS = "ImportPath,Dir,GoFiles,SFiles,HFiles,EmbedFiles,Module,Deps,Standard,DefaultGODEBUG"
EMBED = '\nimport "embed"\n\n//go:embed data\nvar files embed.FS\n'


class Tree:
    """A repository that is edited at random, and that Go can always load."""

    def __init__(self, history: History, chance: random.Random) -> None:
        self.history = history
        self.chance = chance
        self.count = 0
        history.write("go.mod", "module example.com/repo\n\ngo 1.22\n")
        for number in PACKAGES:
            history.write(f"p{number}/data/first.txt", "first")
            self.write_package(number)
        for number in FUNCTIONS:
            self.write_function(f"api/f{number}")

    def new(self) -> int:
        self.count += 1
        return self.count

    def imports(self, above: int) -> str:
        """Import some packages of a higher number: there is no circle."""
        some = [number for number in PACKAGES if number > above and self.chance.random() < 0.4]
        return "".join(f'import _ "example.com/repo/p{number}"\n' for number in some)

    def write_package(self, number: int) -> None:
        embed = EMBED if self.chance.random() < 0.5 else ""
        text = f"package p{number}\n\n{self.imports(number)}{embed}\nconst n = {self.new()}\n"
        self.history.write(f"p{number}/p.go", text)

    def write_function(self, directory: str) -> None:
        text = f"package main\n\n{self.imports(-1)}\nfunc main() {{ println({self.new()}) }}\n"
        self.history.write(f"{directory}/main.go", text)

    def package(self) -> str:
        return f"p{self.chance.choice(PACKAGES)}"

    def function(self) -> str:
        return f"api/{self.chance.choice(sorted(os.listdir(self.history / 'api')))}"

    def some(self, pattern: str) -> Path | None:
        found = sorted(self.history.path.glob(pattern))
        return self.chance.choice(found) if found else None

    def edit(self) -> str:
        """Change something and return what was done."""
        edits: list[Callable[[], str]] = [
            self.body, self.body, self.body, self.rewrite, self.rewrite_function, self.more,
            self.less, self.constrained, self.embedded, self.unembedded, self.renamed, self.readme,
            self.function_moved, self.function_added, self.go_mod, self.assembly, self.link,
        ]  # fmt: skip
        return self.chance.choice(edits)()

    def body(self) -> str:
        path = self.history / self.chance.choice([self.package(), self.function()])
        file = self.chance.choice(sorted(path.glob("*.go")))
        with file.open("a") as opened:
            opened.write(f"const c{self.new()} = 1\n")
        return f"body of {file}"

    def rewrite(self) -> str:
        number = self.chance.choice(PACKAGES)
        self.write_package(number)
        return f"package {number} anew"

    def rewrite_function(self) -> str:
        directory = self.function()
        self.write_function(directory)
        return f"{directory} anew"

    def more(self) -> str:
        package = self.package()
        name = f"{package}/more{self.new()}.go"
        self.history.write(name, f"package {package}\n\n{self.imports(int(package[1:]))}")
        return f"{name} added"

    def less(self) -> str:
        path = self.some("p*/more*")
        if path is not None:
            path.unlink()
        return f"{path} removed"

    def constrained(self) -> str:
        path = self.some("p*/more*.go")
        if path is not None:
            system = self.chance.choice(["linux", "windows", "arm64", "!windows", "lambda.norpc"])
            lines = path.read_text().splitlines(keepends=True)
            kept = [line for line in lines if not line.startswith("//go:build")]
            path.write_text("".join([f"//go:build {system}\n\n", *kept]))
        return f"{path} constrained"

    def embedded(self) -> str:
        name = self.chance.choice(["new.txt", ".hidden", "deep/a.txt", "deep/_b.txt", "first.txt"])
        self.history.write(f"{self.package()}/data/{name}", str(self.new()))
        return f"{name} embedded"

    def unembedded(self) -> str:
        # Something is always left to embed.
        path = self.some("p*/data/[!f]*")
        if path is not None:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        return f"{path} not embedded"

    def renamed(self) -> str:
        path = self.some("p*/more[0-9]*.go")
        if path is not None:
            ends = self.chance.choice(["_linux.go", "_windows.go", ".go"])
            path.rename(path.with_name(f"more{self.new()}{ends}"))
        return f"{path} renamed"

    def readme(self) -> str:
        package = self.package()
        self.history.write(f"{package}/README.md", str(self.new()))
        test = f"// {self.new()}\npackage {package}_test\n"
        self.history.write(f"{package}/{package}_test.go", test)
        return "read me"

    def function_moved(self) -> str:
        directory = self.function()
        self.history.move(directory, f"api/g{self.new()}")
        return f"{directory} moved"

    def function_added(self) -> str:
        directory = f"api/h{self.new()}"
        self.write_function(directory)
        return f"{directory} added"

    def go_mod(self) -> str:
        extra = self.chance.choice(["", "// comment\n", "godebug panicnil=1\n", "go 1.23\n"])
        go = "" if extra.startswith("go ") else "go 1.22\n"
        self.history.write("go.mod", f"module example.com/repo\n\n{go}{extra}")
        return f"go.mod with {extra!r}"

    def assembly(self) -> str:
        package = self.package()
        self.history.write(f"{package}/more_amd64.s", f"// {self.new()}\n")
        self.history.write(f"{package}/more.h", f"// {self.new()}\n")
        return f"assembly in {package}"

    def link(self) -> str:
        package = self.package()
        self.history.write(
            f"shared/{package}.txt", f"package {package}\n\nconst s = {self.new()}\n"
        )
        path = self.history / package / "more_link.go"
        if not path.is_symlink():
            path.symlink_to(f"../shared/{package}.txt")
        return f"what {path} leads to"


def closures(project: Project, directory: Path) -> dict[str, object]:
    """Return everything that each function in a checkout is made of, as Go tells it."""
    listed = subprocess.run(
        [project.go, "list", "-deps", "-tags=lambda.norpc", f"-json={FIELDS}", "./api/..."],
        cwd=directory, check=True, capture_output=True, text=True,
        env=project.environment | {"GOOS": "linux", "GOARCH": "amd64", "CGO_ENABLED": "0"},
    ).stdout  # fmt: skip
    packages = {}
    decoder, position = json.JSONDecoder(), 0
    while position < len(listed.rstrip()):
        package, end = decoder.raw_decode(listed[position:])
        packages[package["ImportPath"]] = package
        position += end + 1
    return {
        path: (package.get("DefaultGODEBUG"), {
            own: contents(packages[own]) for own in (path, *package["Deps"])
            if own in packages and not packages[own].get("Standard")
        })
        for path, package in packages.items() if "/api/" in path
    }  # fmt: skip


def contents(package: dict[str, object]) -> object:
    found = {}
    for field in ("GoFiles", "SFiles", "HFiles", "EmbedFiles"):
        for name in package.get(field, ()):  # type: ignore[attr-defined]
            content = Path(str(package["Dir"]), name).read_bytes()
            found[name] = hashlib.sha256(content).hexdigest()
    module = package["Module"]
    return module["GoVersion"], found  # type: ignore[index]


@pytest.mark.extended
@amounts("steps", STEPS, short=6, long=30)
def test_touched_is_what_is_made_of_something_else(
    tmp_path: Path, environment: dict[str, str], go: str, steps: int
) -> None:
    chance = random.Random(SEED)  # noqa: S311 - no secret
    history = History(tmp_path / "repo", without_settings(environment), go)
    tree = Tree(history, chance)
    history.start_history()
    done: list[str] = []
    before: dict[str, object] | None = None
    for _ in range(steps):
        done += [tree.edit() for _ in range(chance.randint(1, 3))]
        if before is None:
            base = tmp_path / "base"
            history.git("worktree", "add", "--quiet", "--detach", str(base), "HEAD")
            before = closures(history, base)
            history.git("worktree", "remove", "--force", str(base))
        now = closures(history, history.path)
        expected = {path.rpartition("/")[2] for path in now if before.get(path) != now[path]}
        assert history.touched().keys() == expected, done
        if chance.random() < 0.6:
            history.commit()
            done, before = [], now


class Modules:
    """A repository whose modules, workspace and vendor/ are edited at random."""

    def __init__(self, history: History, chance: random.Random) -> None:
        self.history = history
        self.chance = chance
        self.count = 0
        for place in ("lib", "alt"):
            history.write(f"{place}/go.mod", "module example.org/lib\n\ngo 1.21\n")
            self.library(place)
        for name in ("uses", "none"):
            history.write(f"api/{name}/data/inner/first.txt", "first")
            self.function(name)
        self.module()

    def edit(self) -> str:
        """Change something and return what was done."""
        some = self.chance.choice
        edits: list[Callable[[], str]] = [
            lambda: self.library(some(["lib", "alt"])), lambda: self.function(some(["uses", "none"])),
            self.module, self.module, self.workspace, self.workspace, self.vendor, self.cut,
        ]  # fmt: skip
        return some(edits)()

    def library(self, place: str) -> str:
        self.count += 1
        self.history.write(f"{place}/lib.go", f"package lib\n\nconst Number = {self.count}\n")
        return f"{place} anew"

    def function(self, name: str) -> str:
        uses = name == "uses" or self.chance.random() < 0.3
        imported, said = ('\nimport "example.org/lib"\n', "lib.Number") if uses else ("", "0")
        text = f"package main\n{imported}{EMBED}\nfunc main() {{ println({said}, files) }}\n"
        self.history.write(f"api/{name}/main.go", text)
        return f"{name} anew, {imported!r}"

    def module(self) -> str:
        place, version = self.chance.choice(["lib", "alt"]), self.chance.choice(["1.22", "1.21"])
        text = f"module example.com/repo\n\ngo {version}\n\nrequire example.org/lib v1.0.0\n\n"
        self.history.write("go.mod", f"{text}replace example.org/lib v1.0.0 => ./{place}\n")
        if (self.history / "vendor").exists():
            self.vendored()
        return f"go.mod with {place}, go {version}"

    def workspace(self) -> str:
        more = self.chance.choice(["", "use ./lib\n", "replace example.org/lib => ./alt\n"])
        version = self.chance.choice(["1.22", "1.22.1"])
        text = f"go {version}\n\nuse .\n{more}"
        if self.chance.random() < 0.3 and (self.history / "go.work").exists():
            self.history.remove("go.work")
            return "no go.work"
        self.history.write("go.work", text)
        return f"go.work with {more!r}, go {version}"

    def vendor(self) -> str:
        if (self.history / "vendor").exists() and self.chance.random() < 0.5:
            self.history.remove("vendor")
            return "no vendor/"
        self.vendored()
        return "go mod vendor"

    def vendored(self) -> None:
        self.history.go_run("mod", "vendor", env={"GOWORK": "off"})

    def cut(self) -> str:
        """Have an embedded directory be a module of its own, or no more."""
        path = f"api/{self.chance.choice(['uses', 'none'])}/data/inner/go.mod"
        if (self.history / path).exists():
            self.history.remove(path)
            return f"{path} removed"
        self.history.write(path.replace("inner/go.mod", "outer.txt"), "outer")
        self.history.write(path, "module example.org/inner\n\ngo 1.22\n")
        return f"{path} added"


@pytest.mark.extended
@pytest.mark.oldest_go
@amounts("steps", STEPS, short=6, long=30)
def test_nothing_goes_unseen_that_modules_decide(
    tmp_path: Path, environment: dict[str, str], go: str, steps: int
) -> None:
    chance = random.Random(SEED)  # noqa: S311 - no secret
    history = History(tmp_path / "repo", without_settings(environment), go)
    tree = Modules(history, chance)
    history.start_history()
    before = closures(history, history.path)
    done: list[str] = []
    for _ in range(steps):
        done += [tree.edit() for _ in range(chance.randint(1, 2))]
        now = closures(history, history.path)
        expected = {path.rpartition("/")[2] for path in now if before.get(path) != now[path]}
        assert history.touched().keys() >= expected, done
        if chance.random() < 0.6:
            history.commit()
            done, before = [], now
