import json
import os

import pytest

from lambdabuild.build import manifest
from lambdabuild.core.errors import LambdabuildError
from lambdabuild.output.report import manifest_text
from lambdabuild.state.state import State
from tests.unit.published import (
    FORCED,
    LEAVING,
    Project,
    executable,
    identity,
    sha256,
)

MANIFEST = "dist/manifest.json"


def test_the_manifest_tells_the_artifacts_of_its_layout(project: Project) -> None:
    project.publish(executable())
    project.state.put(project.remembered._replace(path="elsewhere", layout="elsewhere"))
    manifest.write_manifest(project.state, str(project.path), "dist", lambda: LEAVING)
    text = (project.path / MANIFEST).read_text()
    assert [f["artifact"] for f in json.loads(text)["functions"]] == ["dist/users-get/bootstrap"]
    assert project.state.manifests == {MANIFEST: sha256(text.encode())}


def test_a_manifest_that_says_the_same_is_left_alone(project: Project) -> None:
    project.publish(executable())
    manifest.write_manifest(project.state, str(project.path), "dist", lambda: LEAVING)
    before = identity(project.path / MANIFEST)
    manifest.write_manifest(project.state, str(project.path), "dist", lambda: LEAVING)
    assert identity(project.path / MANIFEST) == before


def test_a_manifest_is_removed_while_it_says_what_lambdabuild_wrote(project: Project) -> None:
    project.publish(executable())
    root = str(project.path)
    manifest.write_manifest(project.state, root, "dist", lambda: LEAVING)
    assert manifest.remove_manifest(MANIFEST, project.state, root)
    assert not (project.path / MANIFEST).exists()
    assert project.state.manifests == {}

    manifest.write_manifest(project.state, root, "dist", lambda: LEAVING)
    (project.path / MANIFEST).write_text("{}")
    assert not manifest.remove_manifest(MANIFEST, project.state, root)
    assert (project.path / MANIFEST).read_text() == "{}"

    (project.path / MANIFEST).unlink()
    project.state.put_manifest(MANIFEST, "whatever")
    assert not manifest.remove_manifest(MANIFEST, project.state, root)


OTHERS = (
    "{}",
    "no JSON",
    "[" * 100_000,
    '{"schema": 1, "functions": []}',
    '{\n  "schema": 1,\n  "functions": [\n    {\n      "name": "mine"\n    }\n  ]\n}\n',
    '{\n  "schema": 2,\n  "functions": []\n}\n',
    '{\n  "schema": 1,\n  "functions": [],\n  "note": "mine"\n}\n',
)


@pytest.mark.parametrize("written_before", [False, True])
@pytest.mark.parametrize("what", [*OTHERS, b"\xff\xfe", "a link", "a pipe"], ids=range(10))
def test_a_manifest_that_lambdabuild_did_not_write_is_left(
    project: Project, what: str | bytes, *, written_before: bool
) -> None:
    root, path = str(project.path), project.path / MANIFEST
    project.publish(executable())
    if written_before:
        manifest.write_manifest(project.state, root, "dist", lambda: LEAVING)
        path.unlink()
    if what == "a link":
        (project.path / "mine").write_text("{}")
        path.symlink_to(project.path / "mine")
    elif what == "a pipe":
        os.mkfifo(path)
    else:
        path.write_bytes(what if isinstance(what, bytes) else what.encode())
    before, known = path.lstat().st_ino, dict(project.state.manifests)
    assert not manifest.is_current(project.state, root, "dist")
    with pytest.raises(LambdabuildError) as caught:
        manifest.write_manifest(project.state, root, "dist", lambda: LEAVING)
    whose = "somebody else has changed" if written_before else "it did not write"
    assert str(caught.value) == (
        f"`{path}` is in the way: lambdabuild replaces no file that {whose}\n"
        "  hint: the functions are built; move it away, or let `--force` replace it"
    )
    assert (path.lstat().st_ino, project.state.manifests) == (before, known)
    manifest.write_manifest(project.state, root, "dist", lambda: FORCED)
    assert path.read_text() == manifest_text(project.state.artifacts.values())
    assert manifest.is_current(project.state, root, "dist")


def test_a_manifest_of_another_checkout_is_replaced_and_an_empty_one(project: Project) -> None:
    root, path = str(project.path), project.path / MANIFEST
    project.publish(executable())
    artifact = project.remembered
    for text in ("", manifest_text([]), manifest_text([artifact._replace(function="other")])):
        path.write_text(text)
        manifest.write_manifest(project.state, root, "dist", lambda: LEAVING)
        assert path.read_text() == manifest_text([artifact])
        project.state.put_manifest(MANIFEST, None)


def test_where_there_is_nothing_to_tell_a_manifest_of_others_is_no_error(project: Project) -> None:
    path = project.path / MANIFEST
    path.parent.mkdir()
    path.write_text("mine")
    manifest.write_manifest(State(), str(project.path), "dist", lambda: LEAVING)
    assert path.read_text() == "mine"
