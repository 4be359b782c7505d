"""What the documentation says of CI is true.

GitHub's workflows go through actionlint, GitLab's pipelines through GitLab's schema, and the scripts
of both are run.
"""

import json
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.docs.checkers import checked, valid
from tests.docs.composite import ACTION, DEFINITION, load
from tests.docs.conftest import git
from tests.docs.markdown import blocks
from tests.docs.pages import PAGES, ROOT

CI = "docs/guide/ci.md"
USED = "OWNER/lambdabuild/.github/actions/lambdabuild@COMMIT"


def _snippets() -> dict[str, str]:
    return {
        f"{name}:{block.line}": block.text
        for name, text in PAGES.items()
        for block in blocks(text, "yaml")
    }


def _workflows() -> dict[str, str]:
    """Return GitHub's workflows; of steps alone, a workflow of them."""
    steps = "on: push\njobs:\n  job:\n    runs-on: ubuntu-latest\n    steps:\n"
    return {
        place: steps + text.replace("- uses", "      - uses", 1).replace("\n  ", "\n        ")
        if text.startswith("- uses")
        else text
        for place, text in _snippets().items()
        if "\njobs:\n" in text or text.startswith("- uses")
    }


def _pipelines() -> dict[str, Any]:
    return {place: load(text) for place, text in _snippets().items() if "_script:\n" in text}


def _with_jobs() -> dict[str, Any]:
    return {place: pipeline for place, pipeline in _pipelines().items() if "report" in pipeline}


def test_the_workflows_shown_pass_actionlint(tmp_path: Path) -> None:
    shutil.copytree(ACTION, tmp_path / ".github" / "actions" / "lambdabuild")
    (tmp_path / ".git").mkdir()
    directory = tmp_path / ".github" / "workflows"
    directory.mkdir()
    shown = _workflows()
    for number, text in enumerate(shown.values()):
        assert USED in text
        # As an action of the repository itself, its inputs are checked.
        local = text.replace(USED, "./.github/actions/lambdabuild")
        (directory / f"{number}.yml").write_text(local, "utf-8")

    assert CI in {place.partition(":")[0] for place in shown}
    checked("actionlint", "-no-color", at=tmp_path)


def test_the_pipelines_shown_are_gitlabs(tmp_path: Path) -> None:
    paths = [tmp_path / f"{number}.yml" for number, _ in enumerate(_pipelines())]
    for place, path in zip(_pipelines(), paths, strict=True):
        path.write_text(_snippets()[place], "utf-8")

    valid("gitlab-ci", *paths)


@pytest.mark.parametrize("place", _pipelines())
def test_the_scripts_of_the_pipelines_pass_shellcheck(place: str, tmp_path: Path) -> None:
    jobs = [job for job in _pipelines()[place].values() if isinstance(job, dict)]
    lines = [
        line for job in jobs for key in ("before_script", "script") for line in job.get(key, ())
    ]
    script = tmp_path / "script.sh"
    script.write_text("#!/bin/sh\n" + "\n".join(lines) + "\n", "utf-8")

    # There is no file to follow after `.`.
    checked("shellcheck", "--exclude=SC1091", script)


@pytest.mark.parametrize("since", [False, True], ids=["all", "since"])
@pytest.mark.parametrize("place", _with_jobs())
def test_the_pipelines_shown_build_each_function_once(
    place: str, since: bool, tiny: Path, runner: dict[str, str]
) -> None:
    pipeline = _with_jobs()[place]
    base = git(tiny, "rev-parse", "HEAD")
    (tiny / "api" / "two" / "main.go").write_text("package main\n\nfunc main() { _ = 1 }\n")
    of_the_job = {
        "CI_NODE_TOTAL": "2",
        "CI_MERGE_REQUEST_DIFF_BASE_SHA": base if since else "",
    }

    for index in ("1", "2"):
        _run(pipeline[".functions"]["script"], tiny, runner | of_the_job | {"CI_NODE_INDEX": index})
    _run(pipeline["report"]["script"], tiny, runner)

    built = ["two"] if since else ["one", "three", "two"]
    report = json.loads((tiny / "report.json").read_text("utf-8"))
    assert [(f["name"], f["status"]) for f in report["functions"]] == [(n, "built") for n in built]
    manifest = json.loads((tiny / "manifest.json").read_text("utf-8"))
    assert [f["name"] for f in manifest["functions"]] == built
    assert all((tiny / f["artifact"]).is_file() for f in manifest["functions"])


def _run(script: list[str], directory: Path, environment: Mapping[str, str]) -> None:
    done = subprocess.run(
        ["sh", "-e", "-c", "\n".join(script)], check=False, cwd=directory, env=environment,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout


def test_the_gate_tells_what_the_exit_code_says(tiny: Path, runner: dict[str, str]) -> None:
    (gate,) = (load(text) for text in _workflows().values() if "--exit-code" in text)
    script = next(step["run"] for step in gate["jobs"]["affected"]["steps"] if "run" in step)
    output = Path(runner["RUNNER_TEMP"], "output")
    environment = runner | {"GITHUB_OUTPUT": str(output)}

    _run([script], tiny, environment | {"BASE": "main"})
    (tiny / "api" / "two" / "main.go").write_text("package main\n\nfunc main() { _ = 1 }\n")
    _run([script], tiny, environment | {"BASE": "main"})
    with pytest.raises(AssertionError, match="git knows no commit"):
        _run([script], tiny, environment | {"BASE": "origin/gone"})

    assert output.read_text("utf-8").splitlines() == ["any=false", "any=true"]


def test_the_document_names_every_input_of_the_action() -> None:
    _, _, table = PAGES[CI].partition("| input | is |\n")
    rows = table.partition("\n\n")[0].splitlines()[1:]

    shown = [name.strip(" `") for row in rows for name in row.split("|")[1].split(",")]
    assert sorted(shown) == sorted(DEFINITION["inputs"])


def test_the_hook_shown_is_the_one_there_is() -> None:
    (shown,) = (load(text) for text in _snippets().values() if text.startswith("repos:"))
    (hook,) = load((ROOT / ".pre-commit-hooks.yaml").read_text("utf-8"))

    assert [used["id"] for used in shown["repos"][0]["hooks"]] == [hook["id"]]
