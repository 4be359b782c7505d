"""Flags of Go's tools: none names an output, and of an untrusted file none reaches outside."""

import pytest

from lambdabuild.config.file import parse_config
from lambdabuild.core.errors import LambdabuildError
from lambdabuild.golang.tool_flags import problem_in_goflags, problem_of, reaching

PLAIN = [
    *("", "-s -w", "-s -w -X main.version=1.2.3 -X 'main.at=a b'", "all=-s", "-buildid="),
    *("-X main.flag=-o", "-compressdwarf=false", "-B gobuildid", "example.com/...=-w"),
]
WRITING = [
    *(
        "-o ELSEWHERE",
        "-o=x",
        "--o=x",
        "-s -w -o x",
        "all=-o x",
        "std= -o=x",
        "'-o' x",
        "-s '-o=x'",
    ),
    *("\v-o x", "\u00a0-o x", "\n-o\tx", "-cpuprofile=x", "-memprofile x", "-benchmarkprofile x"),
    *("-tmpdir=x", "-capturehostobjs x", "-fipso x", "-importcfg x", "@flags", "-s @flags"),
    *("-extldflags -ox", "-extldflags '-static -o x'", "-s '-extldflags=-Wl,-Map=x'", "-X -o=x"),
    *(
        "-extldflags=-Wl,-z,now,-o,x",
        "-extldflags=-Wl,-ox",
        "-extldflags=-Wl,--outp=x",
        "-extldflags -MFx",
        "-extldflags '-Xlinker -Map=x'",
        "-extldflags @flags",
        "-s\r-o x",
    ),
]
COMPILING = [
    *("-o x", "all=-o=x", "-asmhdr x", "-linkobj=x", "-json=0,file:///x", "-bench=x", "-p x"),
    *("-cpuprofile=x", "-blockprofile=x", "-mutexprofile x", "-traceprofile=x", "-embedcfg=x"),
    *("-d=ssa/all/dump=f", "all=-d ssa/build/dump:f", "-importcfg=x", "-symabis=x", "-N @flags"),
]


@pytest.mark.parametrize(
    "flags",
    [
        *PLAIN,
        "-linkmode=external -extldflags '-static -Xlinker -z -Wl,-z,now,-soname,o -fuse-ld=lld -lm'",
    ],
)
def test_flags_that_name_no_output_are_taken(flags: str) -> None:
    assert problem_of("ldflags", flags) is None
    assert problem_in_goflags(f'-v -mod=mod "-ldflags={flags}" -trimpath') is None
    assert parse_config(f"ldflags = {flags!r}", "l").choices["ldflags"] == flags


@pytest.mark.parametrize(
    ("kind", "flags"),
    [*(("ldflags", flags) for flags in WRITING), *(("gcflags", flags) for flags in COMPILING)],
)
def test_flags_that_name_an_output_are_refused(kind: str, flags: str) -> None:
    problem = problem_of(kind, flags)
    assert problem is not None
    assert problem_in_goflags(f'"-{kind}={flags}"') is not None
    text = f'out = "x"\n\n[functions.f]\n{kind} = """{flags}"""\n'
    if "\v" not in flags:
        with pytest.raises(LambdabuildError) as caught:
            parse_config(text.replace("\r", "\\r"), "lambdabuild.toml")
        told = caught.value
        assert told.message == f'`functions."f".{kind}` {problem[0]}'
        assert (told.line, told.hint) == (4, problem[1])


@pytest.mark.parametrize("kind", ["ldflags", "gcflags", "asmflags"])
def test_goflags_are_held_to_the_same(kind: str) -> None:
    problem = problem_in_goflags(f"-v '-{kind}=-e -o x'")
    assert problem is not None
    assert problem[0] == f"has -{kind}, which has `-o`, by which Go's tools write somewhere"


def test_an_untrusted_file_may_only_set_what_reaches_nothing() -> None:
    for flags in PLAIN:
        assert reaching("ldflags", flags) is None, flags
    for flags in ("all=-N -l", "-B -m=2 -dwarf=false", "-lang=go1.22 -spectre=all"):
        assert reaching("gcflags", flags) is None, flags
    for flags in (
        *("-extld ./x", "-extld=./x -s", "all=-extar=./x", "-linkmode=external", "-I /x", "-L /x"),
        *("-extldflags=-static", "-r /x", "-libgcc=./x", "-unknown", "-s @x", "--extld=x"),
    ):
        assert reaching("ldflags", flags) is not None, flags
    for flags in ("-I /x", "-pgoprofile=/x", "-trimpath=x", "-D /x", "-goversion=x", "-d=x"):
        assert reaching("gcflags", flags) is not None, flags
