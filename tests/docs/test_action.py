""".github/actions/lambdabuild does what docs/guide/ci.md says: its scripts are run as the runner does."""

import os
import re
import shutil
from pathlib import Path

import pytest

from tests.docs.checkers import checked, valid
from tests.docs.composite import ACTION, ROOT, STEPS, run_step

NASTY = 'a b; touch "x" $(touch y) `touch z` \'"\\ *'
FAKE = """#!/bin/sh
printf '%s\\n' "$@" > "$RECORD/arguments"
env > "$RECORD/environment"
"""


@pytest.fixture
def fake(runner: dict[str, str]) -> Path:
    """Where what `lambdabuild` is given ends up; it does nothing."""
    directory = Path(runner["RUNNER_TEMP"])
    command = directory / "lambdabuild"
    command.write_text(FAKE, "utf-8")
    command.chmod(0o755)
    runner |= {"PATH": f"{directory}{os.pathsep}{runner['PATH']}", "RECORD": str(directory)}
    return directory


def test_the_action_is_one() -> None:
    valid("github-actions", ACTION / "action.yml")


@pytest.mark.parametrize("name", STEPS)
def test_the_scripts_of_the_action_hold_nothing_from_outside(name: str, tmp_path: Path) -> None:
    script = tmp_path / "step.sh"
    script.write_text(f"#!/bin/bash\n{STEPS[name]['run']}", "utf-8")

    assert "${{" not in STEPS[name]["run"]
    # COMMAND is no slip for `command`.
    checked("shellcheck", "--exclude=SC2153", script)


def test_the_action_hands_on_its_inputs_as_they_are(
    fake: Path, tiny: Path, runner: dict[str, str]
) -> None:
    names = ("since", "shard", "times", "cache", "cache-mode", "report", "trace", "html")
    inputs = {name: f"{name} {NASTY}" for name in names}
    inputs |= {"args": f"{NASTY}\n\n--zip\n", "cache-key": NASTY}
    told = {"BUILDS": "true", "KEPT": "false", "FORK": "true"}

    ended = run_step("Run lambdabuild", tiny, runner, inputs=inputs, told=told)

    assert ended.code == 0, ended.said
    given = (fake / "arguments").read_text("utf-8").splitlines()
    assert given == ["all", *(f"--{name}={inputs[name]}" for name in names), NASTY, "--zip"]
    assert f"LAMBDABUILD_CACHE_KEY={NASTY}\n" in (fake / "environment").read_text("utf-8")
    assert sorted(os.listdir(tiny)) == [".git", ".gitignore", "api", "go.mod"]


@pytest.mark.parametrize(
    ("told", "variables", "expected"),
    [
        ({"FORK": "true"}, {}, ["all", "--cache-mode=read"]),
        ({"FORK": "true"}, {"LAMBDABUILD_CACHE_MODE": "off"}, ["all"]),
        ({"FORK": "true", "BUILDS": "false", "COMMAND": "list"}, {}, ["list"]),
        ({"FORK": "true", "MODE": "read-write"}, {}, ["all", "--cache-mode=read-write"]),
        ({"UPLOAD": "x"}, {}, ["all", "--report=lambdabuild.json"]),
        ({"UPLOAD": "x", "REPORT": "r"}, {}, ["all", "--report=r"]),
    ],
)
def test_the_action_fills_in_what_is_not_said(
    told: dict[str, str],
    variables: dict[str, str],
    expected: list[str],
    fake: Path,
    runner: dict[str, str],
) -> None:
    told = {"BUILDS": "true", "KEPT": "false", "FORK": "false", **told}
    environment = {n: v for n, v in runner.items() if n != "LAMBDABUILD_CACHE_MODE"} | variables

    run_step("Run lambdabuild", fake, environment, told=told)

    assert (fake / "arguments").read_text("utf-8").splitlines() == expected


@pytest.mark.parametrize(
    ("untrusted", "fork", "expected"),
    [
        ("auto", "true", {"LAMBDABUILD_UNTRUSTED": "1"}),
        ("", "true", {"LAMBDABUILD_UNTRUSTED": "1"}),
        ("auto", "false", {}),
        ("auto", "", {}),
        ("true", "false", {"LAMBDABUILD_UNTRUSTED": "1"}),
        ("false", "true", {"LAMBDABUILD_UNTRUSTED": "0"}),
    ],
)
def test_the_action_trusts_no_fork_unless_told(
    untrusted: str, fork: str, expected: dict[str, str], tiny: Path, runner: dict[str, str]
) -> None:
    """What it decides holds for all steps that follow; lambdabuild refuses by it."""
    inputs = {"untrusted": untrusted}
    needs = run_step("See what is needed", tiny, runner, inputs=inputs, told={"FORK": fork})
    (tiny / "lambdabuild.toml").write_text('env = { CC = "evil" }\n', "utf-8")
    told = {"BUILDS": "true", "KEPT": "false", "FORK": fork, "COMMAND": "list"}
    ended = run_step("Run lambdabuild", tiny, runner | dict(needs.variables), told=told)

    assert (needs.code, needs.variables) == (0, expected), needs.said
    refused = expected == {"LAMBDABUILD_UNTRUSTED": "1"}
    assert ended.code == (2 if refused else 0), ended.said
    assert ("`env.CC` may have a build run programs" in ended.said) == refused


def test_the_action_knows_what_it_is_to_trust(runner: dict[str, str], tmp_path: Path) -> None:
    ended = run_step("See what is needed", tmp_path, runner, inputs={"untrusted": "no"})

    assert (ended.code, ended.variables) == (1, {})
    assert "the input `untrusted` is auto, true or false" in ended.said


def test_a_fork_is_a_fork_in_every_step() -> None:
    """That of a repository that is gone is one, too: `null` is no repository's name."""
    steps = [step["env"]["FORK"] for step in STEPS.values() if "FORK" in step.get("env", {})]
    head = "github.event.pull_request.head.repo.full_name != github.repository"
    assert steps == [f"${{{{ github.event.pull_request && {head} }}}}"] * 3


def test_the_action_builds_and_uploads_what_it_wrote(tiny: Path, runner: dict[str, str]) -> None:
    inputs = {"working-directory": ".", "shard": "1/2", "upload": "x", "trace": "trace.json"}
    needs = run_step("See what is needed", tiny, runner, inputs=inputs).outputs
    caches = run_step("Find the caches", tiny, runner, inputs=inputs).outputs
    told = {"BUILDS": needs["builds"], "KEPT": "false", "FORK": "false"}
    ended = run_step("Run lambdabuild", tiny, runner, inputs=inputs, told=told)
    upload = run_step("See what is to be uploaded", tiny, runner, inputs=inputs).outputs

    assert ended.code == 0, ended.said
    assert needs == {"python": "true", "go": "true", "builds": "true", "scope": "--1-2"}
    assert caches["go"].startswith("go1.")
    assert all(Path(path).is_absolute() for path in caches["go-path"].splitlines())
    assert caches["own-path"].endswith("lambdabuild")
    paths = [Path(path) for path in upload["path"].splitlines()]
    assert paths == [Path("lambdabuild.json"), Path("trace.json"), Path("dist/manifest.json")]
    assert all((tiny / path).is_file() for path in paths)


@pytest.mark.parametrize(
    ("inputs", "own"),
    [
        ({}, ["kept", "./.lambdabuild/history.jsonl"]),
        ({"shard": "1/2"}, ["kept"]),
        ({"cache": "s3://b"}, ["./.lambdabuild/history.jsonl"]),
        ({"cache": "s3://b", "shard": "1/2"}, []),
    ],
)
def test_the_action_keeps_what_nobody_else_keeps(
    inputs: dict[str, str], own: list[str], tmp_path: Path, runner: dict[str, str]
) -> None:
    kept = tmp_path / "kept"
    environment = runner | {"LAMBDABUILD_CACHE_DIR": str(kept)}

    outputs = run_step("Find the caches", tmp_path, environment, inputs=inputs).outputs

    expected = [str(kept) if path == "kept" else path for path in own]
    assert outputs["own-path"].splitlines() == expected


def test_the_action_installs_itself_once(runner: dict[str, str]) -> None:
    directory = Path(runner["RUNNER_TEMP"])
    python = directory / "python3"
    # Makes an environment whose Python writes down what it is given, as lambdabuild's would pip's.
    python.write_text(
        "#!/bin/sh\n"
        f'echo "$@" >> "{directory}/calls"\n'
        'case "$2" in venv) mkdir -p "$3/bin" && cp "$0" "$3/bin/python" ;; esac\n',
        "utf-8",
    )
    python.chmod(0o755)
    environment = runner | {"PATH": f"{directory}{os.pathsep}{runner['PATH']}"}

    for package in ("", "", NASTY):
        ended = run_step("Install lambdabuild", directory, environment, inputs={"package": package})
        assert ended.code == 0, ended.said

    made = f"-m venv {directory}/lambdabuild/venv"
    pip = "-m pip install --quiet --disable-pip-version-check --"
    calls = (directory / "calls").read_text("utf-8").splitlines()
    assert calls == [made, f"{pip} {ROOT}[remote,sbom]", made, f"{pip} {NASTY}"]
    added = (directory / "path").read_text("utf-8").splitlines()
    assert added == [f"{directory}/lambdabuild/bin"] * 3


def test_a_copied_action_asks_what_to_install(runner: dict[str, str], tmp_path: Path) -> None:
    copied = shutil.copytree(ACTION, tmp_path / ".github" / "actions" / "lambdabuild")
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "theirs"\n', "utf-8")
    environment = runner | {"GITHUB_ACTION_PATH": str(copied)}

    ended = run_step("Install lambdabuild", tmp_path, environment)

    assert ended.code == 1
    assert "needs the input `package`" in ended.said


def test_the_action_refuses_windows(runner: dict[str, str], tmp_path: Path) -> None:
    ended = run_step("See what is needed", tmp_path, runner | {"RUNNER_OS": "Windows"})

    assert ended.code == 1
    assert ended.said == ("::error title=lambdabuild::it runs on Linux and macOS, not on Windows\n")


def test_hostile_lines_end_no_list_of_uploads(runner: dict[str, str], tmp_path: Path) -> None:
    inputs = {"upload-path": f"END-1\nother=1\n!dist/*.go\n/tmp/x\n{NASTY}", "upload": "x"}

    outputs = run_step("See what is to be uploaded", tmp_path, runner, inputs=inputs).outputs

    lines = ["./lambdabuild.json", "./END-1", "./other=1", "!./dist/*.go", "/tmp/x", f"./{NASTY}"]
    assert outputs == {"path": "\n".join(lines)}


@pytest.mark.parametrize(
    "address", ["s3://bucket", "https://a b", f"https://a/{NASTY}", "https://"]
)
def test_the_action_shares_compiled_packages_by_an_address_alone(
    address: str, runner: dict[str, str], tmp_path: Path
) -> None:
    ended = run_step("Share compiled packages", tmp_path, runner, inputs={"compile-cache": address})

    assert (ended.code, ended.variables) == (1, {})
    assert "the input `compile-cache` is an address such as https://host:31364" in ended.said


def test_a_program_that_cannot_be_installed_costs_a_warning(
    runner: dict[str, str], tmp_path: Path
) -> None:
    environment = runner | {"GOPROXY": "off", "GOMODCACHE": str(tmp_path / "none")}

    ended = run_step(
        "Share compiled packages", tmp_path, environment, inputs={"compile-cache": "https://a"}
    )

    assert (ended.code, ended.variables) == (0, {}), ended.said
    assert "::warning title=lambdabuild::cigocacher cannot be installed" in ended.said


@pytest.mark.parametrize("fork", ["true", "false"])
def test_the_action_installs_what_is_tested(
    fork: str, runner: dict[str, str], tmp_path: Path
) -> None:
    """Of a fork, whose jobs get no token, nothing is shared."""
    version = re.findall(
        r"^CIGOCACHER := (.+)$", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE
    )
    directory = Path(runner["RUNNER_TEMP"])
    go = directory / "go"
    go.write_text(
        f'#!/bin/sh\necho "$@" > "{directory}/calls"\n'
        'printf "#!/bin/sh\\n" > "$GOBIN/cigocacher"; chmod +x "$GOBIN/cigocacher"\n',
        "utf-8",
    )
    go.chmod(0o755)
    environment = runner | {"PATH": f"{directory}{os.pathsep}{runner['PATH']}"}

    ended = run_step(
        *("Share compiled packages", tmp_path, environment),
        inputs={"compile-cache": "https://a:1/"}, told={"FORK": fork},
    )  # fmt: skip

    assert (directory / "calls").read_text("utf-8") == (
        f"install tailscale.com/cmd/cigocacher@{version[0]}\n"
    )
    home = directory / "lambdabuild"
    program = f"'{home}/bin/cigocacher' '--cache-dir={home}/compiled' --cigocached-url=https://a:1"
    assert ended.variables == ({} if fork == "true" else {"GOCACHEPROG": program}), ended.said
