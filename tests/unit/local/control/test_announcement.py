import stat
from pathlib import Path

import pytest

from lambdabuild.local.control.announcement import (
    Announcement,
    announce,
    announced,
    withdraw,
)
from lambdabuild.state.store import Home

HERE = Announcement("http://127.0.0.1:9000", 7, "secret")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    Home(str(tmp_path), {}, ".lambdabuild/local").create()
    return tmp_path


def test_what_is_announced_can_be_read_by_its_user_alone(project: Path) -> None:
    announce(str(project), HERE)
    file = project / ".lambdabuild/local/serve.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert announced(str(project)) == HERE


def test_what_is_withdrawn_is_gone_and_another_server_stays(project: Path) -> None:
    other = HERE._replace(pid=8)
    announce(str(project), other)
    withdraw(str(project), HERE)
    assert announced(str(project)) == other
    withdraw(str(project), other)
    assert announced(str(project)) is None


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"address": 1, "pid": 2, "token": "x"}', "[" * 9999]
)
def test_what_says_nothing_is_nobody(project: Path, text: str) -> None:
    (project / ".lambdabuild/local/serve.json").write_text(text)
    assert announced(str(project)) is None


def test_a_link_is_not_followed(project: Path) -> None:
    (project / "elsewhere").write_text('{"address": "http://x", "pid": 2, "token": "x"}')
    (project / ".lambdabuild/local/serve.json").symlink_to(project / "elsewhere")
    assert announced(str(project)) is None
