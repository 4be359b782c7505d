import pytest
import typer

from lambdabuild.cli.app import app
from lambdabuild.cli.usage import Asked, asked_of, flags_of

COMMANDS, GENERAL = flags_of(typer.main.get_command(app))


@pytest.mark.parametrize(
    ("line", "asked"),
    [
        ("", Asked()),
        ("all --json --report r.json", Asked("all", json=True, report="r.json")),
        ("all --report=out/r.json --forse", Asked("all", report="out/r.json")),
        ("-C one all -C two --json", Asked("all", json=True, directories=("one", "two"))),
        (
            "-qCone --directory=two list --json",
            Asked("list", json=True, directories=("one", "two")),
        ),
        ("all -vqC one -j4 --json", Asked("all", json=True, directories=("one",))),
        # The value of another flag.
        ("watch --exec --json", Asked("watch")),
        ("all --report --json", Asked("all", report="--json")),
        ("all --tags --report x", Asked("all")),
        # Names of functions.
        ("build -- --json", Asked("build")),
        ("build --json -- --report x", Asked("build", json=True)),
        # What makes no sense for typer.
        ("--json all", Asked("all", json=True)),
        ("al --json --report r.json", Asked("al", json=True, report="r.json")),
        ("list --report r.json", Asked("list")),
        ("all --report", Asked("all")),
    ],
)
def test_what_a_command_line_asks_for_is_known_though_it_may_be_wrong(
    line: str, asked: Asked
) -> None:
    assert asked_of(line.split(), COMMANDS, GENERAL) == asked
