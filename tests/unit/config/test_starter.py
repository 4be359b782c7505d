import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdabuild.config.file import parse_config
from lambdabuild.config.options import TOP, Config, options_in
from lambdabuild.config.starter import Written, choose_roots, starter_config
from lambdabuild.core.target import Runtime
from tests.unit.values import ARM64, X86_64, directories, elements

FILE = "lambdabuild.toml"
roots = st.lists(elements | st.just("."), min_size=1, max_size=4, unique=True)


@given(roots, st.integers(0, 1000))
def test_every_starter_configuration_reads_back_as_the_defaults_for_these_roots(
    chosen: list[str], functions: int
) -> None:
    written = {"roots": Written(chosen)}
    assert parse_config(starter_config(functions, written), FILE) == Config(
        source=FILE,
        roots=tuple(chosen),
        choices={"tags": ("lambda.norpc",), "ldflags": "-s -w"},
    )


def test_what_is_written_has_its_reason_beside_it() -> None:
    written = {
        "entrypoints": Written("lambda"),
        "architecture": Written("arm64", "template.yaml:7\nx = 1"),
        "runtime": Written("provided.al2", "x"),
    }
    tables = ['[functions."a"]\narchitecture = "x86_64"\n']
    text = starter_config(2, written, tables)
    assert 'architecture = "arm64"  # template.yaml:7 x = 1\n' in text.replace("\\n", " ")
    config = parse_config(text, FILE)
    assert (config.entrypoints, config.roots) == ("lambda", ())
    assert config.choices["targets"] == (ARM64,)
    assert config.choices["runtime"] is Runtime.AL2
    assert config.functions["a"]["targets"] == (X86_64,)


@given(roots)
def test_every_key_can_be_commented_in_and_then_all_are_there(chosen: list[str]) -> None:
    lines = starter_config(3, {"roots": Written(chosen)}).splitlines()
    # A comment is prose, unless what follows the `#` is TOML by itself.
    bare = [line.removeprefix("# ") if is_toml(line.removeprefix("# ")) else line for line in lines]
    text = "\n".join(bare)
    config = parse_config(text, FILE)
    tables = tomllib.loads(text)
    table = tables.pop("functions")["billing"]
    assert set(tables) == {option.key for option in options_in(TOP)}
    assert set(table) == {"architecture", "directory", "handler_name", "assets", "route"}
    assert config.exclude == ("internal-tools-*",)
    assert config.choices["environment"] == {"GOAMD64": "v1"}
    assert config.choices["zip"] is True
    assert config.functions["billing"] == {
        "targets": (ARM64,),
        "directory": "invoices/v2" if chosen[0] == "." else f"{chosen[0]}/invoices/v2",
        "handler_name": "HandleOrder",
        "assets": ("templates/*.html",),
        "routes": (("GET", "/users/{id}"),),
    }


def is_toml(line: str) -> bool:
    try:
        tomllib.loads(line)
    except tomllib.TOMLDecodeError:
        return False
    return True


@pytest.mark.parametrize(
    ("functions", "said"), [(0, "0 functions"), (1, "1 function"), (18, "18 functions")]
)
def test_the_first_line_counts_what_was_found(functions: int, said: str) -> None:
    first = starter_config(functions, {"roots": Written(["api"])}).splitlines()[0]
    assert first == f"# lambdabuild.toml: {said} found when this was written."


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ([], ["api"]),
        (["api/users/get"], ["api"]),
        (["cmd/migrate", "cmd/seed", "cmd/x", "api/users/get"], ["api"]),
        (["apis/users"], ["apis"]),
        (["services/x", "lambdas", "cmd/b", "services/y", "cmd/a"], ["cmd", "services", "lambdas"]),
        (["."], ["."]),
    ],
)
def test_the_root_is_api_or_whatever_holds_the_main_packages(
    found: list[str], expected: list[str]
) -> None:
    assert choose_roots(found) == expected


@given(st.lists(directories, min_size=1))
def test_unless_there_is_api_the_roots_cover_every_main_package(found: list[str]) -> None:
    chosen = choose_roots(found)
    tops = {directory.split("/")[0] for directory in found}
    assert set(chosen) == ({"api"} if "api" in tops else tops)
    assert len(set(chosen)) == len(chosen)
