import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from lambdabuild.core.errors import LambdabuildError
from lambdabuild.core.gopackage import Diagnostic, GoEnvironment, Module, Package
from lambdabuild.golang.commands import BuildContext, env_command, list_command
from lambdabuild.golang.tree import Tree
from lambdabuild.state.stamps import CONTENT, TOOL, WHOLE, Level, look, take
from lambdabuild.state.state import Findings
from lambdabuild.survey.golist import Go, Variant, start_go
from lambdabuild.survey.world import world_of
from lambdabuild.system.process import Command, Completed, Tick
from tests.unit.fakerun import FakeRun
from tests.unit.values import ARM64, X86_64

MAIN = "package main\n\nfunc main() {}\n"
LAMBDA = Variant(X86_64, (), ())
LONG_AFTER = 2**62


def write(path: Path, text: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


@dataclass(slots=True)
class Machine(FakeRun):
    """A project, a toolchain that is only files, and a `go` that says what it is told to say."""

    path: Path
    packages: list[dict[str, Any]] = field(default_factory=list)
    fault: str = ""
    version: str = "go1.26.8"
    goflags: str = ""
    workspace: str = ""
    asked: list[Command] = field(default_factory=list)

    def answer(self, command: Command, tick: Tick | None) -> Completed:
        del tick
        self.asked.append(command)
        if self.fault and command.arguments[1] == "list":
            return Completed(1, "", self.fault)
        said: list[dict[str, Any]] = self.packages
        if command.arguments[1] == "env":
            said = [{
                "GOVERSION": self.version, "GOFLAGS": self.goflags, "GOWORK": self.workspace,
                "GOCACHE": "/cache", "GOMODCACHE": self.modules, "GOTOOLCHAIN": "auto",
                "GOROOT": str(self.path / "go"), "GOTOOLDIR": str(self.path / "go/tool"),
            }]  # fmt: skip
        return Completed(0, "".join(map(json.dumps, said)), "")

    @property
    def project(self) -> str:
        return str(self.path / "shop")

    @property
    def modules(self) -> str:
        return str(self.path / "mod")

    @property
    def go_path(self) -> str:
        return str(self.path / "go/bin/go")

    @property
    def told(self) -> GoEnvironment:
        root = str(self.path / "go")
        return GoEnvironment(
            self.version, self.goflags, self.workspace or None, "/cache", self.modules, "auto",
            root, f"{root}/tool",
        )  # fmt: skip

    def go(self, findings: Findings | None = None, **settings: str) -> Go:
        """Return the `go` of a new run."""
        return Go(self, self.go_path, settings, findings if findings is not None else Findings())

    def listing(self, variant: Variant = LAMBDA, *, dependencies: bool = True) -> Command:
        context = BuildContext(
            self.go_path, self.project, variant.target, variant.flags, self.goflags
        )
        return list_command(context, ["./..."], dependencies=dependencies)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    machine = Machine(tmp_path)
    write(tmp_path / "go/bin/go", "\x7fELF").chmod(0o755)
    write(tmp_path / "shop/go.mod", "module example.com/shop\n")
    write(tmp_path / "shop/api/users/get/main.go", MAIN)
    return machine


def ask_all(go: Go, machine: Machine) -> tuple[Tree, tuple[Package, ...]]:
    """Ask what a run asks."""
    return go.tree(machine.project), go.packages(machine.project, ["./..."], LAMBDA)


def test_everything_is_asked_once_and_known_in_every_later_run(machine: Machine) -> None:
    machine.packages = [{"ImportPath": "example.com/shop/lib", "Name": "lib"}]
    findings = Findings()
    go = machine.go(findings)
    first = ask_all(go, machine)
    assert (go.asked, ask_all(go, machine)) == (True, first)
    assert machine.asked == [env_command(machine.go_path, machine.project), machine.listing()]

    later = machine.go(findings)
    assert ask_all(later, machine) == first
    assert later.environment(machine.project) == machine.told
    assert (later.asked, len(machine.asked)) == (False, 2)


def test_what_was_not_found_out_yet_is_asked(machine: Machine) -> None:
    findings = Findings()
    ask_all(machine.go(findings), machine)
    questions: list[Callable[[Go], object]] = [
        lambda go: go.tree(f"{machine.project}/api"),
        lambda go: go.environment(f"{machine.project}/api"),
        lambda go: go.packages(machine.project, ["./api/..."], LAMBDA),
        lambda go: go.packages(machine.project, ["./..."], LAMBDA._replace(target=ARM64)),
        lambda go: go.packages(machine.project, ["./..."], LAMBDA._replace(tags=("prod",))),
        lambda go: go.packages(
            machine.project, ["./..."], LAMBDA._replace(environment=(("CGO_ENABLED", "1"),))
        ),
        lambda go: go.packages(machine.project, ["./..."], LAMBDA, dependencies=False),
        lambda go: go.packages(f"{machine.project}/api", ["./..."], LAMBDA),
    ]
    for question in questions:
        go = machine.go(findings)
        question(go)
        assert go.asked
        again = machine.go(findings)
        question(again)
        assert not again.asked


def test_an_answer_of_another_go_or_of_other_settings_is_none(machine: Machine) -> None:
    findings = Findings()
    ask_all(machine.go(findings), machine)
    tagged = machine.go(findings, GOFLAGS="-tags=prod")
    ask_all(tagged, machine)
    assert (tagged.asked, len(machine.asked)) == (True, 4)
    newer = Go(machine, f"{machine.path}/go2/bin/go", {}, findings)
    newer.environment(machine.project)
    assert (newer.asked, len(machine.asked)) == (True, 5)


def test_settings_that_go_list_does_not_see_cost_no_go_list(machine: Machine) -> None:
    findings = Findings()
    ask_all(machine.go(findings), machine)
    machine.asked.clear()
    ask_all(machine.go(findings, GOPROXY="off"), machine)
    assert machine.asked == [env_command(machine.go_path, machine.project)]


@pytest.mark.parametrize("kind", ["a script", "another name"])
def test_a_version_manager_is_asked_every_time_which_go_it_chooses(
    machine: Machine, kind: str
) -> None:
    if kind == "a script":
        write(Path(machine.go_path), "#!/bin/sh\nexec asdf exec go")
    else:
        manager = write(machine.path / "mise", "\x7fELF")
        Path(machine.go_path).unlink()
        Path(machine.go_path).symlink_to(manager)
    findings = Findings()
    ask_all(machine.go(findings), machine)
    machine.asked.clear()
    same = machine.go(findings)
    ask_all(same, machine)
    environment = env_command(machine.go_path, machine.project)
    assert [command for command in machine.asked if command != environment] == []
    assert environment in machine.asked
    assert not same.asked

    for name, value in [("version", "go1.27"), ("goflags", "-mod=mod")]:
        machine.asked.clear()
        setattr(machine, name, value)
        other = machine.go(findings)
        ask_all(other, machine)
        assert other.asked
        assert machine.asked[-1] == machine.listing()
    assert findings.environments == dict.fromkeys(findings.environments, machine.told)


def test_a_go_that_says_something_else_than_before_is_something_new(machine: Machine) -> None:
    write(Path(machine.go_path), "#!/bin/sh\nexec asdf exec go")
    findings = Findings()
    machine.go(findings).environment(machine.project)
    same = machine.go(findings)
    same.environment(machine.project)
    machine.workspace = f"{machine.project}/go.work"
    other = machine.go(findings)
    assert (other.environment(machine.project), same.asked, other.asked) == (
        machine.told, False, True,
    )  # fmt: skip


def test_a_link_to_go_is_go_itself(machine: Machine) -> None:
    linked = machine.path / "bin/go"
    linked.parent.mkdir()
    linked.symlink_to(machine.go_path)
    findings = Findings()
    for _ in range(2):
        Go(machine, str(linked), {}, findings).environment(machine.project)
    assert machine.asked == [env_command(str(linked), machine.project)]


def test_what_go_list_does_not_tell_of_a_package_is_added(machine: Machine) -> None:
    here = f"{machine.project}/api/users/get"
    without = str(write(machine.path / "shop/api/gen/gen.go", "package main\n").parent)
    cached = f"{machine.modules}/example.com/sdk@v1.2.0"
    write(Path(cached, "main.go"), MAIN)
    beside = write(Path(f"{machine.modules}-local/main.go"), MAIN).parent
    machine.packages = [
        {"ImportPath": path, "Name": name, "Dir": directory, "GoFiles": [file]}
        for path, name, directory, file in [
            ("shop/get", "main", here, "main.go"),
            ("shop/gen", "main", without, "gen.go"),
            ("shop/lib", "lib", here, "main.go"),
            ("sdk", "main", cached, "main.go"),
            ("local", "main", str(beside), "main.go"),
            ("missing", "main", "", "main.go"),
        ]
    ]
    listed = machine.go().packages(machine.project, ["./..."], LAMBDA)
    assert {p.import_path: (p.local, p.declares_main) for p in listed} == {
        "shop/get": (True, True),
        "shop/gen": (True, False),
        "shop/lib": (True, False),
        "sdk": (False, False),
        "local": (True, True),
        "missing": (False, False),
    }


def test_a_module_that_cannot_be_loaded_is_told_and_asked_again(machine: Machine) -> None:
    machine.fault = "go: errors parsing go.mod:\ngo.mod:3: unknown directive: requir\n"
    findings = Findings()
    for count in (1, 2):
        go = machine.go(findings)
        with pytest.raises(LambdabuildError) as caught:
            go.packages(machine.project, ["./..."], LAMBDA)
        assert str(caught.value) == (
            "Go cannot load the module: go: errors parsing go.mod:\n"
            "go.mod:3: unknown directive: requir\n"
            f"  at: {machine.project}\n"
            "  hint: correct line 3 of go.mod: did you mean `require`?"
        )
        assert machine.asked.count(machine.listing()) == count
    assert findings.packages == {}


def test_a_go_list_that_says_nothing_of_its_failure_is_told_by_its_exit_code(
    machine: Machine,
) -> None:
    machine.fault = " \n"
    with pytest.raises(LambdabuildError) as caught:
        machine.go().packages(machine.project, ["./..."], LAMBDA)
    assert str(caught.value) == (f"Go cannot load the module: exit code 1\n  at: {machine.project}")


def test_a_go_that_is_too_old_is_not_remembered(machine: Machine) -> None:
    machine.version = "go1.21.3"
    findings = Findings()
    for _ in range(2):
        with pytest.raises(LambdabuildError):
            machine.go(findings).environment(machine.project)
    assert findings == Findings()
    assert len(machine.asked) == 2


def test_of_many_answers_only_those_of_this_run_are_kept(machine: Machine) -> None:
    findings = Findings()
    tags = [LAMBDA._replace(tags=(str(number),)) for number in range(25)]
    for variant in tags[:24]:
        machine.go(findings).packages(machine.project, ["./..."], variant)
    few = machine.go(findings)
    few.packages(machine.project, ["./..."], tags[0])
    few.forget_unused()
    assert len(findings.packages) == 24

    many = machine.go(findings)
    for variant in tags[23:]:
        many.packages(machine.project, ["./..."], variant)
    many.forget_unused()
    assert len(findings.packages) == 2
    machine.asked.clear()
    for variant in tags[23:]:
        machine.go(findings).packages(machine.project, ["./..."], variant)
    assert machine.asked == []


def test_findings_with_a_package_that_cannot_be_loaded_are_broken() -> None:
    whole = Package("q", "q", "", (), (), (), None, only_dependency=False, errors=())
    assert not Findings().broken
    assert not Findings(packages={"a": (whole,)}).broken
    fault = whole._replace(errors=(Diagnostic("q", "import cycle not allowed"),))
    assert Findings(packages={"a": (whole,), "b": (whole, fault)}).broken


def test_the_go_of_a_run_has_the_settings_that_were_written(machine: Machine) -> None:
    written = write(machine.path / "env", "GOFLAGS=-mod=mod\nGOPROXY=off\n")
    environment = {
        "PATH": str(machine.path / "go/bin"), "GOENV": str(written), "GOPROXY": "direct",
    }  # fmt: skip
    go = start_go(machine, environment, Findings())
    assert (go.path, dict(go.settings), go.asked) == (
        machine.go_path,
        {"GOFLAGS": "-mod=mod", "GOPROXY": "direct", "GOENV": str(written)},
        False,
    )
    off = start_go(machine, environment | {"GOENV": "off"}, Findings())
    assert dict(off.settings) == {"GOPROXY": "direct", "GOENV": "off"}
    missing = start_go(machine, environment | {"GOENV": "/missing"}, Findings())
    assert dict(missing.settings) == {"GOPROXY": "direct", "GOENV": "/missing"}


def above(directory: str) -> list[str]:
    """Return a directory and all those it is in."""
    return [directory, *map(str, Path(directory).parents)]


def test_the_world_is_the_tree_the_modules_the_packages_and_the_toolchain(
    machine: Machine,
) -> None:
    shop, go = machine.project, str(machine.path / "go")
    lib = write(machine.path / "lib/go.mod").parent
    write(machine.path / "shop/go.mod", "module example.com/shop\nreplace lib => ../lib\n")
    write(machine.path / "shop/api/users/get/static/icons/logo.svg")
    write(machine.path / "mod/sdk@v1/sdk.go")
    machine.packages = [
        {
            "ImportPath": "shop/get", "Name": "main", "Dir": f"{shop}/api/users/get",
            "GoFiles": ["main.go"], "EmbedPatterns": ["static"],
            "EmbedFiles": ["static/icons/logo.svg"], "Imports": ["lib/deep", "sdk"],
            "Module": {"Path": "shop", "Dir": shop, "Main": True},
        },
        {
            "ImportPath": "lib/deep", "Name": "deep", "Dir": f"{lib}/deep",
            "Module": {"Path": "lib", "Dir": str(lib), "Replace": {"Path": "../lib"}},
        },
        {
            "ImportPath": "sdk", "Name": "sdk", "Dir": f"{machine.modules}/sdk@v1",
            "Module": {"Path": "sdk", "Dir": f"{machine.modules}/sdk@v1", "Version": "v1"},
        },
    ]  # fmt: skip
    findings = Findings()
    ask_all(machine.go(findings), machine)
    world = world_of(findings, machine.go_path, shop)
    assert world.directories == {
        shop: Level.TREE,
        f"{shop}/api": Level.TREE,
        f"{shop}/api/users": Level.TREE,
        f"{shop}/api/users/get": Level.TREE,
        f"{shop}/api/users/get/static": Level.EVERYTHING,
        f"{shop}/api/users/get/static/icons": Level.EVERYTHING,
        f"{lib}/deep": Level.PACKAGE,
        # A go.mod there would cut it out of the module.
        str(lib): Level.PACKAGE,
    }
    whole = {
        f"{go}/VERSION": WHOLE,
        f"{go}/go.env": WHOLE,
        **{
            f"{module}/{name}": WHOLE
            for module in (shop, lib)
            for name in ("go.mod", "go.sum", "vendor/modules.txt")
        },
        **{
            os.path.join(directory, "go.work"): WHOLE for directory in above(shop) + above(str(lib))
        },
    }
    tools = dict.fromkeys([machine.go_path, f"{go}/tool/compile", f"{go}/tool/link"], TOOL)
    embedded = {f"{shop}/api/users/get/static/icons/logo.svg": CONTENT}
    assert world.files == whole | tools | embedded


def test_the_modules_of_a_workspace_are_in_the_world(machine: Machine) -> None:
    machine.workspace = str(
        write(
            machine.path / "work/go.work",
            "go 1.22\nuse (\n\t../shop\n\t../lib\n)\nreplace q => ../q\n",
        )
    )
    findings = Findings()
    machine.go(findings).environment(machine.project)
    files = world_of(findings, machine.go_path, machine.project).files
    assert {path for path in files if path.endswith(("go.mod", "go.work", "go.work.sum"))} == {
        machine.workspace,
        f"{machine.workspace}.sum",
        *(f"{machine.path}/{module}/go.mod" for module in ("shop", "lib", "q")),
        *(os.path.join(directory, "go.work") for directory in above(machine.project)),
        *(f"{machine.path}/{module}/go.work" for module in ("lib", "q")),
    }


def test_where_a_package_is_missing_its_place_is_looked_at(machine: Machine) -> None:
    shop = machine.project
    machine.packages = [
        {
            "ImportPath": "example.com/shop/api", "Name": "main", "Dir": f"{shop}/api",
            "Module": {"Path": "example.com/shop", "Dir": shop, "Main": True},
        },
        {
            "ImportPath": "example.com/shop/api/users/missing/deep",
            "Error": {"Err": "no required module provides package"},
        },
    ]  # fmt: skip
    findings = Findings()
    machine.go(findings).packages(shop, ["./..."], LAMBDA)
    world = world_of(findings, machine.go_path, shop)
    assert world.directories == {
        f"{shop}/api/users": Level.TREE,
        f"{shop}/api": Level.PACKAGE,
        shop: Level.PACKAGE,
    }


def test_from_a_root_up_to_its_module_a_go_mod_would_be_seen(machine: Machine) -> None:
    findings = Findings()
    go = machine.go(findings)
    go.tree(f"{machine.project}/api/users")
    go.environment(machine.project)
    world = world_of(findings, machine.go_path, machine.project)
    assert world.directories == {
        f"{machine.project}/api/users/get": Level.TREE,
        f"{machine.project}/api/users": Level.TREE,
        f"{machine.project}/api": Level.PACKAGE,
        machine.project: Level.PACKAGE,
    }


# What changes which packages there are, or who says so; relative to what holds everything.
CHANGES: dict[str, Callable[[Path], object]] = {
    "a new function": lambda p: write(p / "shop/api/orders/get/main.go", MAIN),
    "a file of a function": lambda p: write(p / "shop/api/users/get/b.go", "package main\n"),
    "an import": lambda p: write(
        p / "shop/api/users/get/main.go", MAIN.replace("\n\n", '\n\nimport "os"\n')
    ),
    "go.mod": lambda p: write(p / "shop/go.mod", "module example.com/other\n"),
    "go.sum": lambda p: write(p / "shop/go.sum", "example.com/sdk v1.2.0 h1:x=\n"),
    "vendoring": lambda p: write(p / "shop/vendor/modules.txt", "# q v1\n"),
    "a workspace": lambda p: write(p / "shop/go.work", "use .\n"),
    "a workspace above": lambda p: write(p / "go.work", "use ./shop\n"),
    "a module within": lambda p: write(p / "shop/api/go.mod", "module example.com/api\n"),
    "another Go in its place": lambda p: write(p / "go/bin/go", "\x7fELF2"),
    "another version of Go": lambda p: write(p / "go/VERSION", "go1.27\n"),
    "another compiler": lambda p: write(p / "go/tool/compile", "\x7fELF"),
    "another linker": lambda p: write(p / "go/tool/link", "\x7fELF"),
    "settings of Go itself": lambda p: write(p / "go/go.env", "GOTOOLCHAIN=local\n"),
}


@pytest.mark.parametrize("what", CHANGES)
def test_what_the_answers_rest_on_is_looked_at(machine: Machine, what: str) -> None:
    shop = machine.project
    machine.packages = [
        {
            "ImportPath": "example.com/shop/api/users/get", "Name": "main",
            "Dir": f"{shop}/api/users/get", "GoFiles": ["main.go"],
            "Module": {"Path": "example.com/shop", "Dir": shop, "Main": True},
        }
    ]  # fmt: skip
    findings = Findings()
    go = machine.go(findings)
    # Functions are below `api`; the module is that of the project.
    go.tree(f"{shop}/api")
    go.packages(shop, ["./api/..."], LAMBDA)
    world = world_of(findings, machine.go_path, shop)
    # By a clock of long before, nothing is trusted: all that there is is read again.
    stamps = take(world, {}, 0, ())
    assert look(stamps, 0, ()).holds
    CHANGES[what](machine.path)
    assert not look(stamps, 0, ()).holds


def test_a_world_without_findings_is_the_project(machine: Machine) -> None:
    assert world_of(Findings(), machine.go_path, machine.project).files == {}


def test_a_module_of_a_fixed_version_is_not_looked_at(machine: Machine) -> None:
    sdk = Module("sdk", f"{machine.modules}/sdk@v1", "v1", main=False)
    package = Package(
        "sdk", "sdk", f"{machine.modules}/sdk@v1", ("a.go",), (), (), sdk, only_dependency=True,
        errors=(),
    )  # fmt: skip
    world = world_of(Findings(packages={"": (package,)}), machine.go_path, machine.project)
    assert not [path for path in [*world.directories, *world.files] if "/mod/" in path]
    assert take(world, {}, LONG_AFTER, ()).files == {}
