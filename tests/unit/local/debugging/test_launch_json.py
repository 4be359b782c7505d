import json
import os
from pathlib import Path

import pytest

from lambdabuild.core.errors import LambdabuildError
from lambdabuild.local.debugging import launch_json
from lambdabuild.local.debugging.delve import Debugged
from lambdabuild.local.debugging.launch_json import Entry, Written

USERS = launch_json.connecting(Debugged("users-get", 2345))
ORDERS = launch_json.connecting(Debugged("orders-get", 4000))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / ".vscode").mkdir()
    return tmp_path / ".vscode" / "launch.json"


def test_a_file_is_made_where_there_is_none(tmp_path: Path) -> None:
    written = launch_json.write(str(tmp_path), [USERS, ORDERS])
    assert written == Written(added=("lambdabuild: users-get", "lambdabuild: orders-get"))
    assert (
        (tmp_path / ".vscode" / "launch.json").read_text()
        == """{
    "version": "0.2.0",
    "configurations": [
        {
            "name": "lambdabuild: users-get",
            "type": "go",
            "debugAdapter": "dlv-dap",
            "request": "attach",
            "mode": "remote",
            "host": "127.0.0.1",
            "port": 2345
        },
        {
            "name": "lambdabuild: orders-get",
            "type": "go",
            "debugAdapter": "dlv-dap",
            "request": "attach",
            "mode": "remote",
            "host": "127.0.0.1",
            "port": 4000
        }
    ]
}
"""
    )


def test_comments_order_and_other_configurations_stay(tmp_path: Path, file: Path) -> None:
    file.write_text("""{
  // Use IntelliSense to learn about possible attributes.
  "version": "0.2.0",
  "configurations": [
    {
      "name": "Tests", // all of them
      "type": "go",
    } /* keep */ // this one
    // nor lose this
  ],
  "compounds": [],
}
""")
    launch_json.write(str(tmp_path), [USERS])
    assert (
        file.read_text()
        == """{
  // Use IntelliSense to learn about possible attributes.
  "version": "0.2.0",
  "configurations": [
    {
      "name": "Tests", // all of them
      "type": "go",
    }, /* keep */ // this one
    // nor lose this
    {
      "name": "lambdabuild: users-get",
      "type": "go",
      "debugAdapter": "dlv-dap",
      "request": "attach",
      "mode": "remote",
      "host": "127.0.0.1",
      "port": 2345
    }
  ],
  "compounds": [],
}
"""
    )


def test_an_entry_that_is_there_keeps_what_its_owner_changed_but_for_the_port(
    tmp_path: Path, file: Path
) -> None:
    launch_json.write(str(tmp_path), [USERS, ORDERS])
    edited = file.read_text().replace('"host": "127.0.0.1",', '"host": "127.0.0.1", // mine', 1)
    file.write_text(edited)
    assert launch_json.write(str(tmp_path), [USERS, ORDERS]) == Written()
    assert file.read_text() == edited
    written = launch_json.write(
        str(tmp_path), [launch_json.connecting(Debugged("users-get", 2346)), ORDERS]
    )
    assert written == Written(changed=("lambdabuild: users-get",))
    assert file.read_text() == edited.replace("2345", "2346")


def test_what_an_ide_starts_itself_gets_other_addresses_and_keeps_the_rest(
    tmp_path: Path, file: Path
) -> None:
    def started(api: str, endpoint: str) -> Entry:
        variables = {
            "AWS_ENDPOINT_URL_LAMBDA": f"http://127.0.0.1:{endpoint}",
            "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{api}",
            "TABLE": "users",
        }
        return launch_json.launching(
            "users-get", "api/users/get", ["lambda.norpc"], variables, "local/.env"
        )

    launch_json.write(str(tmp_path), [started("9001", "9000"), USERS])
    assert json.loads(file.read_text())["configurations"][0] == {
        "name": "lambdabuild: start users-get",
        "type": "go",
        "request": "launch",
        "mode": "debug",
        "program": "${workspaceFolder}/api/users/get",
        "buildFlags": "-tags=lambda.norpc",
        "envFile": "${workspaceFolder}/local/.env",
        "env": {
            "AWS_ENDPOINT_URL_LAMBDA": "http://127.0.0.1:9000",
            "AWS_LAMBDA_RUNTIME_API": "127.0.0.1:9001",
            "TABLE": "users",
        },
    }
    before = file.read_text().replace('"users"', '"mine"')
    file.write_text(before)
    written = launch_json.write(str(tmp_path), [started("41234", "45678"), USERS])
    assert written == Written(changed=("lambdabuild: start users-get",))
    assert file.read_text() == before.replace("9001", "41234").replace(":9000", ":45678")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('{"configurations": []}', '{"configurations": [\n    X\n]}'),
        ('{"configurations": [ // none\n]}', '{"configurations": [ // none\n    X\n]}'),
        ('{"configurations": [1]}', '{"configurations": [1,\n    X\n]}'),
        ('{"configurations": [1,]}', '{"configurations": [1,\n    X,\n]}'),
        (
            '{\n\t"configurations": [\n\t\t1, // last\n\t]\n}',
            '{\n\t"configurations": [\n\t\t1, // last\n\t\tX,\n\t]\n}',
        ),
        (
            '{\r\n  "configurations": [\r\n    1\r\n  ]\r\n}',
            '{\r\n  "configurations": [\r\n    1,\r\n    X\r\n  ]\r\n}',
        ),
    ],
)
def test_an_entry_is_written_as_the_others_are(before: str, after: str) -> None:
    text, _ = launch_json.merged(before, [Entry({"name": "X"})])
    line_break = "\r\n" if "\r\n" in before else "\n"
    inner = after[: after.index("X")].rpartition("\n")[2]
    outer = after[: after.rindex("]")].rpartition("\n")[2]
    entry = f'{{{line_break}{inner}{inner.removeprefix(outer)}"name": "X"{line_break}{inner}}}'
    assert text == after.replace("X", entry)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"{]", "it cannot be read, line 1: unexpected `]`"),
        (b"[]", "it has no list `configurations`"),
        (b'{"configurations": {}}', "it has no list `configurations`"),
        (b"\xff\xfe{", "it is not UTF-8"),
        (
            b'{"configurations": [{"name": "lambdabuild: users-get"}]}',
            "its configuration `lambdabuild: users-get` has no `port`",
        ),
    ],
)
def test_what_cannot_be_merged_is_left_as_it_is_and_the_entry_shown(
    tmp_path: Path, file: Path, content: bytes, reason: str
) -> None:
    file.write_bytes(content)
    with pytest.raises(LambdabuildError) as caught:
        launch_json.write(str(tmp_path), [USERS])
    assert caught.value.message == f"nothing was written to .vscode/launch.json: {reason}"
    assert caught.value.at == (str(file),)
    entry = str(caught.value.hint).partition("\n")[2]
    assert json.loads(entry) == USERS.configuration
    assert file.read_bytes() == content
    assert os.listdir(file.parent) == ["launch.json"]


@pytest.mark.parametrize("link", [".vscode", ".vscode/launch.json"])
def test_nothing_is_written_through_a_link(tmp_path: Path, link: str) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "launch.json").write_text('{"configurations": []}')
    project = tmp_path / "project"
    (project / link).parent.mkdir(parents=True, exist_ok=True)
    (project / link).symlink_to(elsewhere if link == ".vscode" else elsewhere / "launch.json")
    with pytest.raises(LambdabuildError, match=f"{link} is a symbolic link"):
        launch_json.write(str(project), [USERS])
    assert (elsewhere / "launch.json").read_text() == '{"configurations": []}'
