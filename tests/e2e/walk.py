"""Random edits to a monorepo, and what has to be true after each of them."""

import hashlib
import json
import math
import os
import re
import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.e2e.amounts import STEPS
from tests.e2e.conftest import Project, Result
from tests.e2e.randomtree import (
    Constraint,
    Fault,
    GoFile,
    GoPackage,
    Manner,
    Monorepo,
    Table,
    Trouble,
    name_of,
    write_all,
)

PER_EXAMPLE = 20

SHARED = ("p0", "p1", "p2")
"""Each imports only later ones."""
NAMES = ("a.go", "b.go", "c.go", "z.go")
PICK = st.integers(0, 999)
WORD = st.integers(1000, 9999)
MANNER: st.SearchStrategy[Manner] = st.sampled_from(
    ["plain", "rename", "restored", "past", "future", "symlink"]
)
# Go itself knows a file's imports and constraints by its size and time (cmd/go/internal/modindex),
# and would go on with the old ones.
HONEST = MANNER.filter(lambda manner: manner != "restored")
IMPORTS = st.sets(st.sampled_from(SHARED)).map(lambda names: tuple(sorted(names)))
CONSTRAINT: st.SearchStrategy[Constraint] = st.sampled_from(
    ["", "", "", "extra", "other", "!extra", "arm64"]
)
FAULT: st.SearchStrategy[Fault] = st.sampled_from(["type", "syntax", "import", "empty", "clause"])
DIRECTORY = st.sampled_from(
    ["api/a", "api/b", "api/c", "api/d", "api/a/x", "api/n/m/deep", "api/n/m"]
)
TABLE = st.sampled_from(
    [
        Table(),
        Table(ldflags="-s"),
        Table(ldflags="-s -w -X=main.unused=1"),
        Table(tags=("extra",)),
        Table(tags=("lambda.norpc", "other")),
        Table(env={"GOAMD64": "v3"}),
        Table(architecture="arm64"),
    ]
)
GOFLAGS = st.sampled_from(["", "-tags=extra", "-tags=other,extra", "-ldflags=-X=main.no=2"])
HARMLESS = st.sampled_from(
    [{}, {"GOPROXY": "off"}, {"GOAMD64": "v4"}, {"GOARCH": "arm64"}, {"GOOS": "darwin"},
     {"CC": "no-compiler"}, {"GOMAXPROCS": "2"}, {"GOOGLE_CREDENTIALS": "x"}]
)  # fmt: skip
NOISE = st.sampled_from(
    ["README.md", "api/README.md", "api/a/a_test.go", "api/a/testdata/main.go", "api/_off/main.go",
     "api/.hidden/main.go", "internal/p0/p0_test.go", "internal/p1/notes.txt", "internal/un/un.go",
     "internal/p2/_old.go", ".git/HEAD", "other/main.go"]
)  # fmt: skip
EMBEDDED = st.sampled_from(["b.txt", "c.txt", "deep/a.txt", "deep/er/b.txt", ".hidden", "_hidden"])

# Nothing is refused to root, which only Linux can make somebody who is not.
CLOSES = sys.platform == "linux" or os.geteuid() != 0

clean_digests: dict[str, str] = {}
"""What a clean build made of the same inputs, by their digest, over all examples."""


class Walk(RuleBasedStateMachine):
    """A project on disk, the value it was written from, and what was last built."""

    def __init__(
        self, project: Project, folder: Path, took: Callable[[], None], *, cached: bool
    ) -> None:
        super().__init__()
        self.cached = cached
        self.kept: set[tuple[str, str]] = set()
        """What the cache has: names and digests."""
        self.folder = folder
        self.took = took
        self.moves = 0
        self.held = 0
        self.repo = Monorepo()
        self.project = project
        self.harmless: dict[str, str] = {}
        self.built: dict[str, str] = {}
        self.meddled: set[str] = set()
        """Artifacts that somebody else changed."""
        self.left: set[str] = set()
        """Those of them whose functions went away: lambdabuild removes only what it wrote."""

    @initialize(masks=st.lists(IMPORTS, min_size=4, max_size=4))
    def start(self, masks: list[tuple[str, ...]]) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
        self.kept.clear()
        environment = self.project.environment | {
            "LAMBDABUILD_CACHE_DIR": str(self.folder / "cache"),
            "LAMBDABUILD_CACHE_MODE": "read-write" if self.cached else "off",
        }
        self.project = replace(
            self.project.unprivileged(),
            path=self.folder / "0" / "project",
            environment=environment,
        )
        packages = [
            GoPackage("internal/p0", ("p1",)),
            GoPackage("internal/p1", (), embedded={"a.txt": "one", "deep/a.txt": "two"}),
            GoPackage("internal/p2", (), assembly=(1, 2)),
            *(
                GoPackage(f"api/{name}", mask)
                for name, mask in zip(("a", "b", "c", "n/m"), masks, strict=True)
            ),
        ]
        self.repo.packages = {package.directory: package for package in packages}
        self.save("plain")

    def save(self, manner: Manner = "plain") -> None:
        self.write(manner)

    def texts(self) -> dict[str, str]:
        return self.repo.texts()

    def write(self, manner: Manner) -> None:
        for package in self.repo.packages.values():
            if package.trouble == "closed" and any(
                other.startswith(f"{package.directory}/") for other in self.repo.packages
            ):
                # Nobody knows what is below it.
                package.trouble = ""
        self.project.path.mkdir(parents=True, exist_ok=True)
        write_all(self.project.path, self.texts(), manner)

    def close_directories(self) -> None:
        for package in self.repo.packages.values():
            if package.trouble == "closed":
                (self.project / package.directory).chmod(0)

    def open_directories(self) -> None:
        for folder, names, _ in os.walk(self.project.path):
            for path in (Path(folder, name) for name in names):
                if path.stat().st_mode & 0o777 == 0:
                    path.chmod(0o755)

    def any(self, pick: int, *, main: bool | None = None) -> GoPackage:
        """Choose a package."""
        packages = [p for p in self.repo.packages.values() if main is None or p.main is main]
        return packages[pick % len(packages)]

    @property
    def mains(self) -> list[str]:
        return [package.directory for package in self.repo.packages.values() if package.main]

    @rule(steps=st.integers(1, 3))
    def build_later(self, steps: int) -> None:
        self.held = steps

    @rule(pick=PICK, which=PICK, word=WORD, manner=MANNER)
    def edit(self, pick: int, which: int, word: int, manner: Manner) -> None:
        package = self.any(pick)
        names = [package.first, *package.files]
        name = names[which % len(names)]
        if name == package.first:
            package.word = word
        else:
            package.files[name].word = word
        self.save(manner)

    @rule(pick=PICK, name=st.sampled_from(NAMES), word=WORD, constraint=CONSTRAINT, manner=HONEST)
    def add_file(
        self, pick: int, name: str, word: int, constraint: Constraint, manner: Manner
    ) -> None:
        self.any(pick).files[name] = GoFile(word, constraint)
        self.save(manner)

    @rule(pick=PICK, which=PICK)
    def delete_file(self, pick: int, which: int) -> None:
        package = self.any(pick)
        if package.files:
            del package.files[list(package.files)[which % len(package.files)]]
        self.save()

    @rule(pick=PICK, which=PICK, name=st.sampled_from(NAMES))
    def rename_file(self, pick: int, which: int, name: str) -> None:
        package = self.any(pick)
        if package.files and package.trouble != "closed":
            old = list(package.files)[which % len(package.files)]
            package.files[name] = package.files.pop(old)
            directory = self.project / package.directory
            (directory / old).rename(directory / name)
        self.save()

    @rule(pick=PICK, which=PICK, fault=FAULT, manner=HONEST)
    def break_file(self, pick: int, which: int, fault: Fault, manner: Manner) -> None:
        package = self.any(pick)
        names = [package.first, *package.files]
        name = names[which % len(names)]
        # Whether it still is a function shall be beyond doubt.
        unknown = package.main and fault in {"empty", "clause"} and name == package.first
        if not package.shy and not unknown and not package.trouble:
            if name == package.first:
                package.fault = fault
            else:
                package.files[name].fault = fault
        self.save(manner)

    @rule(manner=HONEST)
    def mend_everything(self, manner: Manner) -> None:
        for package in self.repo.packages.values():
            package.fault, package.trouble = "", ""
            for file in package.files.values():
                file.fault = ""
        self.save(manner)

    @rule(pick=PICK, trouble=st.sampled_from(["module", "C", ""]))
    def trouble(self, pick: int, trouble: Trouble) -> None:
        """Break or mend a module below, or import C; both leave the function unlisted by Go."""
        package = self.any(pick, main=True)
        faults = package.fault or any(file.fault for file in package.files.values())
        if not faults and not package.shy:
            package.trouble = trouble
        self.save()

    @precondition(lambda _: CLOSES)
    @rule(pick=PICK)
    def close(self, pick: int) -> None:
        """Make a directory unreadable, or readable again."""
        package = self.any(pick)
        if package.trouble == "closed":
            package.trouble = ""
        elif not package.trouble and not package.shy:
            package.trouble = "closed"
        self.save()

    @rule(pick=PICK, imports=IMPORTS, manner=HONEST)
    def change_imports(self, pick: int, imports: tuple[str, ...], manner: Manner) -> None:
        package = self.any(pick)
        own = os.path.basename(package.directory)
        package.imports = tuple(name for name in imports if package.main or name > own)
        self.save(manner)

    @rule(name=EMBEDDED, text=st.sampled_from(["x", "y", "longer"]), manner=MANNER)
    def embed(self, name: str, text: str, manner: Manner) -> None:
        self.repo.packages["internal/p1"].embedded[name] = text
        self.save(manner)

    @rule(name=EMBEDDED)
    def embed_no_more(self, name: str) -> None:
        self.repo.packages["internal/p1"].embedded.pop(name, None)
        self.save()

    @rule(numbers=st.tuples(st.integers(1, 9), st.integers(1, 9)), manner=MANNER)
    def edit_assembly(self, numbers: tuple[int, int], manner: Manner) -> None:
        self.repo.packages["internal/p2"].assembly = numbers
        self.save(manner)

    @rule(number=st.integers(0, 4), included=st.sampled_from([True, True, False]), manner=MANNER)
    def edit_header_elsewhere(self, number: int, manner: Manner, *, included: bool) -> None:
        """Edit a header that lies in no package's directory; with 0, take it away."""
        self.repo.packages["internal/p2"].abroad = included
        self.repo.header = number
        self.save(manner)

    @rule(directory=DIRECTORY, imports=IMPORTS, word=WORD)
    def add_function(self, directory: str, imports: tuple[str, ...], word: int) -> None:
        if directory not in self.repo.packages:
            self.repo.packages[directory] = GoPackage(directory, imports, word=word)
        self.save()

    @rule(pick=PICK)
    def delete_function(self, pick: int) -> None:
        if len(self.repo.functions) > 1:
            del self.repo.packages[self.any(pick, main=True).directory]
        if not self.repo.functions:
            self.repo.packages["api/b"] = GoPackage("api/b")
        self.save()

    @rule(pick=PICK, directory=DIRECTORY)
    def move_function(self, pick: int, directory: str) -> None:
        package = self.any(pick, main=True)
        inside = any(d.startswith(f"{package.directory}/") for d in self.repo.packages)
        stays = inside or package.trouble == "closed"
        if directory not in self.repo.packages and not stays:
            (self.project / directory).parent.mkdir(parents=True, exist_ok=True)
            if not (self.project / directory).exists() and not directory.startswith(
                f"{package.directory}/"
            ):
                (self.project / package.directory).rename(self.project / directory)
            del self.repo.packages[package.directory]
            package.directory = directory
            self.repo.packages[directory] = package
        self.save()

    @rule(one=PICK, other=PICK)
    def swap_functions(self, one: int, other: int) -> None:
        first, second = self.any(one, main=True), self.any(other, main=True)
        first.directory, second.directory = second.directory, first.directory
        self.repo.packages[first.directory] = first
        self.repo.packages[second.directory] = second
        self.save()

    @rule(pick=PICK, manner=MANNER)
    def hide_main(self, pick: int, manner: Manner) -> None:
        package = self.any(pick, main=True)
        faults = package.fault or any(file.fault for file in package.files.values())
        if not faults and not package.trouble and (package.shy or len(self.repo.functions) > 1):
            package.shy = not package.shy
        self.save(manner)

    @rule(name=NOISE, text=st.sampled_from(["package main\n", "package p0\n"]), manner=MANNER)
    def make_noise(self, name: str, text: str, manner: Manner) -> None:
        if name.endswith("_test.go"):
            # Of another package, Go would refuse it.
            text = f"package {'main' if name.startswith('api/') else 'p0'}\n"
        self.repo.noise[name] = text
        self.save("plain" if manner == "symlink" else manner)

    @rule()
    def be_quiet(self) -> None:
        self.repo.noise.clear()
        self.save()

    @rule(pick=PICK, seconds=st.sampled_from([-86400, -1, 0, 1, 86400]))
    def touch(self, pick: int, seconds: int) -> None:
        names = sorted(self.repo.texts())
        path = self.project / names[pick % len(names)]
        time = path.stat().st_mtime_ns + seconds * 1_000_000_000
        os.utime(path, ns=(time, time))

    @rule(table=TABLE, manner=MANNER)
    def configure(self, table: Table, manner: Manner) -> None:
        self.repo.top = table
        self.save(manner)

    @rule(pick=PICK, table=TABLE, manner=MANNER)
    def configure_function(self, pick: int, table: Table, manner: Manner) -> None:
        self.repo.tables[name_of(self.any(pick, main=True).directory)] = table
        self.save(manner)

    @rule(goflags=GOFLAGS)
    def set_goflags(self, goflags: str) -> None:
        self.repo.goflags = goflags

    @rule(variables=HARMLESS)
    def set_harmless(self, variables: dict[str, str]) -> None:
        self.harmless = variables

    @rule(version=st.sampled_from(["1.21", "1.22"]), manner=MANNER)
    def change_go(self, version: str, manner: Manner) -> None:
        self.repo.go = version
        self.save(manner)

    @rule()
    def move_project(self) -> None:
        self.moves += 1
        place = self.folder / str(self.moves) / "project"
        place.parent.mkdir(parents=True)
        self.project.path.rename(place)
        self.project = replace(self.project, path=place)

    @rule()
    def copy_project(self) -> None:
        self.moves += 1
        place = self.folder / str(self.moves) / "project"
        shutil.copytree(self.project.path, place, symlinks=True)
        self.project = replace(self.project, path=place)

    @rule()
    def forget_all(self) -> None:
        """Leave what a fresh clone has; the cache stays."""
        for name in ("dist", ".lambdabuild"):
            shutil.rmtree(self.project / name, ignore_errors=True)
        self.built.clear()
        self.meddled.clear()
        self.left.clear()

    @precondition(lambda self: not self.held and self.built)
    @rule(text=st.sampled_from([None, "", "{", '{"version": 1}\n{}\n', "[]\n[]\n"]))
    def damage_state(self, text: str | None) -> None:
        # What failed has an artifact that nobody would know to be lambdabuild's any more.
        if any(self.repo.fails(name) for name in self.repo.functions):
            return
        self.check()
        state = self.project / ".lambdabuild/state.json"
        if text is None:
            state.write_bytes(state.read_bytes()[:-100])
        else:
            state.write_text(text)
        self.meddled |= self.built.keys()

    @precondition(lambda self: self.built)
    @rule(pick=PICK, how=st.sampled_from(["delete", "alter", "exchange"]))
    def meddle(self, pick: int, how: str) -> None:
        names = sorted(self.built)
        name = names[pick % len(names)]
        artifact = self.project / "dist" / name / "bootstrap"
        if how == "delete":
            artifact.unlink(missing_ok=True)
        elif artifact.exists():
            found = artifact.stat()
            old = artifact.read_bytes()
            new = bytes(byte ^ 1 for byte in old[-16:])
            if how == "alter":
                artifact.write_bytes(old[:-16] + new)
            else:
                artifact.write_bytes((self.project / "dist" / names[0] / "bootstrap").read_bytes())
            os.utime(artifact, ns=(found.st_atime_ns, found.st_mtime_ns))
        self.meddled.add(name)

    @precondition(lambda self: self.built)
    @rule(pick=PICK, how=st.sampled_from(["touch", "mode", "copy"]))
    def meddle_harmlessly(self, pick: int, how: str) -> None:
        names = sorted(self.built)
        artifact = self.project / "dist" / names[pick % len(names)] / "bootstrap"
        if not artifact.exists():
            return
        if how == "touch":
            os.utime(artifact, (1, 1))
        elif how == "mode":
            artifact.chmod(0o600)
        else:
            content = artifact.read_bytes()
            artifact.unlink()
            artifact.write_bytes(content)

    @invariant()
    def all_is_right(self) -> None:
        if not self.repo.packages:
            return
        self.took()
        if self.held:
            self.held -= 1
            return
        self.check()

    def check(self) -> None:
        environment = {"GOFLAGS": self.repo.goflags, **self.harmless}
        self.close_directories()
        try:
            result = self.project.run("all", "--json", env=environment)
        finally:
            self.open_directories()
        failing = {name for name in self.repo.functions if self.repo.fails(name)}
        said = f"{result.out}\n{result.err}"
        assert result.code == (1 if failing else 0), said
        assert result.functions.keys() == self.repo.functions.keys(), said
        digests = {name: self.repo.digest(name) for name in self.repo.functions}
        clean = self.clean(digests, failing, environment)
        self.check_cache(result, {name: digests[name] for name in clean})
        # What went away has no artifact any more; what fails keeps the one that it had.
        self.built = {n: d for n, d in self.built.items() if n in digests}
        self.left |= self.meddled - self.built.keys()
        self.meddled &= self.built.keys()
        for name, digest in digests.items():
            status = result.functions[name]["status"]
            if name in failing:
                assert status == "failed", said
                continue
            if name not in self.meddled:
                same = self.built.get(name) == digest
                assert (status == "up-to-date") is same, f"{name}: {said}"
            assert result.functions[name]["sha256"] == clean[name], f"{name}: {said}"
            self.built[name] = digest
            self.meddled.discard(name)
        self.check_disk({n: clean_digests[d] for n, d in self.built.items()}, said)

    def check_cache(self, result: Result, digests: dict[str, str]) -> None:
        """See that just what was built before came from the cache, whether it is new here or not."""
        done = {
            (name, digest)
            for name, digest in digests.items()
            if result.functions[name]["status"] != "up-to-date"
        }
        said = re.search(r"^restored (\d+) of", result.err, re.MULTILINE)
        assert int(said[1] if said else 0) == len(done & self.kept), result.err
        for name, _ in done - self.kept:
            assert result.functions[name]["status"] != "restored", result.err
        if self.cached:
            self.kept |= done

    def check_disk(self, expected: dict[str, str], said: str) -> None:
        """Compare all that is in place; what was meddled with and failed since may be anything."""
        found: dict[str, str] = {}
        for name in self.project.files():
            if name != "manifest.json":
                content = (self.project / "dist" / name).read_bytes()
                found[os.path.dirname(name)] = hashlib.sha256(content).hexdigest()
        for name in self.left - expected.keys():
            found.pop(name, None)
        for name in self.meddled:
            expected.pop(name, None)
            found.pop(name, None)
        assert found == expected, said
        file = self.project / "dist/manifest.json"
        if not self.built and not file.exists():
            # Nothing has been built, and everything fails: there is no `dist`.
            assert not (self.project / ".lambdabuild/staging").exists()
            return
        manifest: Any = json.loads(file.read_text())
        listed = {f["name"]: f["sha256"] for f in manifest["functions"]}
        assert {n: s for n, s in listed.items() if n not in self.meddled} == expected, said
        assert not (self.project / ".lambdabuild/staging").exists()

    def clean(
        self, digests: dict[str, str], failing: set[str], environment: dict[str, str]
    ) -> dict[str, str]:
        """Return the SHA-256 of each function as a build from nothing makes it."""
        wanted = {name: digest for name, digest in digests.items() if name not in failing}
        unknown = [name for name, digest in wanted.items() if digest not in clean_digests]
        if unknown:
            directory = self.folder / "clean" / "project"
            write_all(directory, self.repo.texts())
            environment = environment | {"LAMBDABUILD_CACHE_MODE": "off"}
            project = replace(self.project, path=directory)
            result = project.run("build", *unknown, "--json", "--out", "other", env=environment)
            shutil.rmtree(directory)
            for name in unknown:
                clean_digests[digests[name]] = result.functions[name]["sha256"]
        return {name: clean_digests[digest] for name, digest in wanted.items()}


def take_steps(machine: Callable[[], Walk], steps: int) -> None:
    """Let walks of at most `PER_EXAMPLE` steps take so many; one that fails can be replayed."""
    shrink = STEPS in os.environ  # it takes long
    run: Any = run_state_machine_as_test
    run(
        machine,
        settings=settings(
            max_examples=max(1, math.ceil(steps / PER_EXAMPLE)),
            stateful_step_count=min(steps, PER_EXAMPLE),
            derandomize=False,
            deadline=None,
            database=None,
            phases=[Phase.generate, *([Phase.shrink] if shrink else [])],
            suppress_health_check=list(HealthCheck),
            print_blob=True,
        ),
    )
