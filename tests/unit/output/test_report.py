import json
import random
import re
from collections.abc import Iterable
from functools import cache
from importlib import resources
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdabuild.core.artifact import Artifact, Identity, Kind, Sidecar
from lambdabuild.core.build import Function, Skipped
from lambdabuild.core.gopackage import Diagnostic
from lambdabuild.core.result import Activity, Report, Span, Status, StepResult
from lambdabuild.core.target import Runtime, Target
from lambdabuild.core.text import duration, size, size_change, to_json
from lambdabuild.output.report import (
    Fault,
    Imported,
    faults,
    imported,
    list_value,
    manifest_text,
    report_value,
    slowest,
    summary,
)
from tests.unit.values import (
    ARM64,
    DARWIN,
    PROJECT,
    X86_64,
    artifact,
    artifacts,
    directories,
    functions,
    relative,
    reports,
    results,
    runtimes,
    step,
    targets,
    texts,
)

SHA256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
UNDECLARED = Diagnostic(
    "example.com/shop/api/users/get",
    "declared and not used: x",
    f"{PROJECT}/api/users/get/main.go",
    3,
    19,
)
SCHEMAS = ("report", "manifest", "list")
# What only a run that could start tells, or only one that could not.
OPTIONAL = {
    "report": ["seconds", "go", "jobs", "warnings", "error", "shard"],
    "manifest": [],
    "list": ["skipped", "ok", "error"],
}


def schema(name: str) -> dict[str, Any]:
    text = resources.files("lambdabuild").joinpath("schemas", f"{name}.schema.json").read_text()
    value: dict[str, Any] = json.loads(text)
    return value


@cache
def validator(name: str) -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(schema(name))


def result(name: str = "users-get", status: Status = Status.BUILT, **more: Any) -> StepResult:
    return StepResult(step(name), status, **more)


def report(*made: StepResult, seconds: float = 6.4, removed: Iterable[Artifact] = ()) -> Report:
    return Report(True, seconds, "go1.26.8", 2, made, tuple(removed))


@pytest.mark.parametrize("name", SCHEMAS)
def test_the_schemas_are_schemas_and_allow_nothing_that_they_do_not_name(name: str) -> None:
    whole = schema(name)
    jsonschema.Draft202012Validator.check_schema(whole)
    objects = [whole, *whole["$defs"].values()]
    for value in [item for item in objects if item.get("type") == "object"]:
        assert value["additionalProperties"] is False
        optional = OPTIONAL[name] if value is whole else []
        assert [*value["required"], *optional] == list(value["properties"])


def test_the_manifest_names_the_fields_of_the_report_but_those_of_one_run() -> None:
    in_report, in_manifest = (
        schema(name)["$defs"]["function"]["required"] for name in ("report", "manifest")
    )
    of_one_run = {
        "status",
        "reason",
        "keeps_all_methods",
        "compile_seconds",
        "link_seconds",
        "seconds",
        "errors",
    }
    assert [name for name in in_report if name not in of_one_run] == in_manifest


def test_a_function_that_was_built_is_reported_whole() -> None:
    made = StepResult(
        step=step(),
        status=Status.BUILT,
        reason="internal/auth/auth.go changed",
        artifact=f"{PROJECT}/dist/users-get/bootstrap",
        size=8_908_960,
        sha256=SHA256,
        compile_seconds=0.0804,
        link_seconds=0.21,
        seconds=0.3096,
        errors=(UNDECLARED,),
    )
    whole = report(made, seconds=2.30951)._replace(warnings=("`exclude` matches no function",))
    assert report_value(whole, relative) == {
        "schema": 1,
        "ok": True,
        "seconds": 2.31,
        "go": "go1.26.8",
        "jobs": 2,
        "warnings": ["`exclude` matches no function"],
        "functions": [
            {
                "name": "users-get",
                "package": "example.com/shop/api/users/get",
                "directory": "api/users/get",
                "target": "linux/amd64",
                "architecture": "x86_64",
                "runtime": "provided.al2023",
                "status": "built",
                "reason": "internal/auth/auth.go changed",
                "artifact": "dist/users-get/bootstrap",
                "size": 8_908_960,
                "sha256": SHA256,
                "zip": None,
                "zip_size": None,
                "code_sha256": None,
                "keeps_all_methods": None,
                "compile_seconds": 0.08,
                "link_seconds": 0.21,
                "seconds": 0.31,
                "errors": [
                    {
                        "file": "api/users/get/main.go",
                        "line": 3,
                        "column": 19,
                        "message": "declared and not used: x",
                    }
                ],
            }
        ],
    }


PACKED = Sidecar(
    Kind.ZIP, "dist/users-get.zip", SHA256, Identity(1, 3_722_193, 3, 4), f"{SHA256} - deflate"
)
TOLD = {
    "zip": "dist/users-get.zip",
    "zip_size": 3_722_193,
    # `openssl dgst -sha256 -binary | base64`, as the Lambda API gives it.
    "code_sha256": "n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg=",
}


def test_a_zip_is_reported_with_the_digest_that_the_lambda_api_computes() -> None:
    zipped = step()._replace(zip=f"{PROJECT}/dist/users-get.zip")
    made = StepResult(zipped, Status.BUILT, zip=PACKED)
    told = report_value(report(made), relative)["functions"][0]
    assert {name: told[name] for name in TOLD} == TOLD
    missing = report_value(report(StepResult(zipped, Status.FAILED)), relative)["functions"][0]
    assert {name: missing[name] for name in TOLD} == dict.fromkeys(TOLD)


def test_a_manifest_tells_the_zip_of_its_executable_and_of_no_other() -> None:
    made = artifact()._replace(path="dist/users-get/bootstrap", directory="api/users/get")
    for sha256, expected in ((SHA256, TOLD), ("0" * 64, dict.fromkeys(TOLD))):
        told = json.loads(manifest_text([made._replace(sha256=sha256, sidecars=(PACKED,))]))
        assert {name: told["functions"][0][name] for name in TOLD} == expected


def test_what_does_not_apply_is_null_or_empty() -> None:
    made = StepResult(step(target=DARWIN, runtime=None), Status.CANCELLED)
    told = report_value(report(made), relative)["functions"][0]
    nothing = [name for name, value in told.items() if value in (None, [])]
    assert nothing == [
        *("architecture", "runtime", "reason", "artifact", "size", "sha256"),
        *(
            "zip",
            "zip_size",
            "code_sha256",
            "keeps_all_methods",
            "compile_seconds",
            "link_seconds",
            "seconds",
        ),
        "errors",
    ]


@given(reports)
def test_every_report_keeps_to_its_schema(made: Report) -> None:
    told = report_value(made, relative)
    validator("report").validate(told)
    assert json.loads(to_json(told)) == told


@given(reports)
def test_functions_are_reported_by_name_then_target(made: Report) -> None:
    told = [(f["name"], f["target"]) for f in report_value(made, relative)["functions"]]
    assert told == sorted(told)
    assert len(told) == len(made.results)


def listed(draw: st.DrawFn) -> tuple[Function, Target, Runtime | None]:
    target = draw(targets)
    return draw(functions()), target, draw(runtimes) if target.architecture else None


passed_over = st.builds(
    Skipped,
    directory=directories,
    reason=texts.filter(bool),
    package=st.none() | directories,
    hint=st.none() | texts,
)


@given(st.lists(st.composite(listed)(), max_size=4), st.none() | st.lists(passed_over, max_size=3))
def test_every_list_keeps_to_its_schema(
    found: list[tuple[Function, Target, Runtime | None]], skipped: list[Skipped] | None
) -> None:
    validator("list").validate(list_value(found, skipped, relative))


def test_a_list_tells_functions_and_on_request_what_was_passed_over() -> None:
    found = [(step().function, ARM64, Runtime.AL2), (step("cli").function, DARWIN, None)]
    skipped = [Skipped("api/testdata/x", "Go ignores it"), Skipped("api/y", "no main", "m/y", "!")]
    told = [
        {
            "name": "users-get",
            "package": "example.com/shop/api/users/get",
            "directory": "api/users/get",
            "target": "linux/arm64",
            "architecture": "arm64",
            "runtime": "provided.al2",
            "adapter": None,
        },
        {
            "name": "cli",
            "package": "example.com/shop/api/cli",
            "directory": "api/cli",
            "target": "darwin/arm64",
            "architecture": None,
            "runtime": None,
            "adapter": None,
        },
    ]
    assert list_value(found, None, relative) == {"schema": 1, "functions": told, "skipped": []}
    assert list_value([], skipped, relative) == {
        "schema": 1,
        "functions": [],
        "skipped": [
            {"package": None, "directory": "api/testdata/x", "reason": "Go ignores it"},
            {"package": "m/y", "directory": "api/y", "reason": "no main"},
        ],
    }


published = st.lists(artifacts(), max_size=4, unique_by=lambda a: a.key)


@given(published)
def test_every_manifest_keeps_to_its_schema_and_ends_in_a_line(made: list[Artifact]) -> None:
    text = manifest_text(made)
    validator("manifest").validate(json.loads(text))
    assert text.endswith("}\n")


@given(published, st.randoms(use_true_random=False))
def test_a_manifest_is_the_same_in_whatever_order_and_whenever_it_was_built(
    made: list[Artifact], shuffler: random.Random
) -> None:
    later = [
        item._replace(identity=item.identity._replace(inode=1, modified=2, changed=3))
        for item in made
    ]
    shuffler.shuffle(later)
    assert manifest_text(later) == manifest_text(made)


@given(st.lists(artifacts(), min_size=1, max_size=1))
def test_a_manifest_tells_its_artifact(made: list[Artifact]) -> None:
    (artifact,) = made
    told = json.loads(manifest_text(made))["functions"][0]
    assert (told["name"], told["target"], told["artifact"], told["size"], told["sha256"]) == (
        artifact.function,
        str(artifact.target),
        artifact.path,
        artifact.identity.size,
        artifact.sha256,
    )


def test_json_is_indented_keeps_letters_of_any_language_and_ends_in_a_line() -> None:
    assert to_json({"name": "größe"}) == '{\n  "name": "größe"\n}\n'


@pytest.mark.parametrize(
    ("counts", "removed", "seconds", "expected"),
    [
        (
            {Status.FAILED: 1, Status.UNCHANGED: 1, Status.BUILT: 12},
            0,
            6.4,
            "built 12, unchanged 1, failed 1 of 14 in 6.4 s",
        ),
        ({Status.UP_TO_DATE: 50}, 0, 0.112, "up to date 50 of 50 in 0.11 s"),
        (
            {Status.CANCELLED: 3, Status.RESTORED: 2},
            2,
            125,
            "restored 2, cancelled 3 of 5 in 2 min 5 s",
        ),
    ],
)
def test_the_last_line_counts_what_became_of_every_function(
    counts: dict[Status, int], removed: int, seconds: float, expected: str
) -> None:
    made = [result(status=status) for status, count in counts.items() for _ in range(count)]
    assert summary(report(*made, seconds=seconds, removed=[artifact()] * removed)) == expected


def test_where_nothing_is_to_be_built_the_last_line_says_so() -> None:
    assert summary(report(seconds=0.3)) == "nothing to build in 0.30 s"


@given(st.lists(results, min_size=1, max_size=4))
def test_the_counts_of_the_last_line_add_up(made: list[StepResult]) -> None:
    line = summary(report(*made))
    *counts, total = map(int, re.findall(r"(?:to date|\w+|of) (\d+)(?=,| of| in)", line))
    assert sum(counts) == total == len(made)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0.00 s"),
        (0.314, "0.31 s"),
        (1, "1.0 s"),
        (6.44, "6.4 s"),
        (59.94, "59.9 s"),
        (59.96, "1 min 0 s"),
        (60, "1 min 0 s"),
        (125.4, "2 min 5 s"),
        (3600, "60 min 0 s"),
    ],
)
def test_durations_read_as_people_say_them(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (1_234, "1.2 kB"),
        (99_940, "99.9 kB"),
        (100_000, "0.1 MB"),
        (8_908_960, "8.9 MB"),
        (262_144_000, "262.1 MB"),
    ],
)
def test_sizes_read_as_people_say_them(count: int, text: str) -> None:
    assert size(count) == text


@pytest.mark.parametrize(
    ("before", "after", "text"),
    [
        (None, 1_000, "new"),
        (1_000, 1_000, ""),
        (1_000, 2_200, "+1.2 kB"),
        (9_000_000, 8_900_000, "-0.1 MB"),
        (1_000, None, ""),
        (None, None, ""),
    ],
)
def test_the_change_of_a_size_tells_growth_and_shrinking(
    before: int | None, after: int | None, text: str
) -> None:
    assert size_change(before, after) == text


def test_of_many_functions_the_slowest_are_named() -> None:
    made = [result(f"f{number:02}", seconds=number / 10) for number in range(1, 12)]
    restored = result("from-the-cache", Status.RESTORED, seconds=None)
    assert slowest(report(*made, restored)) == "slowest: f11 1.1 s, f10 1.0 s, f09 0.90 s"
    assert slowest(report(*made), 40) == "slowest: f11 1.1 s, f10 1.0 s"
    assert slowest(report(*made), 8) is None
    assert slowest(report(*made[1:], restored)) is None
    assert slowest(report(*(quick._replace(seconds=0.9) for quick in made))) is None
    arm = result(seconds=1.05)._replace(step=step("f11", target=ARM64))
    assert slowest(report(*made, arm)) == (
        "slowest: f11 for linux/amd64 1.1 s, f11 for linux/arm64 1.1 s, f10 1.0 s"
    )


def test_what_is_compiled_beside_the_functions_is_counted_together() -> None:
    made = report(result("a"), result("b"))._replace(
        spans=(
            Span(Activity.GO_BUILD, "linux/amd64", 0, 9),
            Span(Activity.COMPILE, "net/http", 1, 4),
            Span(Activity.COMPILE, "m/auth", 1, 2),
            # Its C code has a span of its own.
            Span(Activity.COMPILE, "m/auth", 2, 2.5),
            Span(Activity.COMPILE, result("a").step.function.package, 4, 5),
            Span(Activity.LINK, "a", 5, 6),
        )
    )
    assert imported(made) == Imported(2, 4.5)
    assert imported(made._replace(spans=made.spans[:1])) is None


def test_one_package_at_fault_is_told_once_with_all_the_functions_it_costs() -> None:
    shared = Diagnostic("m/auth", "undefined: token", f"{PROJECT}/internal/auth/auth.go", 9, 2)
    other = Diagnostic("m/auth", "missing return", f"{PROJECT}/internal/auth/auth.go", 12)
    own = Diagnostic(None, "`go build` ended with exit code 2")
    made = [
        result("a", Status.FAILED, errors=(shared,)),
        result("b", Status.FAILED, errors=(shared, other)),
        result("c", Status.BUILT),
        result("d", Status.FAILED, errors=(own,)),
        result("a", Status.FAILED, errors=(shared,)),
    ]
    assert faults(made) == [
        Fault("m/auth", ("a", "b"), (shared, other)),
        Fault(None, ("d",), (own,)),
    ]


def test_what_is_wrong_with_a_module_is_told_once_for_all_its_packages() -> None:
    unknown = Diagnostic("m/a", "unknown directive: reqire", f"{PROJECT}/go.mod", 4)
    made = [
        result(name, Status.FAILED, errors=(unknown._replace(package=f"m/{name}"),))
        for name in ("a", "b", "c")
    ]
    (fault,) = faults(made)
    assert fault == Fault("m/a", ("a", "b", "c"), (unknown,), 2)
    assert fault.lines(relative) == [
        "`a`, `b`, `c` did not build: in package m/a and 2 more",
        "  go.mod:4: unknown directive: reqire",
    ]


@given(st.lists(results, max_size=4))
def test_every_error_is_told_once_and_with_every_function_it_is_of(
    made: list[StepResult],
) -> None:
    found = faults(made)
    told = [error for fault in found for error in fault.errors]
    assert len(told) == len(set(told))
    assert len({fault.package for fault in found}) == len(found)
    packages = {error.package for result in made for error in result.errors}
    assert sum(1 + fault.others for fault in found) == len(packages)
    costs = {(bare(e), name) for fault in found for e in fault.errors for name in fault.functions}
    assert costs >= {(bare(e), r.step.function.name) for r in made for e in r.errors}
    named = {name for fault in found for name in fault.functions}
    assert named == {result.step.function.name for result in made if result.errors}


def bare(error: Diagnostic) -> Diagnostic:
    return error._replace(package=None)


def test_a_fault_names_functions_package_and_places() -> None:
    errors = (
        UNDECLARED,
        Diagnostic("m/auth", "cannot use x\n\tother.go:4:6: declared here", f"{PROJECT}/x.go", 7),
        Diagnostic("m/auth", "", f"{PROJECT}/y.go"),
        Diagnostic("m/auth", "link: running gcc failed"),
    )
    fault = Fault("m/auth", ("a", "b"), errors)
    assert fault.lines(relative) == [
        "`a`, `b` did not build: in package m/auth",
        "  api/users/get/main.go:3:19: declared and not used: x",
        "  x.go:7: cannot use x",
        "    other.go:4:6: declared here",
        "  y.go: ",
        "  link: running gcc failed",
    ]


def test_a_fault_of_many_functions_names_the_first_five() -> None:
    fault = Fault(None, tuple("abcdefga"), ())
    assert fault.lines(relative) == [
        "`a`, `b`, `c`, `d`, `e` and 2 more did not build: `go build` failed"
    ]


@pytest.mark.parametrize(
    ("message", "hint"),
    [
        (
            "write /tmp/x: no space left on device",
            "free some space: links are staged in .lambdabuild, and Go's cache is `go env GOCACHE`",
        ),
        ("link: signal: killed", "the system kills a process when memory runs out; `-j 1` needs less"),
        ("mkdir /x: read-only file system", "the project's .lambdabuild has to be writable, and `go env GOCACHE`"),
        ("missing go.sum entry for go.mod file", "`go mod tidy` adds what is missing; commit go.sum"),
    ],
)  # fmt: skip
def test_a_fault_with_a_known_cause_has_a_remedy(message: str, hint: str) -> None:
    assert Fault(None, ("a",), (Diagnostic(None, message),)).lines(relative) == [
        "`a` did not build: `go build` failed",
        f"  {message}",
        f"  hint: {hint}",
    ]


def test_a_word_of_the_program_itself_is_no_sign_of_a_cause() -> None:
    fault = Fault("m/jobs", ("a",), (Diagnostic("m/jobs", "undefined: killedBy"),))
    assert fault.lines(relative) == [
        "`a` did not build: in package m/jobs",
        "  undefined: killedBy",
    ]


def test_of_the_targets_only_those_of_lambda_have_an_architecture() -> None:
    assert [(str(t), t.architecture, t.label) for t in (X86_64, ARM64, DARWIN)] == [
        ("linux/amd64", "x86_64", "x86_64"),
        ("linux/arm64", "arm64", "arm64"),
        ("darwin/arm64", None, "darwin-arm64"),
    ]
