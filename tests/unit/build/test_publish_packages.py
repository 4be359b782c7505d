"""Publishing what stands with an executable: its assets, its zip, its bill of materials."""

import errno
import os
import shutil
from pathlib import Path

import pytest

from lambdabuild.build import obstacles
from lambdabuild.core.artifact import Identity, Kind, Sidecar, sbom_made_from, zip_made_from
from lambdabuild.core.gopackage import Diagnostic
from lambdabuild.core.result import Status
from lambdabuild.state import artifacts
from lambdabuild.system.files import content_digest
from tests.unit.published import GO, PACKAGE, Project, executable, identity, sha256, tamper


@pytest.mark.usefixtures("umask")
def test_what_stands_with_an_executable_is_put_beside_it(project: Project) -> None:
    project.write("templates/a.html", "<p>", 0o600)
    project.write("run.sh", "#!/bin/sh", 0o700)
    step = project.wanting("**", sbom=True)
    result = project.publish(executable(), GO, step=step, bill="bill")
    assert project.standing == {
        "users-get.sbom.json": b"bill",
        "users-get.zip/bootstrap": executable(),
        "users-get.zip/run.sh": b"#!/bin/sh",
        "users-get.zip/templates/a.html": b"<p>",
        "users-get/bootstrap": executable(),
        "users-get/run.sh": b"#!/bin/sh",
        "users-get/templates/a.html": b"<p>",
    }
    modes = {name: Path(project.out, name).stat().st_mode & 0o7777 for name in project.there}
    assert modes == {
        "users-get.sbom.json": 0o644,
        "users-get.zip": 0o644,
        "users-get/bootstrap": 0o755,
        "users-get/run.sh": 0o755,
        "users-get/templates/a.html": 0o644,
    }
    assert project.sidecars == {
        name: Sidecar(
            kind,
            f"dist/{name}",
            sha256(Path(project.out, name).read_bytes()),
            identity(Path(project.out, name)),
            made_from,
            executable=name.endswith(".sh"),
        )
        for name, kind, made_from in (
            ("users-get/run.sh", Kind.ASSET, f"{content_digest(b'#!/bin/sh')} x"),
            ("users-get/templates/a.html", Kind.ASSET, content_digest(b"<p>")),
            ("users-get.zip", Kind.ZIP, zip_made_from(sha256(executable()), None)),
            ("users-get.sbom.json", Kind.SBOM, sbom_made_from(sha256(executable()), None)),
        )
    }
    assert project.remembered.packed == (
        ("file api/users/get/run.sh", f"{content_digest(b'#!/bin/sh')} x"),
        ("file api/users/get/templates/a.html", content_digest(b"<p>")),
    )
    assert result.zip == project.sidecars["users-get.zip"]


def test_the_same_package_leaves_all_files_alone(project: Project) -> None:
    project.write("a", "a")
    step = project.wanting("*", sbom=True)
    project.publish(executable(), GO, step=step, bill="bill")
    before = {name: identity(Path(project.out, name)) for name in project.there}
    again = project.publish(executable(), GO, step=step, bill="bill")
    assert (again.status, again.zip) == (Status.UNCHANGED, project.sidecars["users-get.zip"])
    confirmed = project.confirm(step=step)
    assert (confirmed.status, confirmed.zip) == (Status.UNCHANGED, again.zip)
    assert {name: identity(Path(project.out, name)) for name in project.there} == before


@pytest.mark.parametrize(
    "wanted", [{"zip": False}, {"zip": False, "sbom": True}], ids=["neither", "only a bill"]
)
def test_no_zip_of_an_older_executable_stays_where_no_new_one_comes(
    project: Project, wanted: dict[str, bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    project.publish(executable("one"), GO, step=project.wanting(sbom=True), bill="bill")
    replace_ = os.replace

    def look_and_replace(source: str, target: str) -> None:
        if target == str(project.artifact):
            # Nobody sees the new executable beside the old zip.
            assert not project.zip.exists()
        replace_(source, target)

    monkeypatch.setattr(os, "replace", look_and_replace)
    step = project.wanting(**wanted)
    bill = "bill" if step.sbom else None
    assert project.publish(executable("two"), step=step, bill=bill).zip is None
    there = {"users-get/bootstrap": executable("two")}
    assert project.standing == ({**there, "users-get.sbom.json": b"bill"} if step.sbom else there)
    assert len(project.remembered.sidecars) == (1 if step.sbom else 0)


def test_a_zip_and_a_bill_that_are_still_true_stay_though_nobody_asks(project: Project) -> None:
    project.publish(executable(), GO, step=project.wanting(sbom=True), bill="bill")
    before = project.remembered
    result = project.publish(executable())
    assert (result.status, result.zip) == (Status.UNCHANGED, None)
    assert project.confirm().zip is None
    assert project.there == {"users-get/bootstrap", "users-get.zip", "users-get.sbom.json"}
    assert project.remembered.sidecars == before.sidecars


def test_no_zip_with_other_assets_stays(project: Project) -> None:
    project.write("a", "one")
    project.publish(executable(), step=project.wanting("a"))
    project.write("a", "two")
    result = project.publish(executable(), step=project.wanting("a", zip=False))
    assert result.status is Status.BUILT
    assert project.standing == {"users-get/bootstrap": executable(), "users-get/a": b"two"}


def test_a_new_asset_makes_a_built_package_of_the_same_executable(project: Project) -> None:
    project.publish(executable(), step=project.wanting())
    before = identity(project.artifact)
    project.write("a", "a")
    result = project.confirm(GO, step=project.wanting("a"))
    assert (result.status, result.sha256) == (Status.BUILT, sha256(executable()))
    assert identity(project.artifact) == before
    assert result.zip == project.sidecars["users-get.zip"]
    assert project.standing == {
        "users-get.zip/a": b"a",
        "users-get.zip/bootstrap": executable(),
        "users-get/a": b"a",
        "users-get/bootstrap": executable(),
    }
    assert project.remembered.inputs == (GO,)


def test_a_new_bill_alone_deploys_nothing(project: Project) -> None:
    project.publish(executable())
    step = project.wanting(zip=False, sbom=True)
    assert project.publish(executable(), GO, step=step, bill="bill").status is Status.UNCHANGED
    assert project.sbom.read_text() == "bill"


@pytest.mark.parametrize("what", ["mode", "missing", "unreadable"])
@pytest.mark.parametrize("name", ["users-get/a", "users-get.zip"])
def test_what_is_not_in_its_place_any_more_is_put_there(
    project: Project, monkeypatch: pytest.MonkeyPatch, name: str, what: str
) -> None:
    project.write("a", "asset")
    step = project.wanting("a")
    project.publish(executable(), step=step)
    before = project.standing
    path = Path(project.out, name)
    match what:
        case "mode":
            tamper(path, path.read_bytes(), 0o700)
        case "missing":
            path.unlink()
        case "unreadable":
            tamper(path, path.read_bytes(), 0)
            digest = artifacts.digest

            def refuse(asked: str) -> str:
                if asked == str(path):
                    raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), asked)
                return digest(asked)

            # Root, who runs these tests in CI, may read any.
            monkeypatch.setattr(artifacts, "digest", refuse)
            monkeypatch.setattr(obstacles, "digest", refuse)
    result = project.confirm(step=step)
    if what == "unreadable":
        # Whose it is, nobody can tell.
        (error,) = result.errors
        assert "is in the way: it is a file that cannot be read" in error.message
        return
    assert project.standing == before
    assert not path.is_symlink()
    if (name, what) != ("users-get.zip", "mode"):
        assert path.stat().st_mode & 0o7777 == 0o644
    assert project.sidecars[name].identity == identity(path)


def test_an_asset_that_is_not_wanted_any_more_goes_with_its_directories(project: Project) -> None:
    project.write("data/deep/a", "a")
    project.write("data/b", "b")
    project.publish(executable(), step=project.wanting("**"))
    assert project.publish(executable(), step=project.wanting("data/b")).status is Status.BUILT
    assert os.listdir(project.artifact.parent / "data") == ["b"]
    assert project.publish(executable(), step=project.wanting()).status is Status.BUILT
    assert os.listdir(project.artifact.parent) == ["bootstrap"]
    assert set(project.sidecars) == {"users-get.zip"}


def test_an_asset_that_somebody_changed_is_left_and_forgotten(project: Project) -> None:
    project.write("data/a", "a")
    project.publish(executable(), step=project.wanting("data"))
    tamper(project.artifact.parent / "data/a", b"mine")
    project.publish(executable(), step=project.wanting())
    assert (project.artifact.parent / "data/a").read_bytes() == b"mine"
    assert set(project.sidecars) == {"users-get.zip"}


@pytest.mark.parametrize(("one", "two"), [("data", "data/x"), ("data/x", "data"), ("a/b/c", "a/b")])
def test_a_file_may_become_a_directory_and_the_other_way_round(
    project: Project, one: str, two: str
) -> None:
    project.write(one, "one")
    project.publish(executable(), step=project.wanting("**"))
    shutil.rmtree(project.directory)
    project.write(two, "two")
    assert project.publish(executable(), step=project.wanting("**")).status is Status.BUILT
    assert project.standing == {
        f"users-get.zip/{two}": b"two",
        "users-get.zip/bootstrap": executable(),
        f"users-get/{two}": b"two",
        "users-get/bootstrap": executable(),
    }


def test_an_asset_whose_name_changes_in_case_alone_stays(project: Project) -> None:
    project.write("readme", "one")
    project.publish(executable(), step=project.wanting("*"))
    shutil.rmtree(project.directory)
    project.write("README", "two")
    project.publish(executable(), step=project.wanting("*"))
    assert sorted(os.listdir(project.artifact.parent)) == ["README", "bootstrap"]
    assert (project.artifact.parent / "README").read_text() == "two"


def test_an_asset_that_became_executable_is_put_again(project: Project) -> None:
    path = project.write("a", "a")
    project.publish(executable(), step=project.wanting("a"))
    path.chmod(0o755)
    assert project.confirm(step=project.wanting("a")).status is Status.BUILT
    assert (project.artifact.parent / "a").stat().st_mode & 0o7777 == 0o755


@pytest.mark.usefixtures("devices", "umask")
def test_across_file_systems_all_that_stands_with_it_is_copied_whole(project: Project) -> None:
    project.write("data/run", "run", 0o755)
    project.publish(executable(), GO, step=project.wanting("data", sbom=True), bill="bill")
    modes = {name: Path(project.out, name).stat().st_mode & 0o7777 for name in project.there}
    assert modes == {
        "users-get.sbom.json": 0o644,
        "users-get.zip": 0o644,
        "users-get/bootstrap": 0o755,
        "users-get/data/run": 0o755,
    }


@pytest.mark.parametrize("name", ["users-get/a", "users-get.zip", "users-get.sbom.json"])
def test_where_a_file_cannot_be_put_no_zip_of_another_executable_is_left(
    project: Project, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    project.write("a", "one")
    step = project.wanting("a", sbom=True)
    project.publish(executable("one"), GO, step=step, bill="old")
    project.write("a", "two")
    replace_ = os.replace

    def refuse(source: str, target: str) -> None:
        if target == f"{project.out}/{name}":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), source, None, target)
        replace_(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", refuse)
        result = project.publish(executable("two"), GO, step=step, bill="bill")
    assert result.status is Status.FAILED
    assert result.errors == (
        Diagnostic(
            PACKAGE,
            f"cannot write `{project.out}/{name}`: No space left on device\n"
            "  hint: free some space on that disk",
        ),
    )
    assert (result.sha256, result.zip) == (sha256(executable("two")), None)
    assert not project.zip.exists()
    # What is in place is known, and that it is not all.
    assert project.why(step) is not None
    project.publish(executable("two"), GO, step=step, bill="bill")
    assert project.why(step) is None
    assert project.standing == {
        "users-get.sbom.json": b"bill",
        "users-get.zip/a": b"two",
        "users-get.zip/bootstrap": executable("two"),
        "users-get/a": b"two",
        "users-get/bootstrap": executable("two"),
    }


def test_what_stands_with_it_is_announced_as_it_will_be_remembered(project: Project) -> None:
    project.write("a", "a")
    step = project.wanting("a", sbom=True)
    linked = project.linked(executable(), step)
    packed = project.with_bill(project.packed(linked))
    publisher = project.publisher(GO)
    announced = publisher.announcement(linked, packed)
    publisher.publish(linked, packed, "not built before")
    assert announced.sidecars == tuple(
        sidecar._replace(identity=Identity(-1, sidecar.identity.size, 0, 0))
        for sidecar in project.remembered.sidecars
    )
