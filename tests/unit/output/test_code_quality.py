"""GitLab's code-quality report, as GitLab documents it."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from lambdabuild.core.errors import LambdabuildError
from lambdabuild.core.gopackage import Diagnostic
from lambdabuild.core.result import Status, StepResult
from lambdabuild.output.code_quality import (
    Issue,
    build_issues,
    code_quality_text,
    issue,
    refusal_issue,
)
from tests.schemas import CODE_QUALITY
from tests.unit.values import ARM64, PROJECT, diagnostics, relative, step, texts

AUTH = f"{PROJECT}/internal/auth/auth.go"
UNDEFINED = Diagnostic("m/internal/auth", "undefined: token", AUTH, 7, 3)


def failed(name: str, *errors: Diagnostic, **more: Any) -> StepResult:
    return StepResult(step(name, **more), Status.FAILED, errors=errors)


def written(*issues: Issue) -> list[dict[str, Any]]:
    values: list[dict[str, Any]] = json.loads(code_quality_text(issues))
    Draft202012Validator(CODE_QUALITY).validate(values)
    fingerprints = [value["fingerprint"] for value in values]
    assert len(fingerprints) == len(set(fingerprints))
    return values


def of_build(*results: StepResult) -> list[dict[str, Any]]:
    return written(*build_issues(results, relative))


def test_an_error_is_one_issue_at_its_line_whatever_it_costs() -> None:
    (value,) = of_build(
        failed("users-get", UNDEFINED),
        failed("users-get", UNDEFINED, target=ARM64),
        failed("users-list", UNDEFINED._replace(package="m/api/users/list")),
    )

    assert value == {
        "description": "undefined: token; `users-get`, `users-list` did not build",
        "check_name": "lambdabuild/build",
        "fingerprint": value["fingerprint"],
        "severity": "blocker",
        "location": {"path": "internal/auth/auth.go", "lines": {"begin": 7}},
    }


def test_where_all_is_well_the_list_is_empty() -> None:
    assert of_build(StepResult(step(), Status.BUILT)) == []


def test_an_issue_is_known_again_when_lines_move_and_when_it_costs_more() -> None:
    (before,) = of_build(failed("users-get", UNDEFINED))
    moved = UNDEFINED._replace(line=90)
    (after,) = of_build(failed("users-get", moved), failed("users-list", moved))

    assert before["fingerprint"] == after["fingerprint"]


def test_equal_errors_on_two_lines_are_two_issues() -> None:
    values = of_build(failed("users-get", UNDEFINED, UNDEFINED._replace(line=8)))

    assert [value["location"]["lines"]["begin"] for value in values] == [7, 8]


def test_an_error_that_is_nowhere_in_the_repository_is_shown_at_the_function() -> None:
    link = Diagnostic("m/api/users/get", "link: undefined reference")
    module = Diagnostic("x/y", "undefined: z", "/go/pkg/mod/x/y/z.go", 4, 2)
    values = of_build(failed("users-get", link, module))

    assert [(value["location"], value["description"]) for value in values] == [
        (
            {"path": "api/users/get", "lines": {"begin": 1}},
            "/go/pkg/mod/x/y/z.go:4:2: undefined: z; `users-get` did not build",
        ),
        (
            {"path": "api/users/get", "lines": {"begin": 1}},
            "link: undefined reference; `users-get` did not build",
        ),
    ]


def test_what_could_not_start_is_an_issue_of_the_file_or_else_of_the_pipeline() -> None:
    wrong = LambdabuildError("it is wrong", at=["go.mod"], hint="mend it", file=f"{PROJECT}/go.mod",
                             line=4)  # fmt: skip
    twice = LambdabuildError("two are named `a`", at=["api/a and b/a"], hint="exclude one")
    values = written(refusal_issue(wrong, relative), refusal_issue(twice, relative))

    assert [(value["location"], value["description"]) for value in values] == [
        (
            {"path": ".gitlab-ci.yml", "lines": {"begin": 1}},
            "two are named `a`; at: api/a and b/a; hint: exclude one",
        ),
        ({"path": "go.mod", "lines": {"begin": 4}}, "it is wrong; hint: mend it"),
    ]


@given(st.lists(diagnostics.map(lambda error: error._replace(message=error.message or "x"))), texts)
def test_whatever_is_said_is_a_report(errors: list[Diagnostic], said: str) -> None:
    of_build(failed("users-get", *errors))
    error = Diagnostic(None, f"x{said}", AUTH, 1)
    written(issue("architecture", "major", error, relative, "x", said))
