from pathlib import Path

import pytest

from lambdabuild.config.options import LocalSettings
from lambdabuild.core.build import Function
from lambdabuild.core.errors import LambdabuildError
from lambdabuild.core.paths import Paths
from lambdabuild.deployment.declared import COMPUTED, Declared
from lambdabuild.local.functions import Program
from lambdabuild.local.programs.variables import declarations, program_of, read_env_file

EXECUTABLE = "/p/.lambdabuild/local/bin/users-get/bootstrap"


def written(tmp_path: Path, text: str | bytes) -> str:
    path = tmp_path / ".env"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return str(path)


def test_a_file_of_variables_is_read_as_python_dotenv_reads_it(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        "# a comment\nTABLE=users\nexport NAME='a b' # why\n"
        'URL="https://x/${TABLE}?n=${NONE:-1}"\nRAW=\'${TABLE}\'\nTWO="a\\nb"\nEMPTY=\n',
    )
    assert read_env_file(path, {}) == {
        "TABLE": "users",
        "NAME": "a b",
        "URL": "https://x/users?n=1",
        "RAW": "users",
        "TWO": "a\nb",
        "EMPTY": "",
    }


def test_a_name_without_a_value_is_the_callers(tmp_path: Path) -> None:
    path = written(tmp_path, "TOKEN\nNOBODY_HAS_IT\n")
    assert read_env_file(path, {"TOKEN": "secret", "OTHER": "x"}) == {"TOKEN": "secret"}


def test_a_line_that_sets_nothing_is_named(tmp_path: Path) -> None:
    path = written(tmp_path, "A=1\nB='open\n")
    with pytest.raises(LambdabuildError) as caught:
        read_env_file(path, {})
    assert str(caught.value) == (
        f"this line sets no variable\n  at: {path}:2\n"
        '  hint: write `NAME=value`, or `NAME="value"` where the value has spaces'
    )


def test_a_file_that_is_not_there_or_no_text_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(LambdabuildError, match=r"cannot read the variables in `.*/\.env`: No such"):
        read_env_file(str(tmp_path / ".env"), {})
    with pytest.raises(LambdabuildError, match="is not UTF-8"):
        read_env_file(written(tmp_path, b"A=\xff\n"), {})


def declared(name: str, **more: object) -> Declared:
    return Declared(name, "/p/template.yaml")._replace(**more)  # type: ignore[arg-type]


def test_what_is_declared_of_a_function_is_found_by_code_output_and_name() -> None:
    functions = [
        Function(name, f"x/{name}", f"/p/api/{name.replace('-', '/')}", "/p")
        for name in ("users-get", "users-list", "orders-get")
    ]
    paths = Paths("/p", "/p", "/p/.lambdabuild/local/bin", "x", deployed="/p/dist")
    found = declarations(
        functions,
        [
            declared("A", code="/p/api/users/get", timeout=5, environment={"A": "1", "B": "1"}),
            declared("B", code="/p/api/users/get", timeout=6, memory=512, environment={"B": "2", "C": "2"}),
            declared("C", code="/p/dist/users-list.zip", memory=256),
            declared("OrdersGetFunction", code="/elsewhere", timeout=7),
            declared("Nobody", code="/nowhere"),
        ],
        paths,
    )  # fmt: skip
    assert sorted(found) == ["orders-get", "users-get", "users-list"]
    both = found["users-get"]
    assert (both.timeout, both.memory, both.environment) == (
        5,
        512,
        {"A": "1", "B": "1", "C": "2"},
    )
    assert (found["users-list"].memory, found["orders-get"].timeout) == (256, 7)


def test_lambdas_defaults_hold_where_nobody_says_anything() -> None:
    assert program_of("users-get", EXECUTABLE, LocalSettings()) == Program(
        "users-get", EXECUTABLE, {}, 3.0, 128, 10, "bootstrap", "provided.al2023"
    )


def test_a_file_beats_the_settings_which_beat_what_is_declared() -> None:
    said = declared(
        "A", timeout=5, memory=256, handler="main", runtime="provided.al2",
        environment={"A": "declared", "B": "declared", "C": "declared"},
    )  # fmt: skip
    settings = LocalSettings((("B", "set"), ("C", "set")), timeout=7, concurrency=2)
    assert program_of("users-get", EXECUTABLE, settings, said, {"C": "file"}) == Program(
        "users-get",
        EXECUTABLE,
        {"A": "declared", "B": "set", "C": "file"},
        7.0,
        256,
        2,
        "main",
        "provided.al2",
    )


def test_what_only_a_deployment_knows_is_as_if_it_were_not_said() -> None:
    program = program_of(
        "a", EXECUTABLE, LocalSettings(), declared("A", handler=COMPUTED, runtime=COMPUTED)
    )
    assert (program.handler, program.runtime) == ("bootstrap", "provided.al2023")


def test_variables_that_only_a_deployment_knows_are_named_unless_they_are_set_here() -> None:
    said = declared("A", computed=("TABLE", "BUS", "URL"))
    settings = LocalSettings((("BUS", "set"),))
    assert program_of("a", EXECUTABLE, settings, said, {"URL": "file"}).remark == (
        "template.yaml computes `TABLE` when it deploys: `environment` in lambdabuild.toml, or "
        "--env-file, sets it here"
    )
    assert program_of("a", EXECUTABLE, settings, said, {"URL": "", "TABLE": ""}).remark == ""
