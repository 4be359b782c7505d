"""`why --size`, and the note that the linker keeps all methods since the last build."""

import re
from pathlib import Path

import jsonschema
import pytest

from lambdabuild.sizes.executable import opened
from lambdabuild.sizes.methods import keeps_all_methods
from tests.e2e.conftest import Copy, Project
from tests.schemas import schema

MODULE = "example.com/empty"
PLAIN = """\
package main

import "example.com/empty/internal/greet"

func main() { println(greet.Hello()) }
"""
HELLO = 'package greet\n\nfunc Hello() string { return "hello" }\n'
BY_NAME = """\
package greet

import "reflect"

type T struct{}

func (T) Name() string { return "hello" }

var name = "Name"

func Hello() string { return reflect.ValueOf(T{}).MethodByName(name).Call(nil)[0].String() }
"""
BY_TEMPLATE = """\
package main

import "example.com/empty/internal/mail"

func main() { println(mail.Text()) }
"""
MAIL = """\
package mail

import (
	"strings"
	"text/template"
)

func Text() string {
	var text strings.Builder
	template.Must(template.New("").Parse("{{.}}")).Execute(&text, "mail")
	return text.String()
}
"""
NOTE = "note: the linker now keeps all exported methods of `plain`, called or not: "
TOLD = re.compile(r"(?m)^note: .*$")


@pytest.fixture
def two(empty: Project) -> Project:
    """A function with nothing special, and one that comes to text/template by a package."""
    empty.write("api/plain/main.go", PLAIN)
    empty.write("internal/greet/greet.go", HELLO)
    empty.write("api/mailing/main.go", BY_TEMPLATE)
    empty.write("internal/mail/mail.go", MAIL)
    return empty


@pytest.mark.oldest_go
def test_sizes_add_up_to_the_executable_and_causes_are_named_with_their_imports(
    two: Project,
) -> None:
    built = two.run("all", "--json").functions
    before = {path: (two / f"dist/{path}").stat() for path in two.files()}

    result = two.run("why", "--size", "--json")

    assert (result.code, result.err.splitlines()[-1]) == (
        0, "linking 2 functions once more, with symbols",
    )  # fmt: skip
    jsonschema.validate(result.json, schema("size"))
    mailing, plain = (result.functions[name] for name in ("mailing", "plain"))
    for item in (mailing, plain):
        parts = [module["size"] for module in item["modules"]] + [p["size"] for p in item["rest"]]
        assert sum(parts) == item["size"] == built[item["name"]]["size"]
        assert {module["module"] for module in item["modules"]} == {MODULE, "std"}
        assert item["up_to_date"]
        assert item["missing"] == []
    assert (plain["keeps_all_methods"], plain["causes"]) == (False, [])
    assert mailing["keeps_all_methods"]
    [cause] = mailing["causes"]
    assert (cause["function"], cause["calls"]) == (
        "text/template.(*state).evalField", "reflect.Value.MethodByName",
    )  # fmt: skip
    assert cause["imports"] == [f"{MODULE}/api/mailing", f"{MODULE}/internal/mail", "text/template"]
    assert "main.main" in cause["chain"]
    assert {path: (two / f"dist/{path}").stat() for path in two.files()} == before
    assert list((two / ".lambdabuild/staging").glob("*")) == []


def test_people_read_what_is_large_and_what_to_do(two: Project) -> None:
    result = two.run("why", "--size", "mailing")

    first, *lines = result.out.splitlines()
    assert re.fullmatch(r"mailing: \d\.\d MB, as it would be built now", first)
    assert lines[0].endswith("  std (the standard library)")
    assert "(function table)" in result.out
    told = lines[lines.index(next(line for line in lines if line.startswith("  methods"))) :]
    assert told == [
        "  methods: the linker kept all exported ones, called or not, as one may be called by its name",
        "    text/template.(*state).evalField calls reflect.Value.MethodByName",
        f"      imports: {MODULE}/api/mailing -> {MODULE}/internal/mail -> text/template",
        told[3],
        "  hint: do without text/template, or have a function of its own for what needs it",
    ]
    assert told[3].startswith(f"      calls: main.main -> {MODULE}/internal/mail.Text -> text/temp")


@pytest.mark.parametrize("go", ["go"], indirect=True)
def test_a_method_that_is_called_by_a_constant_name_is_traced_to_who_does(empty: Project) -> None:
    empty.write(
        "internal/greet/greet.go",
        BY_NAME.replace("func Hello()", "func (T) Run()").replace(
            "var name", "var V any = T{}\nvar name"
        ),
    )
    empty.write(
        "internal/run/run.go",
        "package run\n\n"
        'import "reflect"\n\n'
        'func Run(v any) { reflect.ValueOf(v).MethodByName("Run").Call(nil) }\n',
    )
    empty.write(
        "api/a/main.go",
        "package main\n\n"
        f'import (\n\t"{MODULE}/internal/greet"\n\t"{MODULE}/internal/run"\n)\n\n'
        "func main() { run.Run(greet.V) }\n",
    )

    [cause] = empty.run("why", "--size", "--json").functions["a"]["causes"]

    assert cause["function"] == f"{MODULE}/internal/greet.T.Run"
    assert cause["package"] == f"{MODULE}/internal/run"
    assert cause["imports"] == [f"{MODULE}/api/a", f"{MODULE}/internal/run"]
    assert cause["hint"] == "call methods by an interface, or give MethodByName a constant name"


@pytest.mark.parametrize("go", ["go"], indirect=True)
def test_symbols_and_functions_are_those_that_go_reads(two: Project, tmp_path: Path) -> None:
    two.go_run("build", "-o", str(tmp_path / "exe"), "./api/mailing", env={"GOOS": "linux"})
    told = two.go_run("tool", "nm", "-size", str(tmp_path / "exe")).splitlines()
    expected = {
        (name, int(address, 16), int(size))
        for line in told
        for address, size, _, name in [line.split(maxsplit=3)]
        if int(size)
    }

    with opened(str(tmp_path / "exe")) as executable:
        assert executable is not None
        assert {(s.name, s.address, s.size) for s in executable.symbols()} == expected
        functions = dict(executable.functions())

    code = {line.split(maxsplit=3)[3] for line in told if line.split()[2] in "Tt"}
    assert {"main.main", "text/template.(*state).evalField"} <= functions.keys() & code


@pytest.mark.parametrize("go", ["go"], indirect=True)
def test_what_does_not_build_is_told_beside_what_does(two: Project) -> None:
    two.write("api/wrong/main.go", "package main\n\nfunc main() { undefined() }\n")

    result = two.run("why", "--size", "plain", "wrong", "mailing")

    assert result.code == 1
    heads = [line.partition(":")[0] for line in result.out.splitlines() if line[:1].strip()]
    assert heads == ["plain", "mailing"]
    assert "`wrong` did not build" in result.err


@pytest.mark.parametrize("go", ["go"], indirect=True)
def test_what_changed_selects_what_is_examined(two: Project) -> None:
    two.write("changed", "internal/greet/greet.go\n")
    result = two.run("why", "--size", "--json", "--files-from", "changed")
    assert [function["name"] for function in result.json["functions"]] == ["plain"]
    two.write("changed", "README.md\n")
    nothing = two.run("why", "--size", "--files-from", "changed")
    assert (nothing.code, nothing.out, nothing.err) == (0, "", "no function is affected\n")


@pytest.mark.parametrize("go", ["go"], indirect=True)
def test_size_and_file_are_refused_together(two: Project) -> None:
    result = two.run("why", "--size", "--file", "go.mod")

    assert (result.code, result.out) == (2, "")
    assert result.err.startswith("error: --size and --file cannot be combined\n")


@pytest.mark.parametrize("go", ["go"], indirect=True)
def test_flags_of_a_project_hold_for_what_is_examined(two: Project) -> None:
    """Its own wrapper of tools, its symbols, and tags that decide which files are compiled."""
    two.write("wrapper.sh", '#!/bin/sh\necho "${1##*/}" >>tools\nexec "$@"\n')
    (two / "wrapper.sh").chmod(0o755)
    two.write("internal/greet/more.go", f"//go:build more\n\n{BY_NAME}")
    two.write("internal/greet/greet.go", f"//go:build !more\n\n{HELLO}")
    two.write("lambdabuild.toml", 'tags = ["more"]\nldflags = "-X main.x=1"\n')
    wrapped = {"GOFLAGS": f"-toolexec={two / 'wrapper.sh'}"}

    plain = two.run("why", "--size", "--json", "plain", env=wrapped).functions["plain"]

    assert [cause["function"] for cause in plain["causes"]] == [f"{MODULE}/internal/greet.Hello"]
    assert "link" in Path(next(two.path.rglob("tools"))).read_text().split()


@pytest.mark.oldest_go
def test_that_methods_are_kept_since_the_last_build_is_noted_once(two: Project) -> None:
    first = two.run("all", "--json")
    assert {name: f["keeps_all_methods"] for name, f in first.functions.items()} == {
        "plain": False, "mailing": True,
    }  # fmt: skip
    assert not TOLD.search(first.err)

    two.write("internal/greet/greet.go", BY_NAME)
    second = two.run("build", "plain", "--json", "--strict")
    assert (second.code, second.functions["plain"]["keeps_all_methods"]) == (0, True)
    assert keeps_all_methods(str(two / "dist/plain/bootstrap"))
    [note] = TOLD.findall(second.err)
    assert note.startswith(NOTE)
    assert "  hint: `lambdabuild why --size plain` names the call that does it" in second.err

    two.replace("internal/greet/greet.go", '"Name"', '"Nam"')
    third = two.run("build", "plain", "--json")
    assert (third.statuses["plain"], TOLD.search(third.err)) == ("built", None)
    fourth = two.run("build", "plain", "--json")
    assert fourth.statuses["plain"] == "up-to-date"
    assert fourth.functions["plain"]["keeps_all_methods"]


@pytest.mark.parametrize("go", ["go"], indirect=True)
def test_what_comes_from_a_cache_is_not_noted_again(two: Project, tmp_path: Path) -> None:
    cached = {
        "LAMBDABUILD_CACHE_MODE": "read-write", "LAMBDABUILD_CACHE_DIR": str(tmp_path / "cache"),
    }  # fmt: skip
    two.run("build", "plain", env=cached)
    two.write("internal/greet/greet.go", BY_NAME)
    assert TOLD.search(two.run("build", "plain", env=cached).err)

    two.write("internal/greet/greet.go", HELLO)
    assert two.run("build", "plain", "--json", env=cached).statuses["plain"] == "restored"
    two.write("internal/greet/greet.go", BY_NAME)
    again = two.run("build", "plain", "--json", env=cached)

    assert again.statuses["plain"] == "restored"
    assert again.functions["plain"]["keeps_all_methods"]
    assert not TOLD.search(again.err)


@pytest.mark.extended
@pytest.mark.parametrize("go", ["go"], indirect=True)
def test_a_dependency_keeps_all_methods_by_being_imported(empty: Project) -> None:
    """As google.golang.org/grpc does, and what is built on it, such as dd-trace-go."""
    empty.write(
        "api/traced/main.go",
        "package main\n\n"
        'import (\n\t"github.com/aws/aws-lambda-go/lambda"\n\t_ "golang.org/x/net/trace"\n)\n\n'
        'func main() { lambda.Start(func() (string, error) { return "traced", nil }) }\n',
    )
    fetching = {"GOFLAGS": "-mod=mod", "GONOSUMDB": "*"}
    wanted = ("golang.org/x/net@v0.39.0", "github.com/aws/aws-lambda-go@v1.54.0")
    empty.go_run("get", *wanted, env=fetching)
    empty.go_run("mod", "tidy", env=fetching)

    traced = empty.run("why", "--size", "--json").functions["traced"]
    empty.replace("api/traced/main.go", '\t_ "golang.org/x/net/trace"\n', "")
    plain = empty.run("why", "--size", "--json").functions["traced"]

    [cause] = traced["causes"]
    assert cause["imports"] == [
        f"{MODULE}/api/traced", "golang.org/x/net/trace", "html/template", "text/template",
    ]  # fmt: skip
    assert cause["hint"] == (
        "replace golang.org/x/net/trace, or take a version or a build tag of it without text/template"
    )
    versions = {module["module"]: module["version"] for module in traced["modules"]}
    assert versions["golang.org/x/net"] == "v0.39.0"
    assert (plain["causes"], plain["keeps_all_methods"]) == ([], False)
    assert traced["size"] > 1.2 * plain["size"]


@pytest.mark.extended
@pytest.mark.parametrize("go", ["go"], indirect=True)
def test_where_the_c_linker_leaves_no_symbols_code_is_known_all_the_same(copy: Copy) -> None:
    adder = copy("cgo").run("why", "--size", "adder", "--json").functions["adder"]

    modules = {module["module"]: module["size"] for module in adder["modules"]}
    assert modules.keys() == {"std", "example.com/cgo"}
    assert sum(modules.values()) + sum(part["size"] for part in adder["rest"]) == adder["size"]
    assert (adder["keeps_all_methods"], adder["causes"]) == (False, [])
    assert all(sentence.startswith("data of packages") for sentence in adder["missing"])
