import itertools
import json
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from lambdabuild.core.gopackage import Diagnostic, GoEnvironment, Module, Package
from lambdabuild.golang.output import (
    BuildID,
    BuildOutput,
    parse_build_id,
    parse_build_output,
    parse_environment,
    parse_packages,
    parse_version,
    without_stacks,
)
from tests.unit.values import directories, elements, texts

GET = "example.com/shop/api/users/get"
AUTH = "example.com/shop/internal/auth"

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=10,
)


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("go1.26.8", (1, 26)),
        ("go1.22", (1, 22)),
        ("go1.27rc1", (1, 27)),
        ("go1.26.8 X:rangefunc", (1, 26)),
        ("devel go1.28-3f4a2c1 Thu", (1, 28)),
        ("devel +3f4a2c1", None),
        ("", None),
    ],
)
def test_a_version_of_go_is_read_as_major_and_minor(
    text: str, version: tuple[int, int] | None
) -> None:
    assert parse_version(text) == version


def test_go_env_is_read() -> None:
    text = """{
        "GOVERSION": "go1.26.8", "GOFLAGS": "-mod=mod", "GOWORK": "/shop/go.work",
        "GOCACHE": "/cache", "GOMODCACHE": "/mod", "GOTOOLCHAIN": "auto",
        "GOROOT": "/usr/local/go", "GOTOOLDIR": "/usr/local/go/pkg/tool/linux_amd64"
    }"""
    assert parse_environment(text) == GoEnvironment(
        version="go1.26.8",
        flags="-mod=mod",
        workspace="/shop/go.work",
        cache="/cache",
        module_cache="/mod",
        toolchain="auto",
        root="/usr/local/go",
        tools="/usr/local/go/pkg/tool/linux_amd64",
    )


@pytest.mark.parametrize("text", ["{}", '{"GOWORK": ""}', '{"GOWORK": "off"}'])
def test_where_go_env_names_no_workspace_there_is_none(text: str) -> None:
    assert parse_environment(text) == GoEnvironment("", "", None, "", "", "")


file_names = st.lists(elements.map(lambda name: f"{name}.go"), max_size=3, unique=True)
modules = st.fixed_dictionaries(
    {"Path": directories},
    optional={
        "Dir": directories,
        "Version": st.just("v1.2.3"),
        "Main": st.just(True),
        "GoVersion": st.sampled_from(["1.22", "1.26.1"]),
        "Sum": st.just("h1:3d1hSmy7B3g="),
        "Replace": st.sampled_from(
            [
                {"Path": "../fork", "Dir": "/shop/fork"},
                {"Path": "example.com/fork", "Version": "v1.2.4"},
            ]
        ),
    },
)
REPLACEMENTS = {"../fork": "../fork", "example.com/fork": "example.com/fork v1.2.4"}
OTHERS = [
    *("CFiles", "CXXFiles", "MFiles", "HFiles", "FFiles", "SFiles", "SwigFiles", "SwigCXXFiles"),
    "SysoFiles",
]
packages = st.fixed_dictionaries(
    {"ImportPath": directories},
    optional={
        "Name": elements,
        "Dir": directories.map(lambda path: f"/shop/{path}"),
        "DepOnly": st.just(True),
        "GoFiles": file_names,
        "CgoFiles": file_names,
        "IgnoredGoFiles": file_names,
        **dict.fromkeys(OTHERS, file_names),
        "EmbedFiles": file_names,
        "EmbedPatterns": file_names,
        "DefaultGODEBUG": st.just("panicnil=1"),
        "Imports": st.lists(directories, max_size=3),
        "Module": modules,
    },
)


def as_module(value: dict[str, Any]) -> Module:
    replacement = value.get("Replace")
    return Module(
        path=value["Path"],
        directory=value.get("Dir"),
        version=value.get("Version"),
        main="Main" in value,
        go_version=value.get("GoVersion"),
        go_sum=value.get("Sum"),
        replacement=REPLACEMENTS[replacement["Path"]] if replacement else None,
    )


def as_package(value: dict[str, Any], errors: tuple[Diagnostic, ...] = ()) -> Package:
    return Package(
        import_path=value["ImportPath"],
        name=value.get("Name", ""),
        directory=value.get("Dir", ""),
        go_files=(*value.get("GoFiles", []), *value.get("CgoFiles", [])),
        ignored_files=tuple(value.get("IgnoredGoFiles", [])),
        imports=tuple(value.get("Imports", [])),
        module=as_module(value["Module"]) if "Module" in value else None,
        only_dependency="DepOnly" in value,
        errors=errors,
        other_files=tuple(name for kind in OTHERS for name in value.get(kind, [])),
        embed_files=tuple(value.get("EmbedFiles", [])),
        embed_patterns=tuple(value.get("EmbedPatterns", [])),
        godebug=value.get("DefaultGODEBUG", ""),
        cgo=any(value.get(name) for name in ("CgoFiles", "SwigFiles", "SwigCXXFiles")),
    )


@given(
    st.lists(packages, max_size=4),
    st.sampled_from([None, 0, "\t"]),
    st.sampled_from(["", "\n", "\r\n\n", " "]),
)
def test_a_stream_of_packages_is_read_however_it_is_spaced(
    values: list[dict[str, Any]], indent: str | int | None, between: str
) -> None:
    text = between.join(json.dumps(value, indent=indent) for value in values)
    expected = [as_package(value) for value in values]
    assert parse_packages(f"{between}{text}{between}", "/shop") == expected


def test_the_standard_library_is_left_out_with_its_imports() -> None:
    values = [
        {"ImportPath": "unsafe", "Standard": True},
        {"ImportPath": "fmt", "Standard": True, "Imports": ["unsafe"]},
        {"ImportPath": AUTH, "Imports": ["fmt"]},
        {"ImportPath": GET, "Imports": ["fmt", AUTH, "unsafe"]},
    ]
    assert parse_packages("".join(map(json.dumps, values)), "/shop") == [
        as_package({"ImportPath": AUTH}),
        as_package({"ImportPath": GET, "Imports": [AUTH]}),
    ]


def test_a_package_that_the_standard_library_lacks_is_told_of() -> None:
    error = {"ImportStack": [GET, "fmtt"], "Pos": "", "Err": "package fmtt is not in std"}
    values = [
        {"ImportPath": "fmtt", "Standard": True, "Error": error},
        {"ImportPath": GET, "Imports": ["fmtt"]},
    ]
    assert parse_packages("".join(map(json.dumps, values)), "/shop") == [
        as_package({"ImportPath": "fmtt"}, (Diagnostic("fmtt", "package fmtt is not in std"),)),
        as_package({"ImportPath": GET, "Imports": ["fmtt"]}),
    ]


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        pytest.param(
            {
                "ImportStack": [GET],
                "Pos": "api/users/get/main.go:3:8",
                "Err": "no required module provides package q; to add it:\n\tgo get q",
            },
            Diagnostic(
                GET,
                "no required module provides package q; to add it:\n\tgo get q",
                "/shop/api/users/get/main.go",
                3,
                8,
            ),
            id="at its importer",
        ),
        pytest.param(
            {
                "ImportStack": [GET],
                "Pos": "api/users/get/main file.go:2:8",
                "Err": "package q is not in std",
            },
            Diagnostic(GET, "package q is not in std", "/shop/api/users/get/main file.go", 2, 8),
            id="in a file with a space in its name",
        ),
        pytest.param(
            {
                "ImportStack": [GET],
                "Pos": "../my shop/lib/lib.go:2:8",
                "Err": "package q is not in std",
            },
            Diagnostic(GET, "package q is not in std", "/shop/../my shop/lib/lib.go", 2, 8),
            id="in a directory with a space in its name",
        ),
        pytest.param(
            {"ImportStack": [], "Pos": "", "Err": "found packages main (a.go) and b (b.go) in /x"},
            Diagnostic(AUTH, "found packages main (a.go) and b (b.go) in /x"),
            id="nowhere",
        ),
        pytest.param(
            {"Err": "api/users/get/main.go:4:1: expected declaration"},
            Diagnostic(AUTH, "expected declaration", "/shop/api/users/get/main.go", 4, 1),
            id="position in the message",
        ),
        pytest.param(
            {"Err": "main.go:4:1: expected declaration\nmain.go:5:1: expected ';'\n"},
            Diagnostic(
                AUTH, "expected declaration\nmain.go:5:1: expected ';'", "/shop/main.go", 4, 1
            ),
            id="several lines, positions in the message",
        ),
        pytest.param(
            {"ImportStack": ["m/u", "m/v", "m/u"], "Pos": "", "Err": "import cycle not allowed"},
            Diagnostic("m/u", "import cycle not allowed\n\timports m/v\n\timports m/u"),
            id="a cycle, with the way round",
        ),
        pytest.param(
            {"ImportStack": [GET], "Pos": "/elsewhere/x.go:7", "Err": "broken"},
            Diagnostic(GET, "broken", "/elsewhere/x.go", 7),
            id="absolute, without a column",
        ),
    ],
)
def test_why_a_package_cannot_be_loaded_is_told_where_it_is(
    error: dict[str, Any], expected: Diagnostic
) -> None:
    value = {"ImportPath": AUTH, "Error": error}
    assert parse_packages(json.dumps(value), "/shop") == [as_package(value, (expected,))]


def test_a_build_that_says_nothing_is_nothing() -> None:
    assert parse_build_output("", {GET}, "/shop") == BuildOutput({}, ())


def test_what_go_build_says_is_told_apart_by_package() -> None:
    text = f"""\
go: downloading github.com/aws/aws-lambda-go v1.54.0
2026/11/27 23:15:37 error PUT /1f89: dial tcp 127.0.0.1:9: connect: connection refused
time=2026-11-27T23:15:37.123Z level=ERROR msg="remote storage"
# {AUTH}
internal/auth/auth.go:9:2: undefined: token
internal/auth/auth.go:12:5: cannot use x (variable of type int) as string value in return statement
\tinternal/auth/auth.go:4:6: declared here
# {GET} [{GET}.test]
link: running gcc failed: exit status 1
/usr/bin/ld: cannot find -lfoo
go build example.com/shop/api/carts/get: /go/pkg/tool/link: signal: killed
"""
    carts = "example.com/shop/api/carts/get"
    file = "/shop/internal/auth/auth.go"
    assert parse_build_output(text, {AUTH, GET, carts}, "/shop") == BuildOutput(
        {
            AUTH: (
                Diagnostic(AUTH, "undefined: token", file, 9, 2),
                Diagnostic(
                    AUTH,
                    "cannot use x (variable of type int) as string value in return statement\n"
                    "\tinternal/auth/auth.go:4:6: declared here",
                    file,
                    12,
                    5,
                ),
            ),
            GET: (
                Diagnostic(GET, "link: running gcc failed: exit status 1"),
                Diagnostic(GET, "/usr/bin/ld: cannot find -lfoo"),
            ),
            carts: (Diagnostic(carts, "/go/pkg/tool/link: signal: killed"),),
        }
    )


def test_what_follows_no_header_may_begin_with_a_package_or_a_position() -> None:
    text = f"""\
{GET}: no non-test Go files in /shop/api/users/get
api/orders/main.go:3:8: package q is not in std
go: updates to go.mod needed; to update it:
\tgo mod tidy
"""
    assert parse_build_output(text, {GET}, "/shop") == BuildOutput(
        {GET: (Diagnostic(GET, "no non-test Go files in /shop/api/users/get"),)},
        (
            Diagnostic(None, "package q is not in std", "/shop/api/orders/main.go", 3, 8),
            Diagnostic(None, "go: updates to go.mod needed; to update it:\n\tgo mod tidy"),
        ),
    )


def test_of_the_usage_of_a_tool_only_its_first_line_is_kept() -> None:
    text = (
        "# m/api/a\nflag provided but not defined: -zz\nusage: link [options] main.o\n"
        "  -B note\n    \tset ELF NT_GNU_BUILD_ID note\n# m/api/b\nusage: compile [options] file.go...\n"
        "  -%\tdebug non-static initializers\n"
    )
    assert parse_build_output(text, {"m/api/a", "m/api/b"}, "/shop") == BuildOutput(
        {
            "m/api/a": (
                Diagnostic("m/api/a", "flag provided but not defined: -zz"),
                Diagnostic("m/api/a", "usage: link [options] main.o"),
            ),
            "m/api/b": (Diagnostic("m/api/b", "usage: compile [options] file.go..."),),
        }
    )


@pytest.mark.parametrize("stack", ["runtime stack:\nruntime.throw", "goroutine 1 [running]:\nmain"])
def test_of_a_crash_of_go_the_stacks_are_left_out(stack: str) -> None:
    said = "runtime: out of threads\nfatal error: newosproc"
    assert without_stacks(f"{said}\n\n{stack}\n\ngoroutine 2 [idle]:\n") == said
    assert without_stacks(f"{said}\n") == said


def test_a_crash_of_the_compiler_stays_with_the_package_it_crashed_on() -> None:
    # Every function imports `runtime`: said of that, it would be blamed on all of them.
    text = f"# {GET}\nruntime: out of memory: cannot allocate 4194304-byte block\nfatal error: x\n"
    assert parse_build_output(text, {GET, "runtime"}, "/shop") == BuildOutput(
        {
            GET: (
                Diagnostic(GET, "runtime: out of memory: cannot allocate 4194304-byte block"),
                Diagnostic(GET, "fatal error: x"),
            )
        }
    )


# Whatever a message holds, it ends where its line does.
lines = texts.map(lambda text: text.replace("\n", "").replace("\r", ""))
continuations = lines.filter(lambda text: bool(text.strip())).map(lambda text: f"\t{text}")
plain = st.from_regex(r"[a-z][a-z0-9 .,/()']{0,30}", fullmatch=True)


@st.composite
def messages(draw: st.DrawFn, package: str) -> tuple[str, Diagnostic]:
    """Draw one message as Go prints it, and the diagnostic it is."""
    more = "".join(f"\n{line}" for line in draw(st.lists(continuations, max_size=2)))
    if draw(st.booleans()):
        first = draw(plain)
        return f"{first}{more}\n", Diagnostic(package, f"{first}{more}")
    file = f"{draw(directories)}.go"
    line = draw(st.integers(1, 9999))
    column = draw(st.none() | st.integers(1, 200))
    first = draw(lines)
    place = f"{file}:{line}" if column is None else f"{file}:{line}:{column}"
    diagnostic = Diagnostic(package, f"{first}{more}", f"/shop/{file}", line, column)
    return f"{place}: {first}{more}\n", diagnostic


@st.composite
def outputs(draw: st.DrawFn) -> tuple[str, dict[str, tuple[Diagnostic, ...]]]:
    """Draw all that a build prints, and what it says by package."""
    text = ""
    found: dict[str, tuple[Diagnostic, ...]] = {}
    for package in draw(st.lists(directories, max_size=4)):
        printed, said = zip(*draw(st.lists(messages(package), min_size=1, max_size=3)), strict=True)
        text += f"# {package}\n{''.join(printed)}"
        found[package] = (*found.get(package, ()), *said)
    return text, found


@given(outputs())
def test_what_go_prints_of_packages_is_read_back(
    output: tuple[str, dict[str, tuple[Diagnostic, ...]]],
) -> None:
    text, found = output
    # A linker's line may not begin as the name of a package does.
    assume(not any(line.partition(": ")[0] in found for line in text.split("\n")))
    assert parse_build_output(text, found, "/shop") == BuildOutput(found, ())


fragments = st.sampled_from(
    [
        f"# {GET}",
        "# ",
        "#",
        GET,
        "go build ",
        ": ",
        "\n",
        "\t",
        "a.go",
        ":3",
        ":3:4",
        "x",
        "\r",
        "[y]",
    ]
)


@given(st.lists(fragments | texts).map("".join))
def test_nothing_that_a_build_prints_is_lost_or_too_much(text: str) -> None:
    output = parse_build_output(text, {GET}, "/shop")
    said = [*itertools.chain(*output.by_package.values()), *output.other]
    assert all(diagnostic.package == path for path, all_ in output.by_package.items()
               for diagnostic in all_)  # fmt: skip
    assert all(diagnostic.package is None for diagnostic in output.other)
    assert sum(len(d.message) for d in said) <= len(text)


build_ids = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E, exclude_characters='"'),
                    min_size=1, max_size=100)  # fmt: skip
around = st.binary(max_size=200)


@given(build_ids, around, around)
def test_the_build_id_in_a_note_of_elf_is_found(text: str, before: bytes, after: bytes) -> None:
    length = len(text).to_bytes(4, "little")
    note = b"\4\0\0\0" + length + b"\4\0\0\0" + b"Go\0\0" + text.encode()
    assert parse_build_id(before + note + after) == BuildID(text)


@given(build_ids, around, around)
def test_the_build_id_in_the_text_of_mach_o_is_found(
    text: str, before: bytes, after: bytes
) -> None:
    head = before + b'\xff Go build ID: "' + text.encode() + b'"\n \xff' + after
    assert parse_build_id(head) == BuildID(text)


@given(st.binary(max_size=2000))
def test_what_is_no_executable_of_go_has_no_build_id(head: bytes) -> None:
    assert parse_build_id(head) is None


def test_a_build_id_that_is_empty_is_none() -> None:
    assert parse_build_id(b"\4\0\0\0\0\0\0\0\4\0\0\0Go\0\0") is None


@pytest.mark.parametrize(
    ("text", "link", "final"),
    [
        ("link/main/main/content", "link", True),
        ("link/main/main/link", "link", False),
        ("custom", "custom", True),
        ("", "", True),
    ],
)
def test_a_build_id_is_final_once_the_content_has_its_hash(
    text: str, link: str, final: bool
) -> None:
    identifier = BuildID(text)
    assert (identifier.link, identifier.final) == (link, final)
