import itertools

from hypothesis import given
from hypothesis import strategies as st

from lambdabuild.packaging.buildinfo import BuildInfo, BuiltModule, parse_build_info
from tests.unit.values import texts

GET = "example.com/shop/api/users/get"


def test_what_go_writes_into_executables_is_read_of_several_at_once() -> None:
    # Go 1.26 and Go 1.22, as they print it.
    text = """\
dist/users-get/bootstrap: go1.26.8
\tpath\texample.com/shop/api/users/get
\tmod\texample.com/shop\t(devel)\t
\tdep\texample.com/shop/reports\t(devel)\t
\tdep\tgithub.com/aws/aws-lambda-go\tv1.54.0\th1:EGYpdyRGF88xszqlGcBewz811mJeRS+maNlLZXFheII=
\tbuild\t-buildmode=exe
\tbuild\t-gcflags=all=-dwarf=false
\tbuild\tCGO_CFLAGS=
\tbuild\tGOARCH=amd64
out: go1.22/a b: go1.22.10 X:loopvar
\tpath\tcommand-line-arguments
\tbuild\t-ldflags="-X \\"main.x=a b\\" -s"
replaced: devel go1.28-3f4a2c1 Thu Nov 20 10:00:00 2025
\tpath\texample.com/app/api/get
\tmod\texample.com/app\t(devel)
\t=>\t../app copy\t(devel)\t
\t
\tdep\texample.com/lib\tv1.0.0
\t=>\texample.com/fork\tv1.1.0\th1:4DBwDE0NGyQoBHbLQYPwSUPoCMWR5BEzIk/f1lZbAQM=
\t
\tdep\texample.com/local\tv0.0.0
\t=>\t../lib\t(devel)\t
\t
\tdep\texample.com/last\tv1.0.0\t
old: go1.12
"""
    lambda_go = "h1:EGYpdyRGF88xszqlGcBewz811mJeRS+maNlLZXFheII="
    fork = "h1:4DBwDE0NGyQoBHbLQYPwSUPoCMWR5BEzIk/f1lZbAQM="
    devel = ""
    assert parse_build_info(text) == {
        "dist/users-get/bootstrap": BuildInfo(
            go="go1.26.8",
            path=GET,
            main=BuiltModule("example.com/shop", devel),
            modules=(
                BuiltModule("example.com/shop/reports", devel),
                BuiltModule("github.com/aws/aws-lambda-go", "v1.54.0", lambda_go),
            ),
            settings={
                "-buildmode": "exe",
                "-gcflags": "all=-dwarf=false",
                "CGO_CFLAGS": "",
                "GOARCH": "amd64",
            },
        ),
        "out: go1.22/a b": BuildInfo(
            go="go1.22.10 X:loopvar",
            path="command-line-arguments",
            settings={"-ldflags": '-X "main.x=a b" -s'},
        ),
        "replaced": BuildInfo(
            go="devel go1.28-3f4a2c1 Thu Nov 20 10:00:00 2025",
            path="example.com/app/api/get",
            main=BuiltModule(
                "example.com/app", devel, replacement=BuiltModule("../app copy", devel)
            ),
            modules=(
                BuiltModule(
                    *("example.com/lib", "v1.0.0", ""),
                    BuiltModule("example.com/fork", "v1.1.0", fork),
                ),
                BuiltModule("example.com/local", "v0.0.0", "", BuiltModule("../lib", devel)),
                BuiltModule("example.com/last", "v1.0.0"),
            ),
        ),
        "old": BuildInfo("go1.12"),
    }


def go_quoted(text: str, special: str) -> str:
    """Print a setting's key or value as Go's runtime/debug.BuildInfo.String does."""
    if not any(character in special for character in text):
        return text
    return '"' + "".join(map(go_escaped, text)) + '"'


def go_escaped(character: str) -> str:
    """Escape as Go's strconv.Quote does; more than it has to, but never less."""
    short = {"\a": "a", "\b": "b", "\f": "f", "\n": "n", "\r": "r", "\t": "t", "\v": "v"}
    code = ord(character)
    if character in '"\\':
        return f"\\{character}"
    if character in short:
        return f"\\{short[character]}"
    if code < 0x20 or code == 0x7F:
        return f"\\x{code:02x}"
    if code > 0xFFFF:
        return f"\\U{code:08x}"
    return character if code < 0x7F or character.isalpha() else f"\\u{code:04x}"


printed = st.text(st.characters(codec="utf-8", exclude_characters="\n\t"), max_size=20)
some = printed.filter(bool)
# Go's word for a module without a version, which is read as none.
version = some.filter(lambda text: text != "(devel)")
module_lines = st.builds(BuiltModule, some, version, printed, st.none())
replaced_lines = st.builds(BuiltModule, some, version, st.just(""), module_lines)
anything = st.text(st.characters(codec="utf-8"), max_size=20)
build_infos = st.builds(
    BuildInfo,
    printed.filter(lambda version: ": " not in version),
    some,
    st.none() | module_lines | replaced_lines,
    st.lists(module_lines | replaced_lines, max_size=3).map(tuple),
    st.dictionaries(anything.filter(bool), anything, max_size=3),
)


def printed_module(word: str, module: BuiltModule) -> str:
    if module.replacement is None:
        return f"\t{word}\t{module.path}\t{module.version}\t{module.sum}\n"
    replacement = printed_module("=>", module.replacement)
    return f"\t{word}\t{module.path}\t{module.version}\n{replacement}\t\n"


def printed_build_info(file: str, info: BuildInfo) -> str:
    """Print as `go version -m` does."""
    modules = [("mod", info.main)] if info.main else []
    modules += [("dep", module) for module in info.modules]
    settings = [
        f"\tbuild\t{go_quoted(key, f'= {SPECIAL}')}={go_quoted(value, f' {SPECIAL}')}\n"
        for key, value in info.settings.items()
    ]
    lines = [printed_module(word, module) for word, module in modules]
    return f"{file}: {info.go}\n\tpath\t{info.path}\n{''.join([*lines, *settings])}"


SPECIAL = '\t\r\n"`'
"""What Go quotes a setting for, besides spaces and, in its key, `=`."""


@given(st.dictionaries(some.map("/{}".format), build_infos, max_size=3))
def test_what_go_prints_of_executables_is_read_back(infos: dict[str, BuildInfo]) -> None:
    text = "".join(itertools.starmap(printed_build_info, infos.items()))
    assert parse_build_info(text) == infos


build_info_fragments = st.sampled_from(
    ["\n", "\t", ": ", "go1.26", "path", "mod", "dep", "=>", "build", "=", '"', "\\", "\\x4", "a"]
)


@given(st.lists(build_info_fragments | texts, max_size=30).map("".join))
def test_anything_that_go_version_prints_is_read_somehow(text: str) -> None:
    assert all(isinstance(info, BuildInfo) for info in parse_build_info(text).values())
