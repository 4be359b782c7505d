"""`lambdabuild serve` with real functions: what it builds and when, what it reloads, and what it leaves."""

import json
import shutil
import signal
import stat
import subprocess
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.environment import CLEAN
from tests.local.project import (
    LAMBDABUILD,
    PATIENCE,
    Answer,
    Serve,
    main,
    processes_of,
    serving,
    small_project,
    word,
)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_project(tmp_path_factory.mktemp("serve") / "shop")


@pytest.fixture(scope="module")
def server(project: Path) -> Iterator[Serve]:
    with serving(project) as running:
        yield running


@pytest.fixture(scope="module")
def alone(project: Path, server: Serve) -> Path:
    """A copy of the project, with what was built so far, that nobody serves."""
    server.call("a")
    server.call("b")
    server.call("c")
    copy = project.with_name("alone")
    shutil.copytree(project, copy, ignore=shutil.ignore_patterns("serve.json", "staging"))
    return copy


def built(project: Path) -> list[str]:
    return sorted(path.parent.name for path in project.glob(".lambdabuild/local/bin/*/bootstrap"))


def test_nothing_is_built_or_started_until_it_is_called(server: Serve) -> None:
    assert server.event("serving")["functions"] == ["a", "b", "c"]
    assert built(server.project) == []

    first, second = server.call("a"), server.call("a")

    assert (first["word"], first["count"], second["count"]) == ("one", 1, 2)
    assert first["pid"] == second["pid"]
    assert built(server.project) == ["a"]
    assert not (server.project / "dist").exists()


def test_first_of_all_it_says_what_to_paste(server: Serve) -> None:
    address = server.address

    assert server.said[:2] == [
        f"serving 3 functions at {address}",
        f"export AWS_ENDPOINT_URL_LAMBDA={address}",
    ]
    assert f"{address}/lambda-url/a/" in server.said[2]


def test_what_a_function_prints_has_its_name_before_it(server: Serve) -> None:
    server.call("a")

    assert server.says("called a") == "a | called a"


def test_invoke_can_find_the_server_and_nobody_else_can_read_where(server: Serve) -> None:
    file = server.project / ".lambdabuild/local/serve.json"

    told = json.loads(file.read_text())

    assert (told["address"], told["pid"]) == (server.address, server.process.pid)
    assert len(told["token"]) > 30
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_call_right_after_a_save_gets_the_new_code_whatever_was_called_before(
    server: Serve,
) -> None:
    for said in ("two", "three"):
        server.call("a")
        (server.project / "internal/shared/shared.go").write_text(word("shared", said))
        assert server.word("a") == said


def test_a_save_reloads_what_depends_on_it_and_nothing_else(server: Serve) -> None:
    before = {name: server.call(name) for name in "abc"}

    (server.project / "internal/shared/shared.go").write_text(word("shared", "four"))
    after = {name: server.call(name) for name in "abc"}

    assert [after[name].get("word") for name in "abc"] == ["four", "four", "one"], (
        after,
        str(server),
    )
    assert [after[name]["count"] for name in "ab"] == [1, 1]
    assert (after["c"]["pid"], after["c"]["count"]) == (
        before["c"]["pid"],
        before["c"]["count"] + 1,
    )
    server.says("internal/shared/shared.go changed: a, b")


def test_a_running_call_ends_with_the_code_it_began_with(server: Serve) -> None:
    answers: list[Answer] = []
    before = server.call("c")
    slow = threading.Thread(target=lambda: answers.append(server.call("c", {"Sleep": 1500})))
    slow.start()
    server.wait_for(
        "the slow call", lambda: sum("called c" in line for line in server.said) > before["count"]
    )

    (server.project / "internal/own/own.go").write_text(word("own", "two"))
    after = server.call("c")
    slow.join()

    assert (answers[0]["word"], answers[0]["pid"]) == (before["word"], before["pid"])
    assert (after["word"], after["count"]) == ("two", 1)
    assert server.call("c")["pid"] == after["pid"]


def test_what_does_not_build_is_an_error_of_its_calls_and_the_old_code_is_not_used(
    server: Serve,
) -> None:
    file = server.project / "internal/own/own.go"
    whole = file.read_text()
    server.call("a")

    file.write_text(whole + "broken\n")
    answers = [server.call("c"), server.call("c")]

    for answer in answers:
        assert answer["errorType"] == "BuildFailed"
        assert "internal/own/own.go:4:1: error: syntax error" in answer["errorMessage"]
    assert server.word("a") == "four"
    server.says("internal/own/own.go:4:1: error: syntax error")
    file.write_text(whole)
    assert server.word("c") == "two"
    server.says("c builds again")


def test_variables_come_from_the_configuration_as_it_is_now(server: Serve) -> None:
    assert server.call("b", {"Env": "TABLE"})["env"] == "top"
    file = server.project / "lambdabuild.toml"

    file.write_text('timeout = 20\n[functions.b]\nenvironment = { TABLE = "own" }\n')

    server.wait_for("the table", lambda: server.call("b", {"Env": "TABLE"})["env"] == "own")


def test_functions_come_and_go_while_it_serves(server: Serve) -> None:
    assert server.post("new")[0] == 404
    new = server.project / "api/new/main.go"
    new.parent.mkdir()

    new.write_text(main("new", "own"))
    server.wait_for("the function", lambda: server.post("new")[0] == 200)
    assert server.word("new") == "two"
    shutil.rmtree(new.parent)

    assert server.post("new")[0] == 404
    server.wait_for("its end", lambda: not any("/bin/new/" in line for line in server.processes()))


def test_another_server_cannot_have_the_port(server: Serve) -> None:
    port = server.address.rpartition(":")[2]

    done = subprocess.run(
        [LAMBDABUILD, "serve", "--port", port],
        cwd=server.project, env=CLEAN, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert (done.returncode, done.stderr) == (
        2,
        f"error: port {port} of 127.0.0.1 is taken\n"
        "  hint: `--port 0` takes a free one, or name another\n",
    )


def test_builds_for_lambda_and_those_to_run_here_do_not_touch_each_other(server: Serve) -> None:
    pid = server.call("a")["pid"]

    done = subprocess.run(
        [LAMBDABUILD, "build", "a", "--arch", "arm64"],
        cwd=server.project, env=CLEAN, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    deployed = (server.project / "dist/a/bootstrap").read_bytes()
    local = (server.project / ".lambdabuild/local/bin/a/bootstrap").read_bytes()
    assert deployed != local
    assert server.call("a")["pid"] == pid


def test_ctrl_c_leaves_no_process_neither_idle_nor_busy(alone: Path) -> None:
    with serving(alone) as server:
        server.call("a")
        busy = threading.Thread(
            target=lambda: _ignoring(server, "c", {"Sleep": 15000}), daemon=True
        )
        busy.start()
        server.says("called c")
        assert len(server.processes()) == 2

        assert server.stop() == 130

        assert processes_of(alone) == []
        assert not (alone / ".lambdabuild/local/serve.json").exists()


def _ignoring(server: Serve, name: str, payload: object) -> None:
    try:
        server.call(name, payload)
    except (AssertionError, OSError, ValueError):
        return


def test_a_killed_server_leaves_no_process_that_lives_longer_than_its_next_poll(
    alone: Path,
) -> None:
    server = Serve(alone)
    server.call("a")
    server.call("b")

    server.process.kill()
    server.process.wait(PATIENCE)

    _until_gone(alone)


def _until_gone(alone: Path) -> None:
    end = time.monotonic() + PATIENCE
    while processes_of(alone):
        assert time.monotonic() < end, processes_of(alone)
        time.sleep(0.01)


def test_without_reload_a_function_stays_as_it_was_built(alone: Path, tmp_path: Path) -> None:
    (tmp_path / "env").write_text("TABLE=file\nHOST=${TABLE}.local\n")

    with serving(alone, "a", "--no-reload", "--env-file", str(tmp_path / "env")) as server:
        before = server.call("a", {"Env": "HOST"})
        assert before["env"] == "file.local"
        file = alone / "internal/shared/shared.go"
        whole = file.read_text()
        file.write_text(word("shared", "unseen"))

        after = server.call("a")

        file.write_text(whole)
        assert (after["word"], after["pid"]) == (before["word"], before["pid"])
        assert server.event("serving")["functions"] == ["a"]
        assert server.post("b")[0] == 404


def test_an_asynchronous_call_that_fails_is_made_again_as_often_as_asked_for(alone: Path) -> None:
    with serving(alone, "a", "--no-reload", "--retries", "1") as server:
        path = "/2015-03-31/functions/a/invocations"
        request = urllib.request.Request(  # noqa: S310 - a server of ours
            server.address + path, b'{"Sleep": "no number"}', {"X-Amz-Invocation-Type": "Event"}
        )
        with urllib.request.urlopen(request, timeout=PATIENCE) as response:  # noqa: S310
            assert response.status == 202
            request_id = response.headers["x-amzn-RequestId"]
        end = f"a | END RequestId: {request_id}"
        server.wait_for("the second time", lambda: server.said.count(end) == 2)
        server.call("a")
        assert server.said.count(end) == 2


def test_eager_builds_all_before_anything_is_called(alone: Path) -> None:
    shutil.rmtree(alone / ".lambdabuild/local")

    with serving(alone, "--eager", "--no-credentials") as server:
        assert built(alone) == ["a", "b", "c"]
        assert server.processes() == []
        assert server.call("a", {"Env": "AWS_ACCESS_KEY_ID"})["env"] == "test"
        assert server.call("a", {"Env": "AWS_ENDPOINT_URL_LAMBDA"})["env"] == server.address


def test_clean_removes_what_was_built_to_run_here(alone: Path) -> None:
    done = subprocess.run(
        [LAMBDABUILD, "clean"], cwd=alone, env=CLEAN, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
    assert not (alone / ".lambdabuild").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("nobody",), "no function"),
        (("--env-file", "missing"), "cannot read the variables in"),
        (("--untrusted",), "--untrusted does not allow what runs the code of the project"),
        (("--host", "192.0.2.1", "--port", "0"), "cannot listen at port 0 of 192.0.2.1"),
    ],
)
def test_what_cannot_start_says_why(alone: Path, arguments: tuple[str, ...], said: str) -> None:
    done = subprocess.run(
        [LAMBDABUILD, "serve", "--port", "0", *arguments],
        cwd=alone, env=CLEAN, capture_output=True, text=True, check=False, timeout=PATIENCE,
    )  # fmt: skip

    assert done.returncode == 2, done.stderr
    assert said in done.stderr


def test_ctrl_c_before_anything_is_ready_ends_it(alone: Path) -> None:
    lock = alone / ".lambdabuild/local/lock"
    lock.unlink(missing_ok=True)
    server = Serve(alone)
    server.wait_for("the first survey", lock.exists)

    assert server.stop(signal.SIGINT) == 130
    assert not any("serving" in line for line in server.said)
