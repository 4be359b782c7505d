"""Nothing of lambdabuild's own is reached through a link, whoever put it there."""

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from lambdabuild.core.errors import LambdabuildError
from lambdabuild.state.store import Home
from lambdabuild.system.links import (
    check_own,
    create_new,
    open_own,
    read_own,
    replace_whole,
    temporary,
    write_whole,
)

FILES = (
    *("lock", "state.json", "publishing.json", "history.jsonl", ".gitignore"),
    *(".state.json.lambdabuild-tmp", "logs/lambdabuild.log", "logs/lambdabuild.log.1"),
    *("logs/.__lambdabuild.lock", "logs", "staging", "what-nobody-knows"),
    *("local", "local/lock", "local/state.json", "local/serve.json", "local/logs", "local/bin"),
    *("calls", "calls/anything"),
)


@pytest.fixture
def victim(tmp_path: Path) -> Path:
    path = tmp_path / "home/.bashrc"
    path.parent.mkdir()
    path.write_text("mine\n")
    return path


@pytest.mark.parametrize("name", FILES)
def test_a_directory_that_holds_a_link_is_not_written_to(
    tmp_path: Path, victim: Path, name: str
) -> None:
    home = Home(str(tmp_path))
    place = home.path / name
    place.parent.mkdir(parents=True)
    for target in (victim, victim.parent, "/dev/zero", "nowhere"):
        place.unlink(missing_ok=True)
        place.symlink_to(target)
        before = sorted(os.listdir(home.path))
        with pytest.raises(LambdabuildError) as caught, home.locked(pytest.fail):
            pass
        assert caught.value.message.startswith(f"`.lambdabuild/{name}` is a symbolic link")
        assert sorted(os.listdir(home.path)) == before
        assert home.load().artifacts == {}
        assert home.announced() == []
    assert victim.read_text() == "mine\n"
    assert os.listdir(victim.parent) == [".bashrc"]


def link(path: Path, victim: Path) -> None:
    path.symlink_to(victim.parent)


def hard_link(path: Path, victim: Path) -> None:
    path.mkdir()
    (path / "lock").hardlink_to(victim)


def pipe(path: Path, _: Path) -> None:
    path.mkdir()
    os.mkfifo(path / "state.json")


def listen(path: Path, _: Path) -> None:
    path.mkdir()
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(os.path.relpath(path / "lock"))


@pytest.mark.parametrize("make", [link, hard_link, pipe, listen])
def test_what_lambdabuild_never_makes_is_refused_with_the_remedy(
    tmp_path: Path, victim: Path, make: Callable[[Path, Path], None]
) -> None:
    path = tmp_path / ".lambdabuild"
    make(path, victim)
    with pytest.raises(LambdabuildError) as caught:
        check_own(str(path))
    assert "lambdabuild did not make it" in caught.value.message
    assert "`rm -r .lambdabuild`" in str(caught.value.hint)
    assert victim.read_text() == "mine\n"


def test_what_is_only_replaced_may_have_another_name(tmp_path: Path) -> None:
    """As copies have that are made with hard links: they keep what they have."""
    home = Home(str(tmp_path))
    home.create()
    for name in ("state.json", "publishing.json"):
        (home.path / name).write_text("")
        (tmp_path / name).hardlink_to(home.path / name)
    home.create()


def test_a_file_is_opened_through_no_link_on_the_last_two_steps(
    tmp_path: Path, victim: Path
) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real/link").symlink_to(victim)
    (tmp_path / "there").symlink_to(victim.parent)
    os.mkfifo(tmp_path / "real/pipe")
    for path in ("real/link", "there/.bashrc", "real/pipe", "real/none"):
        for flags in (os.O_RDONLY, os.O_RDWR, os.O_WRONLY | os.O_APPEND):
            with pytest.raises(OSError):  # noqa: PT011 - which one differs between systems
                os.close(open_own(tmp_path / path, flags))
    with pytest.raises(OSError):  # noqa: PT011
        create_new(str(tmp_path / "real/link"))
    replace_whole(str(tmp_path / "real/link"), b"new")
    assert (tmp_path / "real/link").read_bytes() == b"new"
    assert victim.read_text() == "mine\n"


def test_a_link_where_a_file_is_written_at_first_is_not_followed(
    tmp_path: Path, victim: Path
) -> None:
    Path(temporary(str(tmp_path / "manifest.json"))).symlink_to(victim)
    replace_whole(str(tmp_path / "manifest.json"), b"{}")
    assert victim.read_text() == "mine\n"
    assert not Path(temporary(str(tmp_path / "manifest.json"))).is_symlink()


def test_no_more_is_read_than_can_be_ours(tmp_path: Path) -> None:
    (tmp_path / "small").write_bytes(b"1234")
    assert read_own(tmp_path / "small", 4) == b"1234"
    with pytest.raises(OSError, match="large"):
        read_own(tmp_path / "small", 3)


def test_a_report_is_replaced_at_once_and_a_link_or_a_device_stays(tmp_path: Path) -> None:
    report, other = tmp_path / "report.json", tmp_path / "other"
    write_whole(str(report), b"[]")
    other.hardlink_to(report)
    write_whole(str(report), b"[1]")
    link = tmp_path / "link"
    link.symlink_to(other)
    write_whole(str(link), b"[2]")
    write_whole(os.devnull, b"[3]")

    # Whoever had it open goes on reading what it was.
    assert (report.read_bytes(), other.read_bytes()) == (b"[1]", b"[2]")
    assert link.is_symlink()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link", "other", "report.json"]
