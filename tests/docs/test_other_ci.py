"""What the documentation says of Buildkite and AWS CodeBuild is true.

Pipelines go through their schemas, scripts through shellcheck; then all jobs are run, each in a clone
of its own, and what they hand each other is all that the next has.
"""

import json
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tests.docs.checkers import checked, valid
from tests.docs.composite import load
from tests.docs.conftest import git
from tests.docs.markdown import blocks
from tests.docs.pages import PAGES, ROOT
from tests.schemas import BUILDSPEC
from tests.store import server

_YAML = [block.text for block in blocks(PAGES["docs/guide/ci.md"], "yaml")]
(PIPELINE,) = (text for text in _YAML if "parallelism:" in text)
_SHARDS, _, _REPORT = load(PIPELINE)["steps"]
BATCH, MERGE = (text for text in _YAML if text.startswith("version: 0.2"))
_GRAPH = load(BATCH)["batch"]["build-graph"]
AWS = ROOT / ".deploy-tools" / "bin" / "aws"

# What Buildkite's agent does to share files, for jobs that find them in $ARTIFACTS.
_AGENT = """\
#!/bin/sh -e
test "$1 $2 $#" = "artifact download 4"
cd "$4"
cp -R "$ARTIFACTS/." .
"""


def _commands(step: Mapping[str, Any]) -> list[str]:
    """Return what a step runs once the pipeline is uploaded, which replaces what has one `$`."""
    commands = step["command"]
    assert not any("$" in command.replace("$$", "") for command in commands)
    return [command.replace("$$", "$") for command in commands]


def _scripts() -> dict[str, Sequence[str]]:
    phases = {"codebuild": load(BATCH), "codebuild-report": load(MERGE)}
    return {
        "buildkite": _commands(_SHARDS),
        "buildkite-report": _commands(_REPORT),
        **{
            name: [line for phase in build["phases"].values() for line in phase["commands"]]
            for name, build in phases.items()
        },
    }


def test_the_pipeline_shown_is_buildkites(tmp_path: Path) -> None:
    file = tmp_path / "pipeline.yml"
    file.write_text(PIPELINE, "utf-8")

    valid("buildkite", file)


@pytest.mark.parametrize("text", [BATCH, MERGE], ids=["shards", "report"])
def test_the_buildspecs_shown_are_codebuilds(text: str) -> None:
    Draft202012Validator(BUILDSPEC).validate(load(text))


def test_the_batch_shown_starts_each_shard_once_and_then_the_report() -> None:
    *shards, report = _GRAPH

    count = len(shards)
    numbered = [f"{index}/{count}" for index in range(1, count + 1)]
    assert [task["env"]["variables"]["SHARD"] for task in shards] == numbered
    assert report["depend-on"] == [task["identifier"] for task in shards]
    assert f"`{report['buildspec']}`:" in PAGES["docs/guide/ci.md"]


@pytest.mark.parametrize("name", _scripts())
def test_the_scripts_shown_pass_shellcheck(name: str, tmp_path: Path) -> None:
    script = tmp_path / "script.sh"
    script.write_text("#!/bin/sh\n" + "\n".join(_scripts()[name]) + "\n", "utf-8")

    # There is no file to follow after `.`.
    checked("shellcheck", "--exclude=SC1091", script)


@pytest.mark.parametrize(
    "since", [pytest.param(False, marks=pytest.mark.extended), True], ids=["all", "since"]
)
def test_the_jobs_of_buildkite_build_each_function_once(
    since: bool, tiny: Path, runner: dict[str, str], tmp_path: Path
) -> None:
    artifacts, agent = tmp_path / "artifacts", tmp_path / "agent"
    agent.mkdir()
    (agent / "buildkite-agent").write_text(_AGENT, "utf-8")
    (agent / "buildkite-agent").chmod(0o755)
    path = f"{agent}{os.pathsep}{runner['PATH']}"
    count = 2  # the pipeline has more, which takes longer
    _edit(tiny)
    environment = runner | {
        "ARTIFACTS": str(artifacts),
        "BUILDKITE_PARALLEL_JOB_COUNT": str(count),
        "BUILDKITE_PULL_REQUEST_BASE_BRANCH": "main" if since else "",
        "PATH": path,
    }

    for index in range(count):
        job = _cloned(tiny, tmp_path / f"job-{index}")
        _run(_commands(_SHARDS)[1:], job, environment | {"BUILDKITE_PARALLEL_JOB": str(index)})
        _share(job, _SHARDS["artifact_paths"], artifacts)
    last = _cloned(tiny, tmp_path / "last")
    _run(_commands(_REPORT)[1:], last, environment)
    _share(last, _REPORT["artifact_paths"], tmp_path / "end")

    _check(tmp_path / "end", since=since)


@pytest.mark.extended
@pytest.mark.parametrize("since", [False, True], ids=["all", "since"])
def test_the_builds_of_codebuild_build_each_function_once(
    since: bool, tiny: Path, runner: dict[str, str], tmp_path: Path
) -> None:
    *shards, report = _GRAPH
    _edit(tiny)
    with server.moto() as address:
        environment = runner | server.ENVIRONMENT | {
            "AWS_ENDPOINT_URL": address,
            "BUCKET": f"s3://{server.BUCKET}/builds",
            "CODEBUILD_RESOLVED_SOURCE_VERSION": git(tiny, "rev-parse", "HEAD"),
            "CODEBUILD_WEBHOOK_BASE_REF": "refs/heads/main" if since else "",
            "PATH": f"{runner['PATH']}{os.pathsep}{AWS.parent}",
        }  # fmt: skip
        for task in (*shards, report):
            build = load(MERGE if "buildspec" in task else BATCH)
            name = task["identifier"]
            job = _cloned(tiny, tmp_path / name)
            told = {
                "CODEBUILD_BATCH_BUILD_IDENTIFIER": name,
                **task.get("env", {}).get("variables", {}),
            }
            _run(build["phases"]["build"]["commands"], job, environment | told)
    _share(job, build["artifacts"]["files"], tmp_path / "end")

    _check(tmp_path / "end", since=since)


def test_a_function_that_fails_leaves_it_to_the_report_of_codebuild(
    tiny: Path, runner: dict[str, str]
) -> None:
    build, _ = load(BATCH)["phases"]["build"]["commands"]
    (tiny / "api" / "two" / "main.go").write_text("package main\n\nfunc main() { undefined() }\n")
    environment = runner | {
        "CODEBUILD_BATCH_BUILD_IDENTIFIER": "shard_1",
        "CODEBUILD_WEBHOOK_BASE_REF": "",
        "SHARD": "1/1",
    }

    _run([build], tiny, environment)
    report = json.loads((tiny / "dist/shard_1/report.json").read_text("utf-8"))
    failed = [f["name"] for f in report["functions"] if f["status"] == "failed"]
    assert failed == ["two"]
    with pytest.raises(AssertionError, match="`2/1` is not a shard"):
        _run([build], tiny, environment | {"SHARD": "2/1"})


def _edit(tiny: Path) -> None:
    """Commit a change of one function on a branch."""
    git(tiny, "checkout", "--quiet", "-b", "topic")
    (tiny / "api" / "two" / "main.go").write_text("package main\n\nfunc main() { _ = 1 }\n")
    git(tiny, "commit", "--quiet", "--all", "--message=b")


def _cloned(top: Path, place: Path) -> Path:
    git(top, "clone", "--quiet", "--branch=topic", "--single-branch", str(top), str(place))
    return place


def _share(job: Path, patterns: Sequence[str], place: Path) -> None:
    """Keep the files of a job that patterns name, at their paths; a shard may have no manifest."""
    for pattern in patterns:
        for file in job.glob(pattern):
            copy = place / file.relative_to(job)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, copy)


def _check(place: Path, *, since: bool) -> None:
    built = ["two"] if since else ["one", "three", "two"]
    report = json.loads((place / "report.json").read_text("utf-8"))
    assert [(f["name"], f["status"]) for f in report["functions"]] == [(n, "built") for n in built]
    manifest = json.loads((place / "manifest.json").read_text("utf-8"))
    assert [f["name"] for f in manifest["functions"]] == built


def _run(script: Sequence[str], directory: Path, environment: Mapping[str, str]) -> None:
    # Buildkite's agent runs bash like this; CodeBuild, sh.
    done = subprocess.run(
        ["sh", "-e", "-c", "\n".join(script)], check=False, cwd=directory, env=environment,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
