import json

from lambdabuild import manifest
from tests.unit.published import (
    Project,
    executable,
    identity,
    sha256,
)

MANIFEST = "dist/manifest.json"


def test_the_manifest_tells_the_artifacts_of_its_layout(project: Project) -> None:
    project.publish(executable())
    project.state.artifacts["elsewhere"] = project.remembered._replace(
        path="elsewhere", layout="elsewhere"
    )
    manifest.write_manifest(project.state, str(project.path), "dist")
    text = (project.path / MANIFEST).read_text()
    assert [f["artifact"] for f in json.loads(text)["functions"]] == ["dist/users-get/bootstrap"]
    assert project.state.manifests == {MANIFEST: sha256(text.encode())}


def test_a_manifest_that_says_the_same_is_left_alone(project: Project) -> None:
    project.publish(executable())
    manifest.write_manifest(project.state, str(project.path), "dist")
    before = identity(project.path / MANIFEST)
    manifest.write_manifest(project.state, str(project.path), "dist")
    assert identity(project.path / MANIFEST) == before


def test_a_manifest_is_removed_while_it_says_what_lambdabuild_wrote(project: Project) -> None:
    project.publish(executable())
    root = str(project.path)
    manifest.write_manifest(project.state, root, "dist")
    assert manifest.remove_manifest(MANIFEST, project.state, root)
    assert not (project.path / MANIFEST).exists()
    assert project.state.manifests == {}

    manifest.write_manifest(project.state, root, "dist")
    (project.path / MANIFEST).write_text("{}")
    assert not manifest.remove_manifest(MANIFEST, project.state, root)
    assert (project.path / MANIFEST).read_text() == "{}"

    (project.path / MANIFEST).unlink()
    project.state.manifests[MANIFEST] = "whatever"
    assert not manifest.remove_manifest(MANIFEST, project.state, root)
