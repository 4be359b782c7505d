import errno
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdabuild.core.artifact import Artifact, Identity
from lambdabuild.core.errors import LambdabuildError
from lambdabuild.core.target import Runtime
from lambdabuild.state.stamps import is_settled
from lambdabuild.state.state import State
from lambdabuild.state.store import Home, cannot_write, write_atomically
from tests.schemas import schema
from tests.unit.values import X86_64, artifacts, digests, directories, texts

ARTIFACT = Artifact(
    path="dist/users-get/bootstrap",
    layout="dist",
    function="users-get",
    package="example.com/shop/api/users/get",
    directory="api/users/get",
    target=X86_64,
    runtime=Runtime.AL2023,
    sha256="9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    identity=Identity(1, 2, 3, 4),
    build_id="link/main/main/content",
    link_id="link",
)

states = st.builds(
    State,
    artifacts=st.lists(artifacts(), max_size=3).map(lambda made: {a.path: a for a in made}),
    manifests=st.dictionaries(directories, digests, max_size=2),
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)


@contextmanager
def a_home() -> Iterator[Home]:
    """Make a home for one generated example; `tmp_path` is one for all of them."""
    with tempfile.TemporaryDirectory() as project:
        home = Home(project)
        home.create()
        yield home


@contextmanager
def files_limited_to(count: int) -> Iterator[None]:
    """Let no file grow beyond so many bytes, as a full disk would."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (count, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@given(states)
def test_what_was_saved_is_loaded(state: State) -> None:
    with a_home() as home:
        home.save(state)
        assert home.load() == state


@given(states, states)
def test_what_was_saved_last_replaces_all_that_was_before(first: State, last: State) -> None:
    with a_home() as home:
        home.save(first)
        home.save(last)
        assert home.load() == last


def test_without_a_state_there_is_nothing(tmp_path: Path) -> None:
    assert Home(str(tmp_path)).load() == State()


@given(st.data())
def test_a_state_that_was_cut_off_is_nothing(data: st.DataObject) -> None:
    with a_home() as home:
        home.save(State({ARTIFACT.path: ARTIFACT}, {"dist/manifest.json": ARTIFACT.sha256}))
        file = home.path / "state.json"
        content = file.read_bytes()
        # Without its last line feed it is whole.
        file.write_bytes(content[: data.draw(st.integers(0, len(content) - 2))])
        assert home.load() == State()


@given(json_values.map(json.dumps).map(str.encode) | st.binary())
def test_a_state_that_somebody_else_wrote_is_nothing(content: bytes) -> None:
    with a_home() as home:
        (home.path / "state.json").write_bytes(content)
        assert home.load() == State()


def test_where_no_key_can_be_kept_a_state_is_of_the_process_that_wrote_it(tmp_path: Path) -> None:
    """As that of a watch, which would build everything again and again."""
    environment = {"HOME": str(tmp_path)}
    home = Home(str(tmp_path), environment)
    home.create()
    state = State({ARTIFACT.path: ARTIFACT})
    home.save(state)
    assert Home(str(tmp_path), environment).load() == state
    script = "import sys; from lambdabuild.state.store import Home; print(Home(sys.argv[1]).load().artifacts)"
    other = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)],
        env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert other.stdout == "{}\n"


def test_a_state_that_cannot_be_read_is_nothing(tmp_path: Path) -> None:
    home = Home(str(tmp_path))
    (home.path / "state.json").mkdir(parents=True)
    assert home.load() == State()


def test_the_home_hides_itself_from_git_and_leaves_an_edited_ignore_file(tmp_path: Path) -> None:
    home = Home(str(tmp_path))
    home.create()
    ignore = tmp_path / ".lambdabuild/.gitignore"
    assert ignore.read_text().splitlines()[-1] == "*"
    assert home.logs.is_dir()
    ignore.write_text("logs\n")
    home.create()
    assert ignore.read_text() == "logs\n"


def test_a_home_in_the_home_has_a_state_and_a_lock_of_its_own(tmp_path: Path) -> None:
    outer, inner = Home(str(tmp_path)), Home(str(tmp_path), directory=".lambdabuild/local")
    with outer.locked(pytest.fail), inner.locked(pytest.fail):
        inner.save(State(failed={("users-get", X86_64)}))
        assert outer.load() == State()
    assert (tmp_path / ".lambdabuild/.gitignore").exists()
    assert sorted(path.name for path in inner.path.iterdir()) == ["lock", "logs", "state.json"]
    inner.forget()
    assert outer.path.is_dir()


def test_a_home_whose_place_is_taken_is_told(tmp_path: Path) -> None:
    (tmp_path / ".lambdabuild").write_text("a file")
    with pytest.raises(LambdabuildError) as caught:
        Home(str(tmp_path)).create()
    assert str(caught.value) == (
        f"cannot write `{tmp_path}/.lambdabuild`: Not a directory\n"
        "  hint: something else is in its place; move it away"
    )


def test_a_home_that_is_forgotten_is_gone(tmp_path: Path) -> None:
    home = Home(str(tmp_path))
    home.create()
    home.save(State())
    home.forget()
    assert list(tmp_path.iterdir()) == []


def test_staging_is_empty_at_first_and_gone_at_the_end_with_what_a_killed_run_left(
    tmp_path: Path,
) -> None:
    home = Home(str(tmp_path))
    (home.path / "staging/run-dead/go-build1").mkdir(parents=True)
    with home.staging() as staging:
        assert os.listdir(staging) == []
        assert list((home.path / "staging").iterdir()) == [Path(staging)]
        Path(staging, "executable").touch()
    assert not (home.path / "staging").exists()


def test_staging_is_gone_however_the_run_ends(tmp_path: Path) -> None:
    home = Home(str(tmp_path))
    with pytest.raises(KeyboardInterrupt), home.staging() as staging:  # noqa: PT012
        Path(staging, "executable").touch()
        raise KeyboardInterrupt
    assert not (home.path / "staging").exists()


def test_staging_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / ".lambdabuild").write_text("a file")
    with pytest.raises(LambdabuildError) as caught, Home(str(tmp_path)).staging():
        pass
    assert caught.value.message == (
        f"cannot write `{tmp_path}/.lambdabuild/staging`: Not a directory"
    )


def test_a_sweep_removes_what_a_killed_run_was_writing_and_nothing_that_was_written(
    tmp_path: Path,
) -> None:
    home = Home(str(tmp_path))
    home.create()
    home.save(State({ARTIFACT.path: ARTIFACT}))
    home.announce([ARTIFACT])
    (home.path / "staging/run-dead/go-build1").mkdir(parents=True)
    for half in (".state.json.lambdabuild-tmp", ".publishing.json.lambdabuild-tmp"):
        (home.path / half).write_text("half")
    home.sweep()
    kept = [".gitignore", "logs", "publishing.json", "state.json"]
    assert sorted(os.listdir(home.path)) == kept
    assert home.load() == State({ARTIFACT.path: ARTIFACT})
    assert home.announced() == [ARTIFACT]
    # What is clean is left as it is.
    home.sweep()
    assert sorted(os.listdir(home.path)) == kept


@given(st.lists(artifacts(), max_size=3), st.lists(artifacts(), max_size=3))
def test_what_was_announced_last_is_known_until_a_state_is_saved(
    first: list[Artifact], last: list[Artifact]
) -> None:
    with a_home() as home:
        assert home.announced() == []
        home.announce(first)
        home.announce(last)
        assert home.announced() == last
        home.save(State())
        assert home.announced() == []
        # Without an announcement there is nothing to take back, and that is no error.
        home.save(State())


def test_an_announcement_leaves_the_state_alone(tmp_path: Path) -> None:
    home = Home(str(tmp_path))
    home.create()
    home.save(State(manifests={"dist/manifest.json": ARTIFACT.sha256}))
    home.announce([ARTIFACT])
    assert home.load() == State(manifests={"dist/manifest.json": ARTIFACT.sha256})


@given(json_values.map(json.dumps).map(str.encode) | st.binary())
def test_an_announcement_that_somebody_else_wrote_announces_nothing(content: bytes) -> None:
    with a_home() as home:
        (home.path / "publishing.json").write_bytes(content)
        assert home.announced() == []


def test_the_clock_goes_on_however_often_it_is_read(tmp_path: Path) -> None:
    home = Home(str(tmp_path))
    with home.locked(pytest.fail):
        times = [home.clock() for _ in range(50)]
    assert times == sorted(times)


def test_the_clock_is_the_file_systems(tmp_path: Path) -> None:
    home = Home(str(tmp_path))
    with home.locked(pytest.fail):
        os.utime(home.path / "lock", ns=(1, 1))
        before = home.clock()
        file = tmp_path / "main.go"
        file.touch()
        assert before <= file.stat().st_mtime_ns <= home.clock()


def test_without_a_lock_to_write_to_the_clock_is_the_machines(tmp_path: Path) -> None:
    before = time.time_ns()
    assert before <= Home(str(tmp_path)).clock() <= time.time_ns()


def test_a_home_made_just_now_does_not_make_its_directory_look_as_if_it_were_changing(
    tmp_path: Path,
) -> None:
    home = Home(str(tmp_path))
    with home.locked(pytest.fail):
        made = os.stat(home.project)
        assert is_settled(made.st_mtime_ns, made.st_ctime_ns, home.clock())


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    file = tmp_path / "manifest.json"
    file.write_text("old")
    write_atomically(file, "größer\n")
    assert file.read_text("utf-8") == "größer\n"
    assert list(tmp_path.iterdir()) == [file]


def test_a_file_that_cannot_be_written_to_its_end_is_as_it_was(tmp_path: Path) -> None:
    file = tmp_path / "state.json"
    file.write_text("old")
    with pytest.raises(LambdabuildError) as caught, files_limited_to(1000):
        write_atomically(file, "new" * 1000)
    assert str(caught.value) == (
        f"cannot write `{file}`: File too large\n  hint: `ulimit -f` is the limit of the system"
    )
    assert file.read_text() == "old"
    assert list(tmp_path.iterdir()) == [file]


def test_a_file_that_cannot_be_put_in_place_leaves_nothing_behind(tmp_path: Path) -> None:
    place = tmp_path / "state.json"
    (place / "inside").mkdir(parents=True)
    with pytest.raises(LambdabuildError) as caught:
        write_atomically(place, "new")
    assert str(caught.value) == (
        f"cannot write `{place}`: Is a directory\n"
        "  hint: something else is in its place; move it away"
    )
    assert list(tmp_path.iterdir()) == [place]


OTHER_DISK = "free some space on that disk"


@pytest.mark.parametrize(
    ("number", "hint"),
    [
        (errno.ENOSPC, OTHER_DISK),
        (errno.EDQUOT, OTHER_DISK),
        (errno.EROFS, "it is on a read-only file system; `--out` chooses where executables go"),
        (errno.EACCES, "the directory has to be writable by the user that runs lambdabuild"),
        (errno.EPERM, "the directory has to be writable by the user that runs lambdabuild"),
        (errno.ENOTDIR, "something else is in its place; move it away"),
        (errno.EEXIST, "something else is in its place; move it away"),
        (errno.EISDIR, "something else is in its place; move it away"),
        (errno.EIO, None),
        (
            errno.ENAMETOOLONG,
            "give the function a shorter name: a `directory` under [functions] in lambdabuild.toml",
        ),
        (errno.ELOOP, "a symbolic link on the way there leads in a circle; take it away"),
    ],
)  # fmt: skip
def test_what_cannot_be_written_has_the_remedy_of_its_cause(number: int, hint: str | None) -> None:
    error = cannot_write(OSError(number, "why"), "dist/x")
    assert (error.message, error.hint) == ("cannot write `dist/x`: why", hint)
    assert error.exit_code == 2


def test_the_remedy_for_a_read_only_project_is_none_that_leaves_the_lock_where_it_is() -> None:
    for name in (".lambdabuild", ".lambdabuild/lock", "below/.lambdabuild/staging"):
        error = cannot_write(OSError(errno.EROFS, "why"), name)
        assert "--out" not in str(error.hint)
        assert "a copy of the project" in str(error.hint)


HOLDER = """\
import sys
from lambdabuild.state.store import Home

home = Home(sys.argv[1])
with home.locked(print):
    print("locked", flush=True)
    sys.stdin.readline()
    if sys.argv[2:] == ["clean"]:
        home.forget()
"""


@contextmanager
def another_process(project: Path, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Run a process that holds the lock until it is sent a line."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(project), *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "locked\n"
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("arguments", [[], ["clean"]])
def test_two_processes_hold_the_lock_in_turn(tmp_path: Path, arguments: list[str]) -> None:
    told: list[str] = []
    home = Home(str(tmp_path))
    with another_process(tmp_path, *arguments) as holder:

        def waiting(who: str) -> None:
            told.append(who)
            assert holder.stdin is not None
            holder.stdin.write("\n")
            holder.stdin.flush()

        with home.locked(waiting):
            # Whatever became of the file that was waited for, this is the lock of the others now.
            assert (home.path / "lock").read_text() == str(os.getpid())
            assert holder.wait() == 0
    assert told == [str(holder.pid)]


def test_the_lock_of_a_process_that_was_killed_is_free(tmp_path: Path) -> None:
    with another_process(tmp_path) as holder:
        holder.kill()
        holder.wait()
        with Home(str(tmp_path)).locked(lambda who: pytest.fail(f"waited for {who}")):
            pass


def test_a_lock_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    home = Home(str(tmp_path))
    (home.path / "lock").mkdir(parents=True)
    with pytest.raises(LambdabuildError) as caught, home.locked(pytest.fail):
        pass
    assert str(caught.value) == (
        f"cannot write `{home.path}/lock`: Is a directory\n"
        "  hint: something else is in its place; move it away"
    )


def test_an_artifact_is_one_functions_for_one_target() -> None:
    assert ARTIFACT._replace(path="dist/users-get/x86_64/bootstrap").key == ARTIFACT.key


def test_the_schema_is_that_of_this_version_and_is_not_written_again(tmp_path: Path) -> None:
    home = Home(str(tmp_path))
    home.create()
    home.keep_schema()
    path = home.path / "config.schema.json"
    text = path.read_text("utf-8")
    assert json.loads(text) == schema("config")
    first = path.stat()
    home.keep_schema()
    assert path.stat() == first
    path.write_text("{}", "utf-8")
    home.keep_schema()
    assert path.read_text("utf-8") == text
    # Another version's, by chance of the same size.
    path.write_text(text.replace("a", "b", 1), "utf-8")
    os.utime(path, (0, 0))
    home.keep_schema()
    assert path.read_text("utf-8") == text
