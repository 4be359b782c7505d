import copy
import json
from collections.abc import Callable
from functools import cache
from importlib import resources
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lambdabuild.core.artifact import Artifact
from lambdabuild.core.errors import FAILED, LambdabuildError
from lambdabuild.core.result import Report
from lambdabuild.output.merge import is_manifest, is_report, merge_manifests, merge_reports
from lambdabuild.output.report import list_value, manifest_text, report_value
from lambdabuild.selection.shards import fingerprint, split
from tests.unit.values import artifacts, relative, reports

AMD, ARM = "linux/amd64", "linux/arm64"
JSON = dict[str, Any]


@cache
def validator(name: str) -> jsonschema.Draft202012Validator:
    text = resources.files("lambdabuild").joinpath("schemas", f"{name}.schema.json").read_text()
    return jsonschema.Draft202012Validator(json.loads(text))


def function(name: str, target: str = AMD, sha256: str | None = "a" * 64, **more: Any) -> JSON:
    """Return a function as a manifest has it."""
    return {
        "name": name,
        "package": f"example.com/shop/api/{name}",
        "directory": f"api/{name}",
        "target": target,
        "architecture": "x86_64",
        "runtime": "provided.al2023",
        "artifact": f"dist/{name}/bootstrap",
        "size": 9,
        "sha256": sha256,
        "zip": None,
        "zip_size": None,
        "code_sha256": None,
        **more,
    }


def reported(name: str, target: str = AMD, status: str = "built", **more: Any) -> JSON:
    """Return a function as a report has it."""
    times = dict.fromkeys(("compile_seconds", "link_seconds", "seconds"), 0.5)
    said: JSON = {"status": status, "reason": None, "keeps_all_methods": None, "errors": []}
    return function(name, target, **more) | times | said


def report(*functions: JSON, **more: Any) -> JSON:
    made = {"schema": 1, "ok": True, "seconds": 2.5, "go": "go1.26.8", "jobs": 2}
    made["warnings"] = []
    return {**made, "functions": list(functions), **more}


def test_warnings_are_told_once_and_reports_without_any_merge_as_well() -> None:
    named = shards(3)
    del named[0][1]["warnings"]
    named[1][1]["warnings"] = ["`a` is large"]
    named[2][1]["warnings"] = ["`a` is large", "`b` is large"]
    assert merge_reports(named)["warnings"] == ["`a` is large", "`b` is large"]


def manifest(*functions: JSON) -> JSON:
    return {"schema": 1, "functions": list(functions)}


def shards(count: int = 4) -> list[tuple[str, JSON]]:
    """Return the reports of shards that build a function each, `f1` to `f4`."""
    return [
        (
            f"{index}.json",
            report(
                reported(f"f{index}"),
                seconds=float(index),
                shard={"index": index, "count": count, "functions": count, "split": "5f"},
            ),
        )
        for index in range(1, count + 1)
    ]


def test_the_reports_of_shards_become_the_one_of_a_build_without() -> None:
    merged = merge_reports(shards())
    assert merged == report(*(reported(f"f{n}") for n in (1, 2, 3, 4)), seconds=4.0, jobs=8)
    validator("report").validate(merged)


def test_functions_come_by_name_then_target() -> None:
    merged = merge_reports(
        [("1", report(reported("b", ARM), reported("b"))), ("2", report(reported("a", ARM)))]
    )
    told = [(f["name"], f["target"]) for f in merged["functions"]]
    assert told == [("a", ARM), ("b", AMD), ("b", ARM)]


@pytest.mark.parametrize("failed", range(4))
def test_all_is_well_only_if_every_shard_is(failed: int) -> None:
    named = shards()
    named[failed][1]["ok"] = False
    assert merge_reports(named)["ok"] is False


def unique(made: Report) -> Report:
    results = {result.step.key: result for result in made.results}
    return made._replace(results=tuple(results.values()), share=None)


@given(reports.map(unique), st.integers(1, 5), st.permutations(range(5)))
def test_any_report_that_shards_have_between_them_is_merged_as_it_was(
    made: Report, count: int, order: list[int]
) -> None:
    whole = report_value(made, relative)
    names = {f["name"] for f in whole["functions"]}
    parts = split(dict.fromkeys(names), count)
    common = {"count": count, "functions": len(names), "split": fingerprint(parts)}
    named = [
        (
            str(index),
            {
                **whole,
                "functions": [f for f in whole["functions"] if f["name"] in part],
                "shard": {"index": index, **common},
            },
        )
        for index, part in enumerate(parts, 1)
    ]
    merged = merge_reports([named[place] for place in order if place < count])
    assert merged == {**whole, "jobs": whole["jobs"] * count}
    validator("report").validate(merged)


def test_reports_without_shards_are_merged_if_they_do_not_overlap() -> None:
    named = [("amd.json", report(reported("a"))), ("arm.json", report(reported("a", ARM)))]
    merged = merge_reports(named)
    assert merged == report(reported("a"), reported("a", ARM), jobs=4)
    assert merge_reports([("one.json", merged)]) == merged


def drop_the_third(named: list[tuple[str, JSON]]) -> None:
    del named[2]


def give_the_second_twice(named: list[tuple[str, JSON]]) -> None:
    named.append(("again.json", named[1][1]))


def change_the_count(named: list[tuple[str, JSON]]) -> None:
    named[1][1]["shard"]["count"] = 5


def change_the_split(named: list[tuple[str, JSON]]) -> None:
    named[3][1]["shard"]["split"] = "60"


def lose_a_function(named: list[tuple[str, JSON]]) -> None:
    named[3][1]["functions"] = []


def build_one_twice(named: list[tuple[str, JSON]]) -> None:
    named[3][1]["functions"].append(reported("f2"))


def change_the_go(named: list[tuple[str, JSON]]) -> None:
    named[1][1]["go"] = "go1.27.3"


def forget_the_shard(named: list[tuple[str, JSON]]) -> None:
    del named[1][1]["shard"]


def change_the_schema(named: list[tuple[str, JSON]]) -> None:
    named[1][1]["schema"] = 2


def keep_one_of_twelve(named: list[tuple[str, JSON]]) -> None:
    named[:] = shards(12)[:1]


ALL = ["1.json", "2.json", "3.json", "4.json"]


@pytest.mark.parametrize(
    ("damage", "message", "at", "hint"),
    [
        (
            drop_the_third,
            "the report of shard 3/4 is missing",
            ["1.json", "2.json", "4.json"],
            "did its job fail before it built anything? give the reports of all shards",
        ),
        (
            keep_one_of_twelve,
            "the report of shard 2/12, 3/12, 4/12, 5/12, 6/12 and 6 more is missing",
            ["1.json"],
            "did its job fail before it built anything? give the reports of all shards",
        ),
        (
            give_the_second_twice,
            "shard 2/4 is given twice",
            ["2.json", "again.json"],
            "give the report of each shard once, and of one build only",
        ),
        (
            change_the_count,
            "shard 1/4 and shard 2/5 are not of one build",
            ["1.json", "2.json"],
            "give the report of each shard once, and of one build only",
        ),
        (
            change_the_split,
            "shard 1/4 and shard 4/4 divided the functions differently",
            ["1.json", "4.json"],
            "the shards saw different recorded times or different sources: give each the same "
            "file to `--times` (or none) and the same checkout, and the same flags",
        ),
        (
            lose_a_function,
            "the reports tell of 3 functions, and the shards had 4 to build",
            ALL,
            "give the reports as the shards of one build wrote them",
        ),
        (
            build_one_twice,
            f"`f2` for {AMD} is in two reports",
            ["2.json", "4.json"],
            "reports can be merged if no function was built twice",
        ),
        (
            change_the_go,
            "one was built with go1.26.8, another with go1.27.3",
            ["1.json", "2.json"],
            "install the same Go on each machine; in GitHub Actions, with setup-go's "
            "`go-version-file: go.mod`",
        ),
        (
            forget_the_shard,
            "one report is of a shard, and another is not",
            ["1.json", "2.json"],
            "give the report of each shard once, and of one build only",
        ),
        (
            change_the_schema,
            "its schema is 2, and this lambdabuild reads 1",
            ["2.json"],
            "merge with the version of lambdabuild that wrote it",
        ),
    ],
)
def test_reports_that_are_not_of_one_whole_build_are_refused(
    damage: Callable[[list[tuple[str, JSON]]], None], message: str, at: list[str], hint: str
) -> None:
    named = copy.deepcopy(shards())
    damage(named)
    with pytest.raises(LambdabuildError) as refused:
        merge_reports(named)
    error = refused.value
    assert (error.message, list(error.at), error.hint) == (message, at, hint)


def test_a_function_in_two_reports_without_shards_is_refused() -> None:
    named = [(path, report(reported("a"))) for path in ("1.json", "2.json")]
    with pytest.raises(LambdabuildError, match=r"`a` for linux/amd64 is in two reports"):
        merge_reports(named)


def test_of_a_run_that_could_not_start_the_error_is_told() -> None:
    told = {"message": "it is wrong", "hint": "mend it", "file": None, "line": None, "column": None}
    refusal = {"schema": 1, "ok": False, "functions": [], "error": told}
    other = {**refusal, "error": told | {"message": "that too", "hint": None}}
    validator("report").validate(refusal)
    assert is_report(refusal)
    with pytest.raises(LambdabuildError) as one:
        merge_reports([("1.json", report(reported("a"))), ("2.json", refusal)])
    assert str(one.value) == (
        "one of the builds could not start\n  at: 2.json: it is wrong\n  hint: mend it"
    )
    assert one.value.exit_code == FAILED
    with pytest.raises(LambdabuildError) as both:
        merge_reports([("1.json", other), ("2.json", refusal)])
    assert str(both.value) == (
        "2 of the builds could not start\n  at: 1.json: that too\n  at: 2.json: it is wrong"
    )


SHARD = {"index": 1, "count": 1, "functions": 0, "split": ""}


@pytest.mark.parametrize(
    "value",
    [
        None, 3, "a", [], {}, manifest(), manifest(function("a")),
        list_value([], None, str),
        report() | {"functions": None}, report() | {"ok": 1}, report() | {"seconds": None},
        report() | {"seconds": True}, report() | {"go": 1}, report() | {"jobs": "2"},
        report(warnings="a"), report(warnings=[1]),
        report(3),  # type: ignore[arg-type]
        report({"name": "a"}), report(reported("a", sha256=3)),
        *(report(shard=SHARD | more) for more in (
            {"index": 0}, {"index": 2}, {"count": "1"}, {"functions": None}, {"split": 1},
        )),
        report(shard=None), report(shard={}),
    ],
)  # fmt: skip
def test_what_is_no_report_is_refused(value: Any) -> None:
    with pytest.raises(LambdabuildError) as refused:
        merge_reports([("other.json", value)])
    assert refused.value.message == "this is no report of lambdabuild"
    assert refused.value.at == ("other.json",)


def test_a_report_with_a_function_twice_is_refused() -> None:
    with pytest.raises(LambdabuildError, match=r"`a` for linux/amd64 is in this report twice"):
        merge_reports([("1.json", report(reported("a"), reported("a")))])


@pytest.mark.parametrize(
    ("value", "kinds"),
    [
        (report_value(Report(True, 1, "go1.26.8", 2, ()), relative), (True, False)),
        (shards()[0][1], (True, False)),
        (json.loads(manifest_text([])), (False, True)),
        (manifest(function("a")), (False, True)),
        (list_value([], None, relative), (False, False)),
        ({"schema": 2, "ok": True, "functions": []}, (True, False)),
        ({"schema": 2, "functions": []}, (False, True)),
    ],
)
def test_reports_manifests_and_lists_are_told_apart(value: Any, kinds: tuple[bool, bool]) -> None:
    assert (is_report(value), is_manifest(value)) == kinds


@pytest.mark.parametrize("value", [None, 3, [], {}, {"functions": 3, "schema": 1, "ok": True}])
def test_what_is_neither_is_neither(value: Any) -> None:
    assert (is_report(value), is_manifest(value)) == (False, False)


OLD, NEW = "0" * 64, "f" * 64


def test_manifests_that_agree_are_merged_by_name_then_target() -> None:
    merged = merge_manifests(
        [
            ("1/manifest.json", manifest(function("b"), function("b", ARM))),
            ("2/manifest.json", manifest(function("a"), function("b"))),
        ],
        report(reported("a"), reported("b"), reported("b", ARM)),
    )
    assert merged == manifest(function("a"), function("b"), function("b", ARM))
    validator("manifest").validate(merged)


def test_of_two_executables_the_one_that_was_reported_is_taken() -> None:
    old, new = function("a", sha256=OLD), function("a", sha256=NEW)
    for named in ([("1", manifest(old)), ("2", manifest(new))], [("2", manifest(new)), ("1", manifest(old))]):  # fmt: skip
        assert merge_manifests(named, report(reported("a", sha256=NEW))) == manifest(new)
        assert merge_manifests(named, report(reported("a", sha256=OLD))) == manifest(old)


def test_of_two_zips_of_one_executable_the_one_that_was_reported_is_taken() -> None:
    one, other = (
        function("a", zip="dist/a.zip", zip_size=3, code_sha256=f"{letter * 43}=")
        for letter in "AB"
    )
    told = report(reported("a", code_sha256=f"{'B' * 43}="))
    assert merge_manifests([("1", manifest(one)), ("2", manifest(other))], told) == manifest(other)


@pytest.mark.parametrize(
    ("named", "told", "message", "at"),
    [
        (
            [("1", manifest(function("a", sha256=OLD))), ("2", manifest(function("a")))],
            report(reported("a", sha256=NEW)),
            f"no manifest has `a` for {AMD} as it was reported",
            ("1", "2"),
        ),
        (
            [("1", manifest(function("a", sha256=OLD))), ("2", manifest())],
            report(reported("a", sha256=NEW)),
            f"no manifest has `a` for {AMD} as it was reported",
            ("1", "2"),
        ),
        (
            [("1", manifest(function("a")))],
            report(reported("a"), reported("a", ARM)),
            f"no manifest has `a` for {ARM} as it was reported",
            ("1",),
        ),
        (
            [("1", manifest(function("a", sha256=OLD))), ("2", manifest(function("a")))],
            report(reported("b")),
            f"the manifests differ about `a` for {AMD}",
            ("1", "2"),
        ),
        (
            [("1", manifest(function("a"))), ("2", manifest(function("a", size=8)))],
            report(reported("a")),
            f"the manifests differ about `a` for {AMD}",
            ("1", "2"),
        ),
        (
            [("1", manifest(function("a"), function("a")))],
            report(reported("a")),
            f"`a` for {AMD} is in this manifest twice",
            ("1",),
        ),
        ([("1", report())], report(), "this is no manifest of lambdabuild", ("1",)),
        ([("1", manifest({"name": "a"}))], report(), "this is no manifest of lambdabuild", ("1",)),
        (
            [("1", {"schema": 2, "functions": []})],
            report(),
            "its schema is 2, and this lambdabuild reads 1",
            ("1",),
        ),
    ],
)
def test_manifests_that_cannot_be_joined_are_refused(
    named: list[tuple[str, JSON]], told: JSON, message: str, at: tuple[str, ...]
) -> None:
    with pytest.raises(LambdabuildError) as refused:
        merge_manifests(named, told)
    assert (refused.value.message, refused.value.at) == (message, at)
    assert refused.value.hint


def test_what_is_in_no_report_is_kept_where_all_that_have_it_agree() -> None:
    named = [("1", manifest(function("a"))), ("2", manifest(function("a"))), ("3", manifest())]
    named.append(("4", manifest(function("b"))))
    assert merge_manifests(named, report(reported("b"))) == manifest(function("a"), function("b"))


published = st.lists(artifacts(), max_size=3, unique_by=lambda a: a.key)


@settings(max_examples=20)
@given(published, st.data())
def test_any_manifest_that_directories_have_between_them_is_merged_as_it_was(
    made: list[Artifact], data: st.DataObject
) -> None:
    whole = json.loads(manifest_text(made))
    named = [
        (path, manifest(*(f for f in whole["functions"] if data.draw(st.booleans()))))
        for path in ("1", "2")
    ]
    named.append(("3", whole))
    told = report(*({"status": "built", **f} for f in whole["functions"]))
    merged = merge_manifests(named, told)
    assert merged == whole
    validator("manifest").validate(merged)


def test_what_failed_and_has_no_executable_does_not_hide_that_it_failed() -> None:
    stale = manifest(function("a"))
    told = report(reported("a", status="failed", sha256=None), ok=False)
    assert merge_manifests([("1", manifest()), ("2", stale)], told) == stale
