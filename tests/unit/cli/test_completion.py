import os
import shutil
import subprocess
from pathlib import Path

import pytest

from lambdabuild.cli.usage import grammar
from lambdabuild.cli.usage.completion import DIRECTORIES, FILES, answer, complete
from lambdabuild.cli.usage.shells import SCRIPTS, install, show
from lambdabuild.core.errors import LambdabuildError
from lambdabuild.state.state import State
from lambdabuild.state.store import Home
from tests.environment import GIT
from tests.unit.values import X86_64, artifact

GROUP = grammar.load()
NAMES = ["carts-get", "users-get", "users-list"]


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return {**os.environ, **GIT, "HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache")}


@pytest.fixture
def shop(tmp_path: Path, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project in which two functions were built, and one failed."""
    project = tmp_path / "shop"
    (project / "api").mkdir(parents=True)
    (project / "lambdabuild.toml").write_text("this = is broken [")
    home = Home(str(project), environment)
    home.create()
    state = State(failed={("carts-get", X86_64)})
    for name in NAMES[1:]:
        state.put(artifact(name)._replace(path=f"dist/{name}/bootstrap"))
    home.save(state)
    monkeypatch.chdir(project)
    return project


def offered(line: str, environment: dict[str, str]) -> str | list[str]:
    found = complete(GROUP, line.split(" "), environment)
    return found if isinstance(found, str) else [word.text for word in found]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("build ", NAMES),
        ("why users-get ", ["carts-get", "users-list"]),
        ("history ", NAMES),
        ("all --exclude ", NAMES),
        ("all --exclude=", NAMES),
        ("all --arch ", ["x86_64", "amd64", "arm64"]),
        ("all --arch=", ["x86_64", "amd64", "arm64"]),
        ("all --runtime ", ["provided.al2023", "provided.al2"]),
        ("--color ", ["auto", "always", "never"]),
        ("list -q --color ", ["auto", "always", "never"]),
        ("watch --cache-mode ", ["read", "read-write", "off"]),
        ("check --entrypoints ", ["all", "lambda"]),
        ("all --target ", ["linux/amd64", "linux/arm64"]),
        ("all --shard ", []),
        ("all -j ", []),
        ("all -qj ", []),
        ("watch --exec ", []),
        ("all --nonesuch=", []),
        ("all --zip=", []),
        ("all --since ", []),
        ("--show-completion ", ["bash", "zsh", "fish"]),
        ("completion ", ["bash", "zsh", "fish"]),
        ("invoke ", NAMES),
        ("invoke users-get --replay ", ["last"]),
        ("cache ", ["info", "clear"]),
        ("help cache ", ["info", "clear"]),
        ("help all ", []),
        ("build -- -", NAMES),
    ],
)
def test_what_may_follow(
    line: str, words: list[str], shop: Path, environment: dict[str, str]
) -> None:
    del shop
    assert offered(line, environment) == words


@pytest.mark.parametrize(
    "line",
    [
        *("all --report ", "all --report=", "all --trace ", "--config ", "all --files-from "),
        *("check --against ", "why --file ", "merge-reports ", "build api/us", "watch ./"),
    ],
)
def test_files_where_files_are_meant(line: str, environment: dict[str, str]) -> None:
    assert offered(line, environment) == FILES


@pytest.mark.parametrize("line", ["-C ", "all --directory ", "all --out ", "list --root "])
def test_directories_where_directories_are_meant(line: str, environment: dict[str, str]) -> None:
    assert offered(line, environment) == DIRECTORIES


@pytest.mark.parametrize("line", ["invoke f --event ", "invoke f --event=", "events s3 --in "])
def test_events_where_one_is_meant(line: str, environment: dict[str, str]) -> None:
    assert {"rest", "sqs", "s3"} <= set(offered(line, environment))


def test_the_type_of_an_event_may_be_left_out(environment: dict[str, str]) -> None:
    assert "--count" in offered("invoke f --event --", environment)
    assert "--event" not in offered("invoke f --event -q -", environment)
    assert "rest" not in offered("invoke --event -q ", environment)
    assert offered("invoke f --event --replay ", environment) == ["last"]


def test_functions_and_events_where_either_is_meant(
    shop: Path, environment: dict[str, str]
) -> None:
    del shop
    found = offered("events ", environment)
    assert found[: len(NAMES)] == NAMES
    assert {"rest", "sqs", "s3"} <= set(found)


def test_flags_are_those_of_the_command_that_help_shows(environment: dict[str, str]) -> None:
    commands = offered("", environment)
    every, watch = offered("all -", environment), offered("watch -", environment)

    assert commands == [*GROUP.commands, "help", "version"]
    assert set(every) - set(watch) == {
        *("--since", "--files-from", "--shard", "--times", "--dry-run", "--code-quality"),
    }
    assert set(watch) - set(every) == {"--poll", "--exec", "--bell"}
    # What may be given once is not offered again.
    again = offered("all --json --arch arm64 -j 3 -n -", environment)
    assert set(every) - set(again) == {"--json", "--jobs", "--dry-run"}
    # Where nothing else may follow.
    assert offered("list ", environment) == offered("list -", environment)
    assert offered("completion bash ", environment) == offered("completion bash -", environment)


def test_names_are_those_of_the_directory_that_flags_choose(
    shop: Path, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(shop / "api")
    assert offered("build ", environment) == NAMES
    monkeypatch.chdir(shop.parent)
    assert offered("build ", environment) == []
    assert offered("-C shop build ", environment) == NAMES
    assert offered("build -C shop -C api ", environment) == NAMES
    assert offered("build --config shop/lambdabuild.toml ", environment) == NAMES
    assert offered("-C shop --config lambdabuild.toml build ", environment) == NAMES


def test_the_state_of_somebody_else_offers_nothing(
    shop: Path, environment: dict[str, str], tmp_path: Path
) -> None:
    del shop
    other = environment | {"XDG_CACHE_HOME": str(tmp_path / "other"), "HOME": str(tmp_path / "o")}
    assert offered("build ", other) == []


def test_since_offers_branches_and_tags(shop: Path, environment: dict[str, str]) -> None:
    for command in (
        ["init", "--quiet", "--initial-branch=main"],
        ["commit", "--quiet", "--allow-empty", "--message=first"],
        ["branch", "feature/one"],
        ["tag", "v1.0.0"],
        ["update-ref", "refs/remotes/origin/main", "HEAD"],
    ):
        subprocess.run(["git", *command], cwd=shop, env=environment, check=True)

    branches = ["feature/one", "main", "origin/main", "v1.0.0"]
    assert offered("all --since ", environment) == branches
    assert offered("all --since=", environment) == branches


def answered(
    words: str,
    place: int,
    environment: dict[str, str],
    capsys: pytest.CaptureFixture[str],
    shell: str = "bash",
) -> str:
    asked = {"COMP_WORDS": words, "COMP_CWORD": str(place)}
    answer(f"complete_{shell}", environment | asked)
    out, err = capsys.readouterr()
    assert err == ""
    return out


def test_each_shell_gets_what_it_can_take(
    shop: Path, environment: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    del shop
    for shell, words, out in (
        ("bash", "lambdabuild\nbuild\nusers-", "users-get\nusers-list\n"),
        ("bash", "lambdabuild\nbuild\n'users-", "users-get\nusers-list\n"),
        ("bash", "lambdabuild\nall\n--arch\n=\nar", "arm64\n"),
        ("bash", "lambdabuild\nall\n--arch=ar", "--arch=arm64\n"),
        ("zsh", "lambdabuild\nall\n--arch=ar", "--arch=arm64\n"),
        ("fish", "lambdabuild\nall\n--report=x", "\tfiles\n"),
        ("zsh", "lambdabuild\nclea", "clean\tRemove what lambdabuild wrote, and nothing else.\n"),
    ):
        place = words.count("\n")
        assert answered(words, place, environment, capsys, shell) == out
    # As one types it; of a line that goes on behind the cursor; and before anything is typed.
    assert answered("lambdabuild doc", 1, environment, capsys) == "doctor\n"
    assert answered("lambdabuild\ndoc\n-v", 1, environment, capsys) == "doctor\n"
    assert answered("lambdabuild", 1, environment, capsys).split() == [
        *GROUP.commands, "help", "version",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "shells"),
    [
        ("naïve-日本", {"bash", "zsh", "fish"}),
        # These quote what they put on the line.
        ("a b", {"zsh", "fish"}),
        ("x;touch${IFS}obeyed", {"zsh", "fish"}),
        ("`id`", {"zsh", "fish"}),
        ("x\x1b[2J", set()),
        ("x\ny", set()),
        ("x\ty", set()),
    ],
)
def test_a_name_that_a_shell_would_obey_is_not_put_on_its_line(
    name: str,
    shells: set[str],
    shop: Path,
    environment: dict[str, str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    Home(str(shop), environment).save(State(failed={(name, X86_64)}))
    words = "lambdabuild\nbuild\n"
    offering = {s for s in SCRIPTS if answered(words, 2, environment, capsys, s) == f"{name}\n"}

    assert offering == shells


def test_whatever_goes_wrong_nothing_is_told(
    shop: Path, environment: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    (shop / ".lambdabuild/state.json").write_text("damaged")
    assert answered("lambdabuild\nbuild\n", 2, environment, capsys) == ""
    assert answered("lambdabuild\n-C\n/nowhere\nbuild\n", 4, environment, capsys) == ""
    assert answered("lambdabuild\n-C\n\0\nbuild\n", 4, environment, capsys) == ""
    shutil.rmtree(shop)
    assert answered("lambdabuild\nbuild\n", 2, environment, capsys) == ""


def test_it_is_installed_once_for_each_shell(
    tmp_path: Path, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".bashrc").write_text("alias ll='ls -l'")
    for _ in range(2):
        for shell in SCRIPTS:
            install(shell, {"HOME": str(tmp_path)})
    del environment

    script = tmp_path / ".bash_completions/lambdabuild.sh"
    assert script.read_text() == SCRIPTS["bash"]
    assert (tmp_path / ".bashrc").read_text() == f"alias ll='ls -l'\nsource '{script}'\n"
    assert (tmp_path / ".zfunc/_lambdabuild").read_text() == SCRIPTS["zsh"]
    fish = tmp_path / ".config/fish/completions/lambdabuild.fish"
    assert fish.read_text() == SCRIPTS["fish"]


def test_a_shell_that_is_not_known_is_refused(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, hint in (("bsh", "did you mean `bash`?"), ("tcsh", "there are scripts for")):
        with pytest.raises(LambdabuildError) as caught:
            show(name)
        assert caught.value.message == f"there is no completion for the shell `{name}`"
        assert str(caught.value.hint).startswith(hint)
    show("fish")
    assert capsys.readouterr().out == SCRIPTS["fish"]
    monkeypatch.setattr("shellingham.detect_shell", lambda: ("tcsh", "/bin/tcsh"))
    with pytest.raises(LambdabuildError, match="`tcsh` has no completion here"):
        show("auto")


def test_where_it_cannot_be_installed_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".zfunc").write_text("")
    with pytest.raises(LambdabuildError, match="cannot install completion for zsh"):
        install("zsh", {})
