"""What stands where a file is to go: nobody's file is replaced but lambdabuild's own."""

import json
import os
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from lambdabuild.build.obstacles import Replacing, replacing_in
from lambdabuild.core.result import Status
from lambdabuild.packaging import sbom
from lambdabuild.packaging.buildinfo import BuildInfo
from lambdabuild.state.state import State
from tests.unit.published import FORCED, GO, Project, executable, sha256, tamper

PLACES = {
    "executable": "users-get/bootstrap",
    "asset": "users-get/conf/a.json",
    "zip": "users-get.zip",
    "bill": "users-get.sbom.json",
}


def write(path: Path) -> None:
    path.write_text("mine")


def link(path: Path) -> None:
    aside = path.with_name("aside")
    aside.write_bytes(executable("mine"))
    path.symlink_to(aside)


def dangle(path: Path) -> None:
    path.symlink_to("nowhere")


def pipe(path: Path) -> None:
    os.mkfifo(path)


def fill(path: Path) -> None:
    path.mkdir()
    (path / "mine").write_text("mine")


def publish(project: Project, text: str, **more: Replacing) -> Status:
    project.write("conf/a.json", text)
    step = project.wanting("conf/*", sbom=True)
    done = project.publish(executable(text), GO, step=step, bill=bill(text), **more)
    return done.status


def bill(text: str) -> str:
    return sbom.document(BuildInfo("go1.26.8"), name="users-get", sha256=sha256(executable(text)))


def standing(text: str) -> dict[str, bytes]:
    return {
        "users-get.sbom.json": bill(text).encode(),
        "users-get.zip/bootstrap": executable(text),
        "users-get.zip/conf/a.json": text.encode(),
        "users-get/bootstrap": executable(text),
        "users-get/conf/a.json": text.encode(),
    }


def everything(project: Project) -> dict[str, object]:
    """Return all that is in `dist`, whatever it is; links and pipes are not opened."""
    return {
        str(path.relative_to(project.out)): path.read_bytes()
        if path.is_file() and not path.is_symlink()
        else (path.lstat().st_mode, path.is_symlink() and path.readlink())
        for path in Path(project.out).rglob("*")
    }


@pytest.mark.parametrize("written_before", [False, True])
@pytest.mark.parametrize("obstacle", [write, link, dangle, pipe, fill])
@pytest.mark.parametrize("place", PLACES)
def test_what_lambdabuild_did_not_write_is_left_and_nothing_beside_it_is_new(
    project: Project, place: str, obstacle: Callable[[Path], None], *, written_before: bool
) -> None:
    if written_before:
        publish(project, "one")
    path = Path(project.out, PLACES[place])
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    obstacle(path)
    before, known = everything(project), dict(project.state.artifacts)
    assert publish(project, "two") is Status.FAILED
    assert everything(project) == before
    assert project.state.artifacts == known
    if obstacle is fill:
        return
    assert publish(project, "two", replacing=FORCED) is Status.BUILT
    path.with_name("aside").unlink(missing_ok=True)
    assert project.standing == standing("two")


@pytest.mark.parametrize("place", ["asset", "zip", "bill"])
def test_what_somebody_changed_since_is_left_and_said_to_be_so(
    project: Project, place: str
) -> None:
    publish(project, "one")
    path = Path(project.out, PLACES[place])
    tamper(path, path.read_bytes()[:-1] + b"!")
    before = everything(project)
    project.write("conf/a.json", "two")
    step = project.wanting("conf/*", sbom=True)
    result = project.publish(executable("two"), GO, step=step, bill=bill("two"))
    assert [error.message for error in result.errors] == [
        f"`{path}` is in the way: it is a file that somebody else has changed since lambdabuild "
        "wrote it\n  hint: move it away, or let `--force` replace it"
    ]
    assert (result.artifact, result.sha256) == (str(project.artifact), sha256(executable("one")))
    assert everything(project) == before


@pytest.mark.parametrize("place", ["asset", "zip"])
def test_what_somebody_changed_is_left_where_only_that_is_to_be_made_again(
    project: Project, place: str
) -> None:
    publish(project, "one")
    path = Path(project.out, PLACES[place])
    tamper(path, b"mine")
    before, known = everything(project), dict(project.state.artifacts)
    step = project.wanting("conf/*", sbom=True)
    for _ in range(2):
        # It stays known to have been lambdabuild's.
        (error,) = project.confirm(step=step).errors
        assert f"`{path}` is in the way: it is a file that somebody else has" in error.message
        assert (everything(project), project.state.artifacts) == (before, known)


@pytest.mark.parametrize(
    "content",
    [b"", b"!<arch>\n", b"\xcf\xfa\xed\xfe..", b"MZ\x90\0\3\0..", b"\0asm....", executable("mine")],
)
@pytest.mark.parametrize("remembered", [False, True])
def test_an_executable_is_put_in_the_place_of_what_go_would_replace(
    project: Project, content: bytes, *, remembered: bool
) -> None:
    if remembered:
        publish(project, "one")
    project.artifact.parent.mkdir(parents=True, exist_ok=True)
    project.artifact.write_bytes(content)
    assert publish(project, "two") is Status.BUILT
    assert project.standing == standing("two")


@pytest.mark.parametrize("text", ["one", "two"])
def test_what_lambdabuild_wrote_is_known_though_nothing_is_remembered(
    project: Project, text: str
) -> None:
    """As after `rm -rf .lambdabuild`, or in a checkout with a restored `dist`; edited since."""
    publish(project, "one")
    project = Project(project.path, State())
    assert publish(project, text) is (Status.UNCHANGED if text == "one" else Status.BUILT)
    assert project.standing == standing(text)
    assert {c.kind for c in project.remembered.sidecars} == {"asset", "zip", "sbom"}


def test_two_checkouts_may_share_an_output_directory(project: Project) -> None:
    other = Project(project.path, State())
    for text in ("one", "two", "three"):
        assert publish(project, text) is Status.BUILT
        assert publish(other, f"{text} there") is Status.BUILT
    assert project.standing == standing("three there")


def zip_of_others(path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("bootstrap", executable("one"))


def zip_with_a_note(path: Path) -> None:
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as file:
        file.writestr("note", "mine")


def damage(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-30])


def bill_with_a_note(path: Path) -> None:
    value = json.loads(path.read_text())
    path.write_text(json.dumps({**value, "note": "mine"}))


def bill_of_others(path: Path) -> None:
    text = path.read_text().replace('"lambdabuild"', '"syft"')
    path.write_text(text)


@pytest.mark.parametrize(
    ("place", "change"),
    [
        ("zip", zip_of_others), ("zip", zip_with_a_note), ("zip", damage),
        ("bill", bill_with_a_note), ("bill", bill_of_others), ("bill", damage),
        ("asset", write),
    ],
    ids=lambda value: getattr(value, "__name__", value),
)  # fmt: skip
def test_what_has_not_lambdabuild_s_form_is_left_though_nothing_is_remembered(
    project: Project, place: str, change: Callable[[Path], None]
) -> None:
    publish(project, "one")
    change(Path(project.out, PLACES[place]))
    before = everything(project)
    assert publish(Project(project.path, State()), "two") is Status.FAILED
    assert everything(project) == before


def test_a_bill_of_the_same_executable_that_somebody_edited_is_left(project: Project) -> None:
    publish(project, "one")
    path = Path(project.out, PLACES["bill"])
    value = json.loads(path.read_text())
    value["components"][0]["name"] = "mine"
    path.write_text(json.dumps(value, indent=2) + "\n")
    before = everything(project)
    assert publish(project, "two") is Status.FAILED
    assert everything(project) == before


def test_a_file_where_a_directory_has_to_be_is_left(project: Project) -> None:
    (project.path / "dist/users-get").mkdir(parents=True)
    (project.path / "dist/users-get/conf").write_text("mine")
    before = everything(project)
    for replacing in (Replacing(), FORCED):
        assert publish(project, "one", replacing=replacing) is Status.FAILED
        assert everything(project) == before


def test_what_appears_in_a_place_after_the_first_look_is_left(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Put there while the executable is: the zip of before goes, for it is not true any more."""
    publish(project, "one")
    replace_ = os.replace

    def replace_and_write(source: str, target: str) -> None:
        replace_(source, target)
        if target == str(project.artifact):
            (project.artifact.parent / "conf/a.json").write_text("mine")

    monkeypatch.setattr(os, "replace", replace_and_write)
    assert publish(project, "two") is Status.FAILED
    assert (project.artifact.parent / "conf/a.json").read_text() == "mine"
    assert not project.zip.exists()


@pytest.mark.parametrize(
    ("out", "sources", "among"),
    [
        ("/p/dist", ["/p/api/a"], False),
        ("/p/api", ["/p/api/a"], True),
        ("/p", ["/p/api/a"], True),
        ("/p/api/a", ["/p/api/a"], True),
        ("/p/api", ["/p/api2/a"], False),
        (None, ["/p/api/a"], True),
    ],
)
def test_among_sources_force_replaces_nothing(
    project: Project, out: str | None, sources: list[str], *, among: bool
) -> None:
    replacing = replacing_in(out, sources, forced=True)
    assert replacing == Replacing(forced=True, among_sources=among)
    project.artifact.parent.mkdir(parents=True)
    project.artifact.write_text("#!/bin/sh\n")
    assert publish(project, "one", replacing=replacing) is (
        Status.FAILED if among else Status.BUILT
    )
    assert (project.artifact.read_text("latin-1") == "#!/bin/sh\n") is among


def test_a_copy_that_is_the_asset_itself_is_never_lambdabuild_s(project: Project) -> None:
    """The output directory is `api`, and the function's is named as the function is."""
    (project.path / "dist/users-get").mkdir(parents=True)
    project.directory.parent.mkdir(parents=True, exist_ok=True)
    if project.directory.exists():
        project.directory.rmdir()
    project.directory.symlink_to(project.path / "dist/users-get")
    project.write("a", "asset")
    step = project.wanting("a")
    assert project.publish(executable(), step=step).status is Status.BUILT
    assert set(project.sidecars) == {"users-get.zip"}
    project.remove()
    assert (project.directory / "a").read_text() == "asset"
