"""Calls that are kept, and found again."""

import asyncio
import errno
import json
import os
import stat
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lambdabuild.core.errors import LambdabuildError
from lambdabuild.local.functions import Call, LogSink, Outcome, Streamed
from lambdabuild.local.recording.calls import Calls
from lambdabuild.local.recording.record import Recording


def call(function: str = "users-get", payload: bytes = b"{}") -> Call:
    return Call(function, payload, "id", "arn")


def folder(project: Path) -> Path:
    return project / ".lambdabuild" / "calls"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(payload=st.binary(), response=st.binary(), name=st.text(min_size=1, max_size=300))
def test_a_call_is_found_as_it_was(
    tmp_path: Path, payload: bytes, response: bytes, name: str
) -> None:
    calls = Calls(str(tmp_path))
    outcome = Outcome(response, True, "errorString", "text/plain", 0.25)
    kept = calls.keep(call(name, payload)._replace(client_context='{"a": 1}'), outcome, 1000.5)
    found = calls.find(kept)

    assert found[1:] == (name, 1000.5, payload, outcome, '{"a": 1}')
    assert calls.find("last") == found


def test_ids_count_up_and_the_last_is_that_of_a_function_where_one_is_named(tmp_path: Path) -> None:
    calls = Calls(str(tmp_path))
    for name in ("a", "b", "a"):
        calls.keep(call(name), Outcome(name.encode()), 1.0)

    assert [one.id for one in calls.listed()] == ["000001", "000002", "000003"]
    assert calls.find("last").id == "000003"
    assert calls.find("last", "b").id == "000002"
    assert calls.find("1").function == "a"
    assert calls.find("000002").function == "b"


@pytest.mark.usefixtures("umask")
def test_only_the_owner_may_read_them(tmp_path: Path) -> None:
    Calls(str(tmp_path)).keep(call(), Outcome(b""), 1.0)

    assert stat.S_IMODE(folder(tmp_path).stat().st_mode) & 0o077 == 0
    (file,) = folder(tmp_path).iterdir()
    assert stat.S_IMODE(file.stat().st_mode) & 0o177 == 0


def test_the_oldest_go_where_there_are_too_many_or_too_large_ones(tmp_path: Path) -> None:
    calls = Calls(str(tmp_path), most_calls=3, most_bytes=10_000)
    for _ in range(5):
        calls.keep(call(), Outcome(b""), 1.0)
    assert [one.id for one in calls.listed()] == ["000003", "000004", "000005"]
    calls.keep(call(payload=b"a" * 8000), Outcome(b""), 1.0)
    calls.keep(call(payload=b"a" * 8000), Outcome(b""), 1.0)
    assert [one.id for one in calls.listed()] == ["000007"]
    # However large it is, the last one stays.
    calls.keep(call(payload=b"a" * 20_000), Outcome(b""), 1.0)
    assert [one.id for one in calls.listed()] == ["000008"]


def test_processes_that_write_at_once_take_ids_of_their_own(tmp_path: Path) -> None:
    everyone = [Calls(str(tmp_path)) for _ in range(4)]
    ids: list[str] = []

    def write(calls: Calls) -> None:
        for _ in range(20):
            ids.append(calls.keep(call(), Outcome(b"x"), 1.0))  # noqa: PERF401

    threads = [threading.Thread(target=write, args=(calls,)) for calls in everyone]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(set(ids)) == 80
    assert [one.id for one in everyone[0].listed()] == sorted(ids)


def test_a_file_system_without_hard_links_will_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def link(*_: object, **__: object) -> None:
        raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP))

    monkeypatch.setattr(os, "link", link)
    first, second = Calls(str(tmp_path)), Calls(str(tmp_path))
    for calls in (first, second, first):
        calls.keep(call(), Outcome(b"x"), 1.0)

    assert [one.id for one in first.listed()] == ["000001", "000002", "000003"]


def test_what_a_killed_process_left_is_no_call_and_goes(tmp_path: Path) -> None:
    calls = Calls(str(tmp_path))
    calls.keep(call(), Outcome(b""), 1.0)
    left = folder(tmp_path) / ".000002.tmp"
    left.write_bytes(b'{"id": ')
    os.utime(left, (0, 0))

    assert calls.keep(call(), Outcome(b""), 10_000.0) == "000003"
    assert [one.id for one in calls.listed()] == ["000001", "000003"]
    assert not left.exists()


@pytest.mark.parametrize(
    "content", [b"", b"{}\n", b"[]\n", b"no\n", b'{"id": "1", "payload": -1}\n', b"\xff" * 100]
)
def test_a_damaged_call_counts_for_nothing(tmp_path: Path, content: bytes) -> None:
    calls = Calls(str(tmp_path))
    kept = calls.keep(call(), Outcome(b"x"), 1.0)
    (folder(tmp_path) / "000002.call").write_bytes(content)
    whole = (folder(tmp_path) / f"{kept}.call").read_bytes()
    (folder(tmp_path) / "000003.call").write_bytes(whole[:-3])

    assert calls.find("last").id == kept


def test_no_link_is_followed(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    project = tmp_path / "project"
    (project / ".lambdabuild").mkdir(parents=True)
    (project / ".lambdabuild" / "calls").symlink_to(elsewhere)
    calls = Calls(str(project))

    with pytest.raises(OSError):  # noqa: PT011 - which one differs between systems
        calls.keep(call(), Outcome(b""), 1.0)
    with pytest.raises(LambdabuildError, match=r"cannot read `\.lambdabuild/calls`"):
        calls.find("last")
    assert list(elsewhere.iterdir()) == []
    (project / ".lambdabuild" / "calls").unlink()
    calls.keep(call(), Outcome(b""), 1.0)
    secret = tmp_path / "secret"
    secret.write_text('{"id": "000002"}\n')
    (folder(project) / "000002.call").symlink_to(secret)
    assert [one.id for one in calls.listed()] == ["000001"]


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("last", "no call was kept"),
        ("7", "no call 7 was kept"),
        ("first", "`first` is no call that was kept"),
        ("-1", "`-1` is no call that was kept"),
    ],
)
def test_what_was_not_kept_is_not_found(tmp_path: Path, word: str, message: str) -> None:
    with pytest.raises(LambdabuildError) as caught:
        Calls(str(tmp_path)).find(word)

    assert caught.value.message == message


class Stream:
    content_type = "text/plain"

    async def chunks(self) -> AsyncIterator[bytes]:
        yield b"one "
        yield b"two"

    async def outcome(self) -> Outcome:
        return Outcome(b"", content_type="text/plain")


class Echo:
    """Functions that return their payload."""

    names = ("a", "b")

    async def invoke(self, call: Call, log: LogSink | None = None) -> Outcome:
        if log is not None:
            log(b"START\n")
        return Outcome(call.payload, seconds=0.5)

    async def stream(self, call: Call) -> Streamed:
        assert call.function in self.names
        return Stream()


def test_each_call_is_kept_with_what_came_of_it(tmp_path: Path) -> None:
    recording = Recording(Echo(), Calls(str(tmp_path)), lambda: 5.0)
    lines: list[bytes] = []

    async def run() -> None:
        assert (await recording.invoke(call("a", b"[1]"), lines.append)).payload == b"[1]"
        stream = await recording.stream(call("b"))
        assert [chunk async for chunk in stream.chunks()] == [b"one ", b"two"]
        await stream.outcome()
        await stream.outcome()

    asyncio.run(run())
    recording.flush()

    calls = Calls(str(tmp_path))
    assert recording.names == ("a", "b")
    assert lines == [b"START\n"]
    assert [one.function for one in calls.listed()] == ["a", "b"]
    assert calls.find("1").outcome == Outcome(b"[1]", seconds=0.5)
    assert calls.find("2").outcome == Outcome(b"one two", content_type="text/plain")


def test_calls_are_answered_where_nothing_can_be_kept(tmp_path: Path) -> None:
    (tmp_path / ".lambdabuild").write_text("in the way")
    recording = Recording(Echo(), Calls(str(tmp_path)))

    async def run() -> list[Outcome]:
        return [await recording.invoke(call()) for _ in range(300)]

    assert len(asyncio.run(run())) == 300
    recording.flush()


def test_a_call_waits_for_no_disk(tmp_path: Path) -> None:
    calls = Calls(str(tmp_path))
    entered, release = threading.Event(), threading.Event()

    class Slow(Calls):
        def keep(self, call: Call, outcome: Outcome, at: float) -> str:
            entered.set()
            release.wait(30)
            return calls.keep(call, outcome, at)

    recording = Recording(Echo(), Slow(str(tmp_path)))

    async def run() -> None:
        for _ in range(3):
            await recording.invoke(call())

    asyncio.run(run())
    assert entered.wait(30)
    assert calls.listed() == []
    release.set()
    recording.flush()
    assert len(calls.listed()) == 3


def test_of_a_flood_the_last_calls_are_kept(tmp_path: Path) -> None:
    recording = Recording(Echo(), Calls(str(tmp_path), most_calls=1000))

    async def run() -> None:
        for number in range(500):
            await recording.invoke(call(payload=b"%d" % number))

    asyncio.run(run())
    recording.flush()
    calls = Calls(str(tmp_path))
    assert len(calls.listed()) < 500
    assert calls.find("last").payload == b"499"


def test_the_first_line_is_json_of_its_own(tmp_path: Path) -> None:
    Calls(str(tmp_path)).keep(call("a/b", b"\n\n"), Outcome(b"\n"), 1.0)
    (file,) = folder(tmp_path).iterdir()

    assert file.name == "000001.call"
    assert json.loads(file.read_bytes().split(b"\n")[0])["function"] == "a/b"
