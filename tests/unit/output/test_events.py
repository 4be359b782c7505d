"""Every event of a watch is of the schema that says what there is."""

import json
from importlib import resources
from typing import Any

import jsonschema
from hypothesis import given, settings
from hypothesis import strategies as st
from referencing import Registry, Resource

from lambdabuild.core.errors import LambdabuildError
from lambdabuild.core.result import Status
from lambdabuild.core.text import to_json
from lambdabuild.output import events
from tests.unit.values import PROJECT, artifact, relative, reports, texts


def resource(name: str) -> Resource[Any]:
    text = resources.files("lambdabuild").joinpath("schemas", name).read_text("utf-8")
    return Resource.from_contents(json.loads(text))


FILES = ("watch.schema.json", "report.schema.json", "manifest.schema.json")
REGISTRY: Registry[Any] = Registry().with_resources([(name, resource(name)) for name in FILES])
VALIDATOR = jsonschema.Draft202012Validator({"$ref": FILES[0]}, registry=REGISTRY)


@settings(max_examples=20)
@given(reports, st.lists(texts), texts.filter(bool))
def test_whatever_happens_is_told_as_the_schema_says(
    report: Any, paths: list[str], said: str
) -> None:
    told = [events.ready(len(report.results), 0.5), events.change(paths, paths and ["a"])]
    for result in report.results:
        told.append(events.outcome(result, relative))
        assert (told[-1]["event"] == "failed") == (result.status is Status.FAILED)
    told.append(events.removed(artifact()._replace(sha256="0" * 64), relative))
    told.append(events.serving("http://127.0.0.1:9000", ["a"]))
    told.append(events.stuck(LambdabuildError(said, file=f"{PROJECT}/go.mod", line=1), relative))
    for event in told:
        line = to_json(event, indent=None)
        assert line.count("\n") == 1
        VALIDATOR.validate(json.loads(line))
