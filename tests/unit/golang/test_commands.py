import re
import shlex
from collections.abc import Mapping

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from lambdabuild.core.target import CCompiler, Flags, Target
from lambdabuild.golang.commands import (
    ENVIRONMENT_KEYS,
    BuildContext,
    Staging,
    build_command,
    build_flags,
    env_command,
    join_quoted,
    list_command,
    list_tags,
    parse_goflags,
    split_quoted,
    strips_dwarf,
    target_environment,
    uses_cgo,
)
from lambdabuild.system.process import Command, shell_line
from tests.unit.values import ARM64, DARWIN, X86_64, directories, texts

LINUX_X86_64 = {"GOOS": "linux", "GOARCH": "amd64", "CGO_ENABLED": "0", "GOAMD64": "v1"}
LINUX_ARM64 = {"GOOS": "linux", "GOARCH": "arm64", "CGO_ENABLED": "0", "GOARM64": "v8.0"}
DARWIN_ARM64 = LINUX_ARM64 | {"GOOS": "darwin"}
LAMBDA = Flags(tags=("lambda.norpc",), ldflags="-s -w")


def go_splits(text: str) -> list[str]:
    """Split as Go's cmd/internal/quoted does; it speaks of bytes that are spaces, and of no more.

    Raises:
        ValueError: a quote is left open.

    """
    fields = []
    while text := text.lstrip(" \t\n\r"):
        if text[0] in "'\"":
            field, closed, text = text[1:].partition(text[0])
            if not closed:
                raise ValueError("unterminated string")
            fields.append(field)
        else:
            field = re.split("[ \t\n\r]", text, maxsplit=1)[0]
            fields.append(field)
            text = text.removeprefix(field)
    return fields


# Among them two that Python takes for white space and Go does not.
quoted_texts = st.text("ab-=/'\" \t\n\r\x0b\xa0", max_size=20)
words = texts.filter(lambda word: not {"'", '"'} <= set(word))


@given(quoted_texts)
def test_goflags_are_split_as_go_splits_them(text: str) -> None:
    try:
        expected = go_splits(text)
    except ValueError:
        assume(False)
    assert split_quoted(text) == expected


@given(st.lists(words))
def test_words_joined_and_split_again_are_the_same(words: list[str]) -> None:
    assert split_quoted(join_quoted(words)) == words
    assert go_splits(join_quoted(words)) == words


@given(quoted_texts)
def test_a_word_is_joined_unless_it_holds_both_kinds_of_quotes(word: str) -> None:
    if {"'", '"'} <= set(word) and word:
        with pytest.raises(ValueError, match="holds both kinds of quotes"):
            join_quoted([word])
    else:
        assert go_splits(join_quoted([word])) == [word]


flag_names = st.from_regex(r"[a-z]{1,8}", fullmatch=True)


@given(st.dictionaries(flag_names, words), st.sampled_from(["-", "--"]))
def test_goflags_are_read_back_by_name(flags: dict[str, str], dash: str) -> None:
    text = join_quoted(f"{dash}{name}={value}" for name, value in flags.items())
    assert parse_goflags(text) == flags


def test_of_goflags_the_last_wins_and_one_without_a_value_is_true() -> None:
    text = "-trimpath -mod=vendor --mod=mod '-ldflags=-X main.version=1 -s' -tags="
    assert parse_goflags(text) == {
        "trimpath": "true",
        "mod": "mod",
        "ldflags": "-X main.version=1 -s",
        "tags": "",
    }


@pytest.mark.parametrize("text", ["-s -w", "-w", "-s", "--s", "-s=true", "-X 'a.b=c d' -w=1"])
def test_dwarf_is_stripped_by_s_and_by_w(text: str) -> None:
    assert strips_dwarf(text)


@pytest.mark.parametrize(
    "text", ["", "-X main.w=1", "-s -w=0", "-s -w=false", "-s=false", "-w=0", "s w"]
)
def test_dwarf_is_kept_unless_a_flag_of_the_linker_says_otherwise(text: str) -> None:
    assert not strips_dwarf(text)


@pytest.mark.parametrize(
    ("flags", "goflags", "expected"),
    [
        (Flags(), "", ["-trimpath", "-buildvcs=false"]),
        (
            LAMBDA,
            "",
            [
                *("-trimpath", "-buildvcs=false", "-tags=lambda.norpc"),
                *("-ldflags=-s -w", "-gcflags=all=-dwarf=false"),
            ],
        ),
        (LAMBDA, "-mod=vendor -trimpath=false -buildvcs=true -gcflags=all=-N",
         ["-tags=lambda.norpc", "-ldflags=-s -w", "-gcflags=all=-N"]),
        (
            Flags(tags=("lambda.norpc", "prod")),
            "-tags=netgo,prod",
            ["-trimpath", "-buildvcs=false", "-tags=netgo,prod,lambda.norpc"],
        ),
        (
            Flags(tags=("a",)),
            "'-tags=b c'",
            ["-trimpath", "-buildvcs=false", "-tags=b,c,a"],
        ),
        (
            Flags(ldflags="-s -w"),
            "'-ldflags=-X main.version=1' -gcflags=-N",
            [
                *("-trimpath", "-buildvcs=false"),
                *("-ldflags=-X main.version=1 -s -w", "-gcflags=-N"),
            ],
        ),
        (
            Flags(ldflags="-w", gcflags="-l"),
            "-gcflags=all=-N",
            [
                *("-trimpath", "-buildvcs=false", "-ldflags=-w"),
                *("-gcflags=all=-N", "-gcflags=-N -l"),
            ],
        ),
        (
            Flags(ldflags="-s", gcflags=""),
            "",
            ["-trimpath", "-buildvcs=false", "-ldflags=-s"],
        ),
        (
            Flags(ldflags="-X main.a=1"),
            "",
            ["-trimpath", "-buildvcs=false", "-ldflags=-X main.a=1"],
        ),
    ],
)  # fmt: skip
def test_the_flags_of_both_sides_decide_the_bytes(
    flags: Flags, goflags: str, expected: list[str]
) -> None:
    assert build_flags(flags, goflags) == expected


# By import path: is it named on the command line, and which patterns match it?
PACKAGES = {
    "example.com/a/get": (True, {"all", "example.com/a/..."}),
    "example.com/b/get": (True, {"all"}),
    "example.com/a": (False, {"all", "example.com/a/...", "example.com/a"}),
    "fmt": (False, {"all", "std"}),
}
patterns = st.sampled_from(["", "all=", "std=", "example.com/a=", "example.com/a/...="])
values = st.lists(st.sampled_from(["-N", "-l", "-S=2", "-X 'a.b=c d'"]), min_size=1).map(" ".join)
spaces = st.sampled_from(["", "", " ", "\n\t"])


def go_takes(values: list[str], package: str) -> list[str]:
    """Return the flags that Go gives a package: those of the last value whose pattern matches.

    https://go.dev/src/cmd/go/internal/load/flag.go
    """
    named, matching = PACKAGES[package]
    taken: list[str] = []
    for value in map(str.strip, values):
        pattern, equals, flags = value.partition("=")
        if not value or value.startswith("-"):
            matches, flags = named, value
        else:
            assert equals, f"Go refuses {value!r}: missing =<value> in <pattern>=<value>"
            matches = pattern.strip() in matching
        if matches:
            taken = go_splits(flags)
    return taken


def merged(ours: str, theirs: str) -> list[str]:
    arguments = build_flags(Flags(gcflags=ours), join_quoted([f"-gcflags={theirs}"]))
    return [a.removeprefix("-gcflags=") for a in arguments if a.startswith("-gcflags=")]


@given(st.tuples(patterns, values), st.tuples(patterns, values))
def test_every_package_gets_the_flags_of_both_sides_that_match_it(
    theirs: tuple[str, str], ours: tuple[str, str]
) -> None:
    # Where neither side names packages, or both name the same, Go can be told just that; else a
    # package that one side matches may get the other's flags as well, but none too few.
    told = {theirs[0], ours[0]}
    exactly = len(told) == 1 or told == {"", "all="}
    both = merged("".join(ours), "".join(theirs).replace("'", '"'))
    for package in PACKAGES:
        wanted = [
            *go_takes(["".join(theirs).replace("'", '"')], package),
            *go_takes(["".join(ours)], package),
        ]
        taken = go_takes(both, package)
        if exactly:
            assert taken == wanted
        else:
            remaining = iter(taken)
            assert all(flag in remaining for flag in wanted)


@given(spaces, values, spaces)
def test_white_space_around_flags_is_no_pattern(before: str, ours: str, after: str) -> None:
    both = merged(f"{before}{ours}{after}", "-m")
    assert go_takes(both, "example.com/a/get") == ["-m", *go_splits(ours)]


def test_go_list_sees_the_tags_that_go_build_sees() -> None:
    assert list_tags(LAMBDA, "-tags=netgo -mod=mod") == ["-tags=netgo,lambda.norpc"]
    assert list_tags(Flags(), "-mod=mod") == []


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        (X86_64, LINUX_X86_64),
        (ARM64, LINUX_ARM64),
        (DARWIN, DARWIN_ARM64),
        (
            Target("linux", "riscv64"),
            {"GOOS": "linux", "GOARCH": "riscv64", "CGO_ENABLED": "0", "GORISCV64": None},
        ),
        (Target("plan9", "vax"), {"GOOS": "plan9", "GOARCH": "vax", "CGO_ENABLED": "0"}),
    ],
)
def test_nothing_exported_decides_what_go_sees(
    target: Target, expected: Mapping[str, str | None]
) -> None:
    assert target_environment(target, Flags()) == expected


def test_variables_of_the_configuration_beat_the_usual_ones() -> None:
    flags = Flags(environment=(("CGO_ENABLED", "1"), ("GOAMD64", "v3"), ("GOEXPERIMENT", "x")))
    assert target_environment(X86_64, flags) == {
        "GOOS": "linux",
        "GOARCH": "amd64",
        "CGO_ENABLED": "1",
        "GOAMD64": "v3",
        "GOEXPERIMENT": "x",
    }


def test_with_cgo_on_go_is_told_what_compiles_c_unless_the_configuration_says_it() -> None:
    zig = CCompiler("zig 0.17.0", (("CC", "zig cc"), ("CXX", "zig c++"), ("CPATH", None)), "/zig")
    flags = Flags(cgo=True, compiler=zig, environment=(("CXX", "clang++"),))
    with_c = LINUX_ARM64 | {"CGO_ENABLED": "1", "CC": "zig cc", "CXX": "clang++", "CPATH": None}
    assert target_environment(ARM64, flags) == with_c
    # What lists packages compiles nothing.
    assert target_environment(ARM64, Flags(cgo=True)) == LINUX_ARM64 | {"CGO_ENABLED": "1"}


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        (Flags(), False),
        (Flags(cgo=True), True),
        (Flags(cgo=True, environment=(("CGO_ENABLED", "0"),)), False),
        (Flags(environment=(("CGO_ENABLED", "1"),)), True),
    ],
)
def test_cgo_is_on_where_it_is_chosen_or_set(flags: Flags, *, expected: bool) -> None:
    assert uses_cgo(ARM64, flags) is expected


def test_go_env_is_asked_where_go_will_run() -> None:
    assert env_command("/go/bin/go", "/shop") == Command(
        ("/go/bin/go", "env", "-json", *ENVIRONMENT_KEYS), "/shop", {"PWD": "/shop"}
    )


FIELDS = (
    "ImportPath,Name,Dir,Standard,DepOnly,GoFiles,CgoFiles,CFiles,CXXFiles,MFiles,HFiles,FFiles,"
    "SFiles,SwigFiles,SwigCXXFiles,SysoFiles,CgoCFLAGS,CgoCPPFLAGS,CgoCXXFLAGS,CgoLDFLAGS,CgoPkgConfig,EmbedFiles,EmbedPatterns,IgnoredGoFiles,"
    "DefaultGODEBUG,Imports,Module,Error"
)


def test_go_list_is_asked_for_the_target_and_the_tags() -> None:
    environment = LINUX_ARM64 | {"PWD": "/shop"}
    asked = list_command(BuildContext("go", "/shop", ARM64, LAMBDA, "-tags=netgo"), ["./api/..."])
    assert asked == Command(
        (
            *("go", "list", "-e", f"-json={FIELDS}", "-deps"),
            *("-tags=netgo,lambda.norpc", "--", "./api/..."),
        ),
        "/shop",
        environment,
    )
    context = BuildContext("go", "/shop", ARM64, Flags(), "")
    alone = list_command(context, ["./a", "./b"], dependencies=False)
    assert alone == Command(
        ("go", "list", "-e", f"-json={FIELDS}", "--", "./a", "./b"), "/shop", environment
    )


STAGING = Staging(
    directory="/shop/.lambdabuild/staging/run-1/0-linux-amd64",
    temporary="/shop/.lambdabuild/staging/run-1/0-linux-amd64-tmp",
    wrapper="/opt/lambda build/toolexec.sh",
    events="/shop/.lambdabuild/staging/run-1/0-linux-amd64-events",
    graph="/shop/.lambdabuild/staging/run-1/0-linux-amd64-graph.json",
)


def test_all_functions_are_built_by_one_command_that_writes_nothing_by_itself() -> None:
    command = build_command(
        BuildContext("go", "/shop", X86_64, LAMBDA, "'-toolexec=/usr/bin/time -v' -tags=netgo"),
        ["example.com/shop/api/users/get", "example.com/shop/api/carts/get"],
        jobs=2,
        staging=STAGING,
        memory_limit=2_000_000_000,
    )
    assert command == Command(
        (
            *("go", "build", "-p=2", "-trimpath", "-buildvcs=false", "-tags=netgo,lambda.norpc"),
            *("-ldflags=-s -w", "-gcflags=all=-dwarf=false"),
            "-toolexec=/bin/sh '/opt/lambda build/toolexec.sh' 2 /usr/bin/time -v",
            "-o=/dev/null",
            f"-debug-actiongraph={STAGING.graph}",
            *("--", "example.com/shop/api/users/get", "example.com/shop/api/carts/get"),
        ),
        "/shop",
        LINUX_X86_64
        | {
            "PWD": "/shop",
            "GOTMPDIR": STAGING.temporary,
            "GOBIN": f"{STAGING.directory}/none",
            "LAMBDABUILD_STAGE": STAGING.directory,
            "LAMBDABUILD_EVENTS": STAGING.events,
            "GOGC": "off",
            "GOMEMLIMIT": "2000000000",
        },
    )


def test_a_build_that_nobody_watches_reports_to_nobody() -> None:
    command = build_command(
        BuildContext("go", "/shop", DARWIN, Flags(), ""),
        ["example.com/shop/api"],
        jobs=1,
        staging=Staging("/s", "/s-tmp", "/toolexec.sh"),
    )
    assert command == Command(
        (
            *("go", "build", "-p=1", "-trimpath", "-buildvcs=false"),
            *("-toolexec=/bin/sh /toolexec.sh 0", "-o=/dev/null", "--", "example.com/shop/api"),
        ),
        "/shop",
        DARWIN_ARM64
        | {
            "PWD": "/shop",
            "GOTMPDIR": "/s-tmp",
            "GOBIN": "/s/none",
            "LAMBDABUILD_STAGE": "/s",
            "LAMBDABUILD_EVENTS": "/dev/null",
        },
    )


def test_the_compiler_of_c_is_found_by_a_path_of_its_own() -> None:
    zig = CCompiler("zig 0.17.0", (("CC", "zig cc"),), "/opt/zig:/usr/bin")
    command = build_command(
        BuildContext("go", "/shop", X86_64, Flags(cgo=True, compiler=zig), ""),
        ["example.com/shop/api"],
        jobs=1,
        staging=STAGING,
    )
    assert (command.environment["PATH"], command.environment["CC"]) == (
        "/opt/zig:/usr/bin",
        "zig cc",
    )


def test_executables_are_staged_under_their_import_paths() -> None:
    assert (STAGING.executable("example.com/a/get"), STAGING.current("example.com/a/get")) == (
        f"{STAGING.directory}/example.com/a/get:exe",
        f"{STAGING.directory}/example.com/a/get:id",
    )


def test_a_command_is_shown_as_a_line_for_the_shell() -> None:
    environment = {"PWD": "/my shop", "GOFLAGS": None, "GOOS": "linux", "A": "b c"}
    line = shell_line(Command(("go", "build", "-ldflags=-s -w"), "/my shop", environment))
    assert line == "cd '/my shop' && env -u GOFLAGS 'A=b c' GOOS=linux go build '-ldflags=-s -w'"


variables = st.from_regex(r"[A-Z_]{1,6}", fullmatch=True).filter(lambda name: name != "PWD")


@given(
    st.lists(texts, min_size=1),
    directories,
    st.dictionaries(variables, st.none() | texts, max_size=4),
)
def test_the_shell_reads_the_same_command(
    arguments: list[str], directory: str, environment: dict[str, str | None]
) -> None:
    line = shell_line(Command(tuple(arguments), directory, environment))
    unset = [word for name in sorted(environment) if environment[name] is None
             for word in ("-u", name)]  # fmt: skip
    values = [f"{name}={environment[name]}" for name in sorted(environment)
              if environment[name] is not None]  # fmt: skip
    assert shlex.split(line) == ["cd", directory, "&&", "env", *unset, *values, *arguments]
