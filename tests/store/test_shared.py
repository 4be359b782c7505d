"""What a build gets from a shared cache, and what a store that fails costs it."""

import hashlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from lambdabuild.cache.entry import Header
from lambdabuild.cache.local import LocalCache
from lambdabuild.cache.pending import Fetched, Source
from lambdabuild.cache.remote import RemoteStore
from lambdabuild.cache.transfer import Caches, Stores
from lambdabuild.system.timeline import Timeline
from tests.store import server
from tests.store.server import BUCKET, ENVIRONMENT, Answer, Backend, Fault, Proxy, Request

NAMES = tuple(f"function-{number}" for number in range(4))
CONTENT = {name: f"the executable of {name} ".encode() * 999 for name in NAMES}
SECRET = b"only known to us"


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


KEYS = {name: sha256(name.encode()) for name in NAMES}


@dataclass
class Machine:
    """A machine that builds, with a cache of its own in a directory."""

    path: Path
    store: Proxy
    prefix: str
    secret: bytes | None = SECRET
    timeout: float = 20
    workers: int = 4
    warnings: list[tuple[str, str | None]] = field(default_factory=list)

    def caches(self, *, read_only: bool = False) -> Caches:
        self.path.mkdir(exist_ok=True)
        local = LocalCache(str(self.path / "cache"), 10**9, self.secret)
        remote = RemoteStore(self.store.url(self.prefix), ENVIRONMENT, self.timeout)
        return Caches(
            Stores(local, remote, self.secret, read_only, self.workers),
            lambda message, hint: self.warnings.append((message, hint)),
            Timeline(),
        )

    def fetch(self, caches: Caches, keys: Mapping[str, str] = KEYS) -> dict[str, Fetched]:
        return caches.fetch(keys, lambda name: str(self.path / "staged" / name), str)

    def staged(self) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in (self.path / "staged").glob("*")}

    def build(self, caches: Caches, names: tuple[str, ...] = NAMES) -> None:
        """Build functions and keep them."""
        for name in names:
            path = self.path / name
            path.write_bytes(CONTENT[name])
            caches.store(KEYS[name], str(path), sha256(CONTENT[name]), name)

    def run(self, *, read_only: bool = False) -> dict[str, Fetched]:
        """Do a whole run: take what there is, and build the rest."""
        caches = self.caches(read_only=read_only)
        found = self.fetch(caches)
        assert self.staged() == {name: CONTENT[name] for name in found}, "never a wrong one"
        self.build(caches, tuple(name for name in NAMES if name not in found))
        caches.close()
        return found

    def said(self) -> list[str]:
        return [message for message, _ in self.warnings]


def cache_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "cache"]


@pytest.fixture
def machines(tmp_path: Path, store: Proxy) -> list[Machine]:
    """Machines that share a store, which is empty."""
    return [Machine(tmp_path / name, store, tmp_path.name) for name in ("one", "two", "three")]


def all_from(source: Source) -> dict[str, Fetched]:
    return {name: Fetched(source, sha256(CONTENT[name]), len(CONTENT[name])) for name in NAMES}


def test_a_fresh_machine_gets_what_another_built(machines: list[Machine]) -> None:
    one, two, _ = machines
    assert one.run() == {}
    assert two.run() == all_from(Source.REMOTE)
    assert two.run() == all_from(Source.LOCAL)
    assert {path.stat().st_mode & 0o777 for path in (two.path / "staged").iterdir()} == {0o755}
    assert one.warnings == two.warnings == []


def test_what_the_store_has_is_not_sent_again(machines: list[Machine], store: Proxy) -> None:
    machines[0].run()
    caches = machines[1].caches()
    machines[1].fetch(caches)
    machines[1].build(caches)
    caches.close()
    assert store.writes == len(NAMES)


def test_a_machine_that_only_reads_writes_nothing_but_its_own_cache(
    machines: list[Machine], store: Proxy
) -> None:
    machines[0].run(read_only=True)
    assert store.writes == 0
    assert machines[0].run(read_only=True) == all_from(Source.LOCAL)


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (server.silent, "timed out after 0.4 s"),
        (server.status(403, "AccessDenied"), "403 Forbidden (AccessDenied)"),
        (server.status(500), "500 Internal Server Error"),
        (server.truncated, "the connection was lost"),
        (server.stalled, "timed out after 0.4 s"),
        (server.dripping, "timed out after 0.4 s"),
        (server.gone, "the connection was lost"),
    ],
)
def test_a_store_that_fails_costs_one_warning_and_a_build(
    machines: list[Machine], store: Proxy, fault: Fault, reason: str
) -> None:
    one, two, _ = machines
    one.run()
    two.timeout = 0.4 if "timed out" in reason else 20
    store.fault = fault
    store.asked.clear()
    assert two.run() == {}
    assert two.said() == [f"the cache s3://{BUCKET}/{two.prefix} cannot be used: {reason}"]
    assert store.writes == 0, "it is left alone afterwards"
    assert two.run() == all_from(Source.LOCAL), "what was built is kept all the same"


def test_the_permissions_are_named_where_they_are_missing(
    machines: list[Machine], store: Proxy
) -> None:
    store.fault = server.status(403, "AccessDenied")
    machines[0].run()
    assert "s3:ListBucket" in str(machines[0].warnings[0][1])


def test_a_store_that_cannot_be_used_is_asked_no_more(
    machines: list[Machine], store: Proxy
) -> None:
    machines[0].workers = 1
    store.fault = server.status(403)
    machines[0].run()
    assert len(store.asked) == 1


@pytest.mark.parametrize("fault", [server.altered, server.shortened])
@pytest.mark.parametrize("secret", [None, SECRET])
def test_what_was_altered_is_built_and_stored_again(
    machines: list[Machine], store: Proxy, fault: Fault, secret: bytes | None
) -> None:
    one, two, three = machines
    one.secret = two.secret = three.secret = secret
    one.run()
    store.fault = fault
    assert two.run() == {}
    assert len(two.warnings) == 1
    assert f"`and {len(NAMES) - 1} more in the cache s3://" in two.said()[0].replace("` ", "`")
    assert store.writes == 2 * len(NAMES)
    store.fault = server.none
    assert three.run() == all_from(Source.REMOTE)


@pytest.mark.parametrize("secret", [None, SECRET])
def test_the_executable_of_another_function_is_not_taken(
    machines: list[Machine], store: Proxy, secret: bytes | None
) -> None:
    one, two, _ = machines
    one.secret = two.secret = secret
    one.run()
    liar = KEYS[NAMES[0]]
    store.fault = server.lying(f"/{BUCKET}/{one.prefix}/v1/{liar[:2]}/{liar}")
    assert set(two.run()) == {NAMES[0]}
    assert two.said() == [
        f"the entry of `{NAMES[1]}` and 2 more in the cache s3://{BUCKET}/{one.prefix} is not "
        "used: it is the entry of something else"
    ]


@pytest.mark.parametrize(
    ("secret", "reason"), [(None, "it is not signed"), (b"guessed", "its signature is wrong")]
)
def test_what_was_not_signed_with_the_secret_is_not_taken(
    machines: list[Machine], secret: bytes | None, reason: str
) -> None:
    one, two, _ = machines
    one.secret, one.workers, two.workers = secret, 1, 1
    one.run()
    assert two.run() == {}
    assert two.said()[0].endswith(f"is not used: {reason}")


def test_a_store_that_vanishes_half_way_has_given_what_it_gave(
    machines: list[Machine], store: Proxy
) -> None:
    one, two, _ = machines
    one.run()
    two.workers = 1
    store.fault = server.after(2, server.gone)
    found = two.run()
    assert len(found) == 2
    assert two.said() == [
        f"the cache s3://{BUCKET}/{two.prefix} cannot be used: the connection was lost"
    ]
    assert two.run() == all_from(Source.LOCAL)


@pytest.mark.parametrize(
    ("fault", "reason"),
    [(server.silent, "timed out after 1 s"), (server.status(403), "403 Forbidden")],
)
def test_a_store_that_takes_nothing_costs_one_warning(
    machines: list[Machine], store: Proxy, fault: Fault, reason: str
) -> None:
    def writing(request: Request, backend: Backend) -> Answer | None:
        return fault(request, backend) if request.method == "PUT" else backend(request)

    store.fault = writing
    machines[0].timeout = 1 if "timed out" in reason else 20
    machines[0].run()
    assert machines[0].said() == [
        f"the cache s3://{BUCKET}/{machines[0].prefix} cannot be used: {reason}"
    ]
    assert machines[0].run() == all_from(Source.LOCAL)


def test_a_slow_store_is_given_up_when_building_is_quicker(
    machines: list[Machine], store: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lambdabuild.cache.transfer._WORTH", 0.0)
    one, two, _ = machines
    one.run()
    two.timeout, two.workers = 2, 1

    def slow(request: Request, backend: Backend) -> Answer | None:
        threading.Event().wait(1.2)
        return backend(request)

    store.fault = slow
    caches = two.caches()
    found = two.fetch(caches)
    assert set(found) < set(NAMES)
    told = two.said()[0].partition("cannot be used: ")[2]
    assert told.rpartition(" within ")[0] == f"it gave {len(found)} of {len(NAMES)} executables"
    caches.close()


def test_nothing_is_written_once_the_build_has_gone_on(
    machines: list[Machine], store: Proxy
) -> None:
    machines[0].run()
    held, arrived = threading.Event(), threading.Event()

    def late(request: Request, backend: Backend) -> Answer | None:
        if KEYS[NAMES[0]] in request.path:
            arrived.set()
            held.wait(20)
            return backend(request)
        arrived.wait(20)
        return Answer(403, {}, b"")

    store.fault = late
    two = machines[1]
    two.timeout = 20
    caches = two.caches()
    before = set(threading.enumerate())
    assert two.fetch(caches) == {}
    waiting = [thread for thread in cache_threads() if thread not in before]
    assert waiting
    held.set()
    for thread in waiting:
        thread.join(20)
        assert not thread.is_alive()
    caches.close()
    assert two.staged() == {}


def test_what_was_replaced_meanwhile_is_not_stored(machines: list[Machine], store: Proxy) -> None:
    caches = machines[0].caches()
    path = machines[0].path / "changed"
    path.write_bytes(b"of a later run")
    caches.store(KEYS[NAMES[0]], str(path), sha256(b"of this run"), NAMES[0])
    caches.store(KEYS[NAMES[1]], str(path) + " not", sha256(b"of this run"), NAMES[1])
    caches.close()
    assert store.writes == 0
    assert machines[0].warnings == []
    assert machines[0].fetch(machines[0].caches()) == {}


def test_a_cancelled_run_leaves_at_once(machines: list[Machine], store: Proxy) -> None:
    store.fault = server.silent
    one = machines[0]
    one.timeout = 200
    before = set(threading.enumerate())
    caches = one.caches()
    one.build(caches)
    while not store.asked:
        time.sleep(0.01)
    caches.close(cancelled=True)
    assert any(thread not in before for thread in cache_threads())
    assert one.warnings == []


_RUN = """\
import sys
from tests.store.test_shared import *
class Store:
    def url(self, prefix): return sys.argv[2]
machine = Machine(Path(sys.argv[1]), Store(), "", timeout=float(sys.argv[3]))
print("ready", flush=True)
machine.run()
sys.exit(len(machine.warnings))
"""


def started(machine: Machine) -> "subprocess.Popen[str]":
    url = machine.store.url(machine.prefix)
    return subprocess.Popen(
        [sys.executable, "-c", _RUN, machine.path, url, str(machine.timeout)],
        cwd=Path(__file__).parents[2], env=os.environ, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


_PEAK = """\
import sys
from tests.store.test_shared import *
class Store:
    def url(self, prefix): return sys.argv[2]
secret = sys.argv[3].encode() or None
machine = Machine(Path(sys.argv[1]), Store(), "", secret, timeout=60, workers=16)
keys = {str(number): sha256(str(number).encode()) for number in range(16)}
caches = machine.caches()
assert machine.fetch(caches, keys) == {}
caches.close()
assert f"and {len(keys) - 1} more" in machine.said()[0], machine.said()
print(Path("/proc/self/status").read_text("ascii").partition("VmHWM:")[2].split()[0])
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the peak is read from /proc")
@pytest.mark.parametrize(
    ("kind", "secret", "size"),
    [("rubbish", "known", 200_000_000), ("rubbish", "", 200_000_000), ("header", "", 20_000_000)],
)
def test_large_rubbish_takes_no_memory(
    tmp_path: Path, store: Proxy, kind: str, secret: str, size: int
) -> None:
    rubbish = bytes(size)

    def full(request: Request, backend: Backend) -> Answer | None:
        key = request.path.rpartition("/")[2]
        header = Header(key, "0" * 64, size, "0" * 64, hmac="0" * 64).text.encode()
        headers = {"ETag": '"1"', "Last-Modified": "Thu, 26 Nov 2026 08:00:00 GMT"}
        body = header.ljust(1 << 19, b"x") if kind == "header" else b""
        body += rubbish[len(body) :]
        return Answer(200, headers, body) if request.method == "GET" else backend(request)

    store.fault = full
    done = subprocess.run(
        [sys.executable, "-c", _PEAK, tmp_path / "machine", store.url(), secret],
        cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) << 10 < 100 << 20


def test_two_machines_may_write_at_once(machines: list[Machine]) -> None:
    for machine in machines[:2]:
        machine.timeout = 30
    with started(machines[0]) as one, started(machines[1]) as two:
        assert (one.communicate()[1], two.communicate()[1]) == ("", "")
        assert (one.returncode, two.returncode) == (0, 0)
    assert machines[2].run() == all_from(Source.REMOTE)
