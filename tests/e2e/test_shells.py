"""Completion, in real shells: what Tab makes of a line."""

import fcntl
import os
import pty
import re
import select
import shutil
import struct
import subprocess
import termios
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from tests.e2e.conftest import LAMBDABUILD, Project
from tests.environment import INSTALLED

# What is tested here does not depend on Go's version.
pytestmark = pytest.mark.parametrize("go", ["go"], indirect=True)

HOME = Path.home()
LINES = {
    # A name that is the only one, and what several have in common.
    "lambdabuild build users-h": "lambdabuild build users-handler",
    "lambdabuild why carts-handler us": "lambdabuild why carts-handler users-handler",
    "lambdabuild --color alw": "lambdabuild --color always",
    "lambdabuild all --arch ar": "lambdabuild all --arch arm64",
    "lambdabuild all --arch=ar": "lambdabuild all --arch=arm64",
    "lambdabuild all --runtime provided.al20": "lambdabuild all --runtime provided.al2023",
    "lambdabuild all --since feat": "lambdabuild all --since feature/first",
    "lambdabuild merge": "lambdabuild merge-reports",
    "lambdabuild all --files": "lambdabuild all --files-from",
    "lambdabuild all --report go.m": "lambdabuild all --report go.mod",
    "lambdabuild all --report=go.m": "lambdabuild all --report=go.mod",
    "lambdabuild -C ap": "lambdabuild -C api/",
    "lambdabuild build api/us": "lambdabuild build api/users/",
    # No file where none is meant.
    "lambdabuild build go.m": "lambdabuild build go.m",
    "lambdabuild all --jobs go.m": "lambdabuild all --jobs go.m",
}


@pytest.fixture
def repository(built: Project) -> Project:
    """The six functions, built, in a repository with a branch that a shell would obey."""
    for command in (
        ["init", "--quiet"],
        ["commit", "--quiet", "--allow-empty", "--message=first"],
        ["branch", "feature/first"],
        ["branch", "feat;touch${IFS}obeyed"],
    ):
        identity = ("-c", "user.name=A", "-c", "user.email=a@example.com")
        subprocess.run(["git", *identity, *command], cwd=built.path, check=True)
    return built


def test_tab_in_bash(repository: Project) -> None:
    script = 'eval "$(lambdabuild completion bash)"'
    with_bash = ["bash", "--norc", "--noprofile", "-i"]
    for line, expected in completed(repository, with_bash, script, LINES).items():
        assert expected == LINES[line]
    assert not (repository / "obeyed").exists()


@pytest.mark.extended
def test_the_first_tab_in_zsh(repository: Project, tmp_path: Path) -> None:
    environment = installed("zsh", repository, tmp_path)
    # In zsh the other branch is one to choose, in quotes.
    lines = {line: said for line, said in LINES.items() if "--since" not in line}
    for line, expected in lines.items():
        # Each in a shell of its own: what the first Tab does is another thing there.
        found = completed(repository, ["zsh", "-i"], "true", [line], environment)
        # The cursor moves on from a directory, and takes the slash away.
        assert found == {line: expected.removesuffix("/")}


@pytest.mark.extended
def test_completions_in_fish(repository: Project, tmp_path: Path) -> None:
    environment = installed("fish", repository, tmp_path)
    for line, expected in LINES.items():
        done = subprocess.run(
            [_shell("fish"), "-c", 'complete -C "$argv[1]"', line],
            cwd=repository.path, env=environment, capture_output=True, text=True, check=True,
        )  # fmt: skip
        assert done.stderr == ""
        offered = [word.partition("\t")[0] for word in done.stdout.splitlines()]
        if "--since" in line:
            assert offered == ["feat;touch${IFS}obeyed", "feature/first"]
        else:
            assert offered == ([expected.rpartition(" ")[2]] if expected != line else [])


def installed(shell: str, repository: Project, home: Path) -> dict[str, str]:
    """Install completion for a user; return the user's environment."""
    environment = repository.environment | {
        "HOME": str(home),
        "XDG_CACHE_HOME": os.environ.get("XDG_CACHE_HOME", str(HOME / ".cache")),
        "PATH": INSTALLED,
    }
    for _ in range(2):
        done = subprocess.run(
            [LAMBDABUILD, "--install-completion", shell],
            env=environment, capture_output=True, text=True, check=True,
        )  # fmt: skip
        assert re.fullmatch(rf"completion for {shell} is in \S+; new shells have it\n", done.stdout)
    if shell == "zsh":
        # Once, however often it is installed.
        assert (home / ".zshrc").read_text() == "fpath+=~/.zfunc; autoload -Uz compinit; compinit\n"
    return environment


def completed(
    repository: Project,
    command: Sequence[str],
    script: str,
    lines: Iterator[str] | Sequence[str] | Mapping[str, str],
    environment: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """Return what Tab makes of each line in an interactive shell, which first runs `script`."""
    primary, secondary = pty.openpty()
    fcntl.ioctl(secondary, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 250, 0, 0))
    shell = subprocess.Popen(
        [_shell(command[0]), *command[1:]],
        cwd=repository.path,
        env={**(environment or repository.environment), "PATH": INSTALLED, "TERM": "xterm"},
        stdin=secondary, stdout=secondary, stderr=secondary, start_new_session=True,
    )  # fmt: skip
    os.close(secondary)
    try:
        # What is typed looks different from what is printed.
        _type(primary, f"{script}; echo RE''ADY\r")
        _read_until(primary, r"[\r\n]READY\r")
        found = {}
        for line in lines:
            _type(primary, f"{line}\t\x01echo ST''ART \x05 E''ND\r")
            found[line] = _read_until(primary, r"[\r\n]START (.*?) +END\r")[1].strip()
        return found
    finally:
        shell.kill()
        shell.wait()
        os.close(primary)


def _shell(name: str) -> str:
    path = shutil.which(name)
    assert path is not None, f"{name} is not installed: `apt-get install {name}`, or `brew install`"
    return path


def _type(terminal: int, keys: str) -> None:
    os.write(terminal, keys.encode())


def _read_until(terminal: int, pattern: str) -> re.Match[str]:
    shown = ""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        if select.select([terminal], [], [], 1)[0]:
            shown += os.read(terminal, 65536).decode("utf-8", "replace")
            # What a shell draws in colours, and where it puts the cursor, is not what it prints.
            if found := re.search(pattern, re.sub(r"\x1b[\[\]?][0-9;?>]*[a-zA-Z]", "", shown)):
                return found
    raise AssertionError(shown)
