"""`lambdabuild serve` with functions for eawsy's runtimes: no call of one gets old code."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.local.project import Serve, serving

FIXTURE = Path(__file__).parents[2] / "fixtures" / "eawsy"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serve]:
    project = tmp_path_factory.mktemp("serve") / "eawsy"
    shutil.copytree(FIXTURE, project)
    with serving(project) as running:
        yield running


def replace(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


@pytest.mark.parametrize(
    ("name", "file", "old", "new"),
    [
        ("elsewhere", "handlers/handlers.go", '"elsewhere", nil', '"new", nil'),
        pytest.param("old", "api/old/handler.go", '"event": evt', '"event": "new"',
                     marks=pytest.mark.extended),
        pytest.param(
            "gateway",
            "upstream/aws-lambda-go-event/service/lambda/runtime/event/apigatewayproxyevt/decoder.go",
            "jrc.Authorizer\n", 'map[string]string{"new": "yes"}\n', marks=pytest.mark.extended,
        ),
    ],
)  # fmt: skip
def test_a_call_right_after_a_save_gets_the_new_code(
    server: Serve, name: str, file: str, old: str, new: str
) -> None:
    event: dict[str, object] = {"requestContext": {"identity": {}, "authorizer": {}}}
    before = str(server.call(name, event))
    assert "new" not in before

    replace(server.project / file, old, new)
    after = str(server.call(name, event))

    assert "new" in after
    assert "errorType" not in before + after


def test_a_handler_with_a_wrong_signature_is_an_error_of_its_calls_until_it_is_mended(
    server: Serve,
) -> None:
    file = server.project / "api/typed/handler.go"
    whole = file.read_text()
    assert server.call("typed", {"Foo": "bar"}) == {"Foo": "bar"}

    replace(file, "(*Event, error)", "*Event")
    replace(file, "return evt, nil", "return evt")
    answer = server.call("typed")

    assert answer["errorType"] == "BuildFailed"
    assert answer["errorMessage"].startswith(
        "api/typed/handler.go:12:6: error: `Handle` is no handler: it is "
        "`func(evt *Event, ctx *runtime.Context) *Event`"
    )
    file.write_text(whole)
    assert server.call("typed", {"Foo": "bar"}) == {"Foo": "bar"}


@pytest.mark.extended
def test_another_handler_name_counts(server: Serve) -> None:
    server.post("named")
    replace(server.project / "lambdabuild.toml", '"Run"', '"Handle"')

    server.wait_for("the other", lambda: "`Handle` is no handler" in str(server.post("named")))
