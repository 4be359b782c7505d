import io
import os
import re
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from lambdabuild.core.artifact import MOST_UNZIPPED, Asset, Kind, packed_text, zip_made_from
from lambdabuild.core.build import Step
from lambdabuild.core.gopackage import Diagnostic
from lambdabuild.core.result import Linked
from lambdabuild.core.target import Architecture, Runtime
from lambdabuild.golang.output import BuildID
from lambdabuild.packaging import archive, runtime_check
from lambdabuild.packaging.packer import Packed
from lambdabuild.packaging.verify import RefusedError, refuse
from lambdabuild.system.files import content_digest
from lambdabuild.system.process import Runner
from tests.unit.published import FINAL, HALF_WAY, Project, executable, identity, sha256, tamper
from tests.unit.values import DARWIN


def held(content: bytes) -> dict[str, tuple[int, bytes]]:
    """Return the permissions and the content of all files in a zip."""
    with zipfile.ZipFile(io.BytesIO(content)) as read:
        return {
            info.filename: (info.external_attr >> 16 & 0o7777, read.read(info))
            for info in read.infolist()
        }


def zip_of(packed: Packed) -> bytes:
    (staged,) = [file.staged for file in packed.files if file.kind is Kind.ZIP]
    return Path(staged).read_bytes()


def kinds(packed: Packed) -> list[Kind]:
    return [file.kind for file in packed.files]


def refusal(project: Project, content: bytes, step: Step) -> str:
    with pytest.raises(RefusedError) as caught:
        project.packed(project.linked(content, step))
    return str(caught.value)


def test_without_assets_and_zip_a_package_is_the_executable(project: Project) -> None:
    content = executable(build_id=FINAL)
    linked = project.linked(content)
    assert project.packed(linked) == Packed(
        sha256(content), BuildID(FINAL), identity(Path(str(linked.executable))), (), ()
    )


def test_a_package_holds_the_executable_and_the_assets_with_their_modes(project: Project) -> None:
    project.write("templates/a.html", "<p>", 0o600)
    project.write("run.sh", "#!/bin/sh", 0o700)
    content = executable(build_id=FINAL)
    packed = project.packed(project.linked(content, project.wanting("**")))
    assert held(zip_of(packed)) == {
        "bootstrap": (0o755, content),
        "run.sh": (0o755, b"#!/bin/sh"),
        "templates/a.html": (0o644, b"<p>"),
    }
    assert [(f.kind, f.target, f.sha256, f.size, f.executable) for f in packed.files] == [
        (Kind.ASSET, f"{project.out}/users-get/run.sh", sha256(b"#!/bin/sh"), 9, True),
        (Kind.ASSET, f"{project.out}/users-get/templates/a.html", sha256(b"<p>"), 3, False),
        (Kind.ZIP, str(project.zip), sha256(zip_of(packed)), len(zip_of(packed)), False),
    ]
    assert packed.files[-1].made_from == zip_made_from(sha256(content), None)
    modes = [os.stat(file.staged).st_mode & 0o7777 for file in packed.files]
    assert modes == [0o755, 0o644, 0o644]
    # As the survey names them: what it finds later is compared with it.
    assert packed.packed == tuple(
        (f"file api/users/get/{asset.name}", packed_text(content_digest(text), asset))
        for asset, text in zip(project.wanting("**").assets, [b"#!/bin/sh", b"<p>"], strict=True)
    )


def test_in_place_assets_are_packed_and_not_copied(project: Project) -> None:
    project.write("a", "a")
    linked = project.linked(executable(), project.wanting("a"))
    packed = project.packer(in_place=True).pack(linked)
    assert kinds(packed) == [Kind.ZIP]
    assert held(zip_of(packed)).keys() == {"a", "bootstrap"}
    assert [name for name, _ in packed.packed] == ["file api/users/get/a"]


def test_an_epoch_is_the_time_of_all_that_is_in_a_zip(project: Project) -> None:
    project.write("a", "a")
    packed = project.packed(project.linked(executable(), project.wanting("a")), epoch=1709210096)
    with zipfile.ZipFile(io.BytesIO(zip_of(packed))) as read:
        told = {info.date_time for info in read.infolist()}
    assert told == {(2024, 2, 29, 12, 34, 56)}


def test_an_executable_that_go_did_not_finish_is_refused(project: Project) -> None:
    said = "`go build` ended before the executable was finished"
    assert refusal(project, executable(build_id=HALF_WAY), project.step) == said
    assert refusal(project, executable(build_id=HALF_WAY), project.wanting()) == said


def test_an_executable_that_went_away_is_told_as_the_system_does(project: Project) -> None:
    linked = project.linked(executable())
    os.unlink(str(linked.executable))
    with pytest.raises(FileNotFoundError) as caught:
        project.packed(linked)
    assert caught.value.filename == linked.executable


def test_the_digest_of_a_known_build_id_is_not_taken_again(project: Project) -> None:
    content = executable(build_id=FINAL)
    project.publish(content)
    known = project.remembered._replace(sha256="known")
    project.state.put(known)
    assert project.packed(project.linked(content)).sha256 == "known"
    # One byte more, and it is not the same executable, whatever its ID says.
    longer = content + b"!"
    assert project.packed(project.linked(longer)).sha256 == sha256(longer)


# What is in place already.


def changes(project: Project) -> dict[str, Callable[[], object]]:
    return {
        "the zip": lambda: tamper(project.zip, b"x" * project.zip.stat().st_size),
        "the zip is gone": project.zip.unlink,
        "the zip is cut off": lambda: os.truncate(project.zip, 9),
        "an asset": lambda: tamper(project.directory / "a", b"b"),
        "an asset's mode": lambda: (project.directory / "a").chmod(0o755),
        "an asset's name": lambda: (project.directory / "a").rename(project.directory / "b"),
        "another asset": lambda: project.write("c"),
    }


def test_a_zip_that_would_be_the_same_is_not_made_again(project: Project) -> None:
    project.write("a", "a")
    project.publish(executable(), step=project.wanting("*"))
    os.utime(project.zip, ns=(1, 1))
    tamper(project.directory / "a", b"a")
    assert kinds(project.packed(project.linked(executable(), project.wanting("*")))) == [Kind.ASSET]


@pytest.mark.parametrize(
    "change",
    [
        *("the zip", "the zip is gone", "the zip is cut off", "an asset", "an asset's mode"),
        *("an asset's name", "another asset"),
    ],
)
def test_a_zip_is_made_again_when_something_of_it_changed(project: Project, change: str) -> None:
    project.write("a", "a")
    project.publish(executable(), step=project.wanting("*"))
    changes(project)[change]()
    packed = project.packed(project.linked(executable(), project.wanting("*")))
    assert held(zip_of(packed)) == {
        "bootstrap": (0o755, executable()),
        **{
            asset.name: (0o755 if asset.executable else 0o644, Path(asset.source).read_bytes())
            for asset in project.wanting("*").assets
        },
    }


def test_a_zip_is_made_again_for_another_executable_epoch_or_place(project: Project) -> None:
    project.publish(executable(), step=project.wanting())
    assert kinds(project.packed(project.linked(executable(), project.wanting()))) == []
    other = project.packed(project.linked(executable("other"), project.wanting()))
    assert held(zip_of(other)) == {"bootstrap": (0o755, executable("other"))}
    assert kinds(project.packed(project.linked(executable(), project.wanting()), epoch=1)) == [
        Kind.ZIP
    ]
    moved = project.wanting()._replace(zip=f"{project.out}/elsewhere.zip")
    assert kinds(project.packed(project.linked(executable(), moved))) == [Kind.ZIP]


def test_what_is_in_place_is_packed_as_it_is(project: Project) -> None:
    project.publish(executable(build_id=FINAL))
    project.write("a", "a")
    packed = project.packed(Linked(project.wanting("a"), current=True))
    assert (packed.sha256, packed.build_id, packed.identity) == (
        *(project.remembered.sha256, BuildID(FINAL), identity(project.artifact)),
    )
    assert held(zip_of(packed)) == {
        "a": (0o644, b"a"),
        "bootstrap": (0o755, executable(build_id=FINAL)),
    }


def test_what_is_in_place_is_not_packed_as_something_else(project: Project) -> None:
    project.publish(executable("one"))
    tamper(project.artifact, executable("two"))
    with pytest.raises(RefusedError) as caught:
        project.packed(Linked(project.wanting(), current=True))
    assert str(caught.value) == (
        f"`{project.artifact}` was changed meanwhile; run lambdabuild again"
    )


# What came out of a cache.


def test_what_was_restored_is_packed_as_it_was_verified(project: Project) -> None:
    content = executable(build_id=FINAL)
    linked = project.linked(content, project.wanting())._replace(restored=sha256(content))
    packed = project.packed(linked)
    assert (packed.sha256, packed.build_id) == (sha256(content), BuildID(FINAL))
    assert held(zip_of(packed)) == {"bootstrap": (0o755, content)}


def test_what_was_restored_is_not_packed_as_something_else(project: Project) -> None:
    linked = project.linked(executable("two"), project.wanting())
    said = f"`{linked.executable}` was changed meanwhile; run lambdabuild again"
    with pytest.raises(RefusedError, match=f"^{re.escape(said)}$"):
        project.packed(linked._replace(restored=sha256(executable("one"))))


# All at once.


def test_each_that_was_linked_has_its_package_or_what_is_wrong_with_it(project: Project) -> None:
    def linked(name: str, content: bytes) -> Linked:
        path = project.path / "staging" / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
        step = project.wanting()
        function = step.function._replace(name=name, package=f"example.com/{name}")
        artifact = f"{project.out}/{name}/bootstrap"
        return Linked(step._replace(function=function, artifact=artifact), str(path))

    good = [linked(f"good-{n}", executable(str(n))) for n in range(9)]
    half, gone = linked("half", executable(build_id=HALF_WAY)), linked("gone", executable())
    os.unlink(str(gone.executable))
    failed = Linked(linked("failed", b"").step)
    ready = project.packer().pack_all(Runner({}), [gone, *good[:5], failed, half, *good[5:]])
    assert ready.keys() == {item.step.key for item in (gone, half, *good)}
    assert [
        held(zip_of(found)) for item in good if isinstance(found := ready[item.step.key], Packed)
    ] == [{"bootstrap": (0o755, executable(str(n)))} for n in range(9)]
    assert ready[half.step.key] == Diagnostic(
        "example.com/half", "`go build` ended before the executable was finished"
    )
    assert ready[gone.step.key] == Diagnostic(
        "example.com/gone", f"cannot write `{gone.executable}`: No such file or directory"
    )


def test_assets_are_told_as_they_were_packed(project: Project) -> None:
    path = project.write("a", "before")
    step = project.wanting("a")
    path.write_text("after")
    packed = project.packed(project.linked(executable(), step))
    assert held(zip_of(packed))["a"] == (0o644, b"after")
    assert packed.packed == (("file api/users/get/a", content_digest(b"after")),)


# What Lambda would not take.


@pytest.fixture
def unread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have whoever reads a whole file fail."""

    def refuse(path: Path) -> bytes:
        raise AssertionError(f"{path} is read")

    monkeypatch.setattr(Path, "read_bytes", refuse)


def sized(project: Project, size: int, step: Step) -> Packed:
    """Pack an executable of any size, of which the digest is known already."""
    linked = project.linked(executable(build_id=FINAL), step)
    os.truncate(str(linked.executable), size)
    known = project.remembered
    known = known._replace(build_id=FINAL, identity=known.identity._replace(size=size))
    project.state.put(known)
    return project.packed(linked)


@pytest.mark.usefixtures("unread")
@pytest.mark.parametrize("zipped", [False, True])
def test_an_executable_that_is_too_large_is_refused_before_it_is_read(
    project: Project, *, zipped: bool
) -> None:
    project.publish(executable())
    with pytest.raises(RefusedError) as caught:
        sized(project, 262_144_000, project.wanting(zip=zipped))
    assert str(caught.value) == (
        "the deployment package is 262.1 MB unzipped, and Lambda takes less than 262.1 MB "
        "(250 MiB); what `go build` links is that large; `-ldflags='-s -w'` leaves symbols out; "
        "a container image may be larger"
    )
    assert sized(project, 262_143_999, project.step).sha256 == project.remembered.sha256


@pytest.mark.usefixtures("unread")
def test_assets_count_and_the_largest_is_named(project: Project) -> None:
    for name, size in (("small", 1), ("model.bin", 200_000_000), ("labels.bin", 62_144_000)):
        os.truncate(project.write(name), size)
    project.publish(executable())
    with pytest.raises(RefusedError) as caught:
        sized(project, 1000, project.wanting("*"))
    assert str(caught.value) == (
        "the deployment package is 262.1 MB unzipped, and Lambda takes less than 262.1 MB "
        "(250 MiB); the largest asset is `model.bin` (200.0 MB); a container image may be larger"
    )


def test_the_limit_is_that_of_lambda() -> None:
    assert MOST_UNZIPPED == 250 * 2**20


@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize(
    "content", [executable(machine="arm64"), b"#!/bin/sh\n", b""], ids=["arm64", "script", "empty"]
)
def test_an_executable_that_would_not_start_is_refused(
    project: Project, content: bytes, *, zipped: bool
) -> None:
    step = project.wanting(zip=zipped)
    said = refusal(project, content, step)
    problems = runtime_check.problems(
        str(project.path / "staging/exe"),
        architecture=Architecture.X86_64,
        runtime=Runtime.AL2023,
        bundled={},
        layers=(),
    )
    assert problems != []
    assert said == f"`bootstrap` would not start on provided.al2023: {'; '.join(problems)}"


def test_what_is_in_place_has_to_start_as_well(project: Project) -> None:
    project.publish(executable())
    step = project.step._replace(runtime=Runtime.AL2)
    tamper(project.artifact, executable(machine="arm64"))
    with pytest.raises(RefusedError, match=r"on provided\.al2: "):
        project.packed(Linked(step, current=True))


def test_for_another_target_than_those_of_lambda_nothing_is_checked(project: Project) -> None:
    step = project.step._replace(target=DARWIN, runtime=None)
    linked = project.linked(b"\xcf\xfa\xed\xfe", step)
    os.truncate(str(linked.executable), 262_144_000)
    refuse(step, str(linked.executable))


def test_libraries_are_looked_for_where_the_runtime_does(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("libroot.so", "lib/libown.so.1", "lib/deep/no.so", "data/no.so"):
        project.write(name)
    asked: dict[str, object] = {}

    def note(executable: str, **more: object) -> list[str]:
        asked.update(more, executable=executable)
        return []

    monkeypatch.setattr(runtime_check, "problems", note)
    linked = project.linked(
        executable(), project.wanting("**")._replace(layer_libraries=("liblayer.so.2",))
    )
    project.packed(linked)
    assert asked == {
        "executable": linked.executable,
        "architecture": Architecture.X86_64,
        "runtime": Runtime.AL2023,
        "bundled": {
            "libroot.so": str(project.directory / "libroot.so"),
            "libown.so.1": str(project.directory / "lib/libown.so.1"),
        },
        "layers": ("liblayer.so.2",),
    }


@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize("lambdas", [False, True])
def test_an_asset_that_went_away_is_named(project: Project, *, zipped: bool, lambdas: bool) -> None:
    path = project.write("a", "a")
    step = project.wanting("a", zip=zipped)
    if not lambdas:
        step = step._replace(target=DARWIN, runtime=None)
    path.unlink()
    assert refusal(project, executable(), step) == (
        "the asset `a` cannot be read: No such file or directory"
    )


def test_an_asset_that_became_a_directory_is_named(project: Project) -> None:
    path = project.write("a", "a")
    step = project.wanting("a")
    path.unlink()
    path.mkdir()
    assert refusal(project, executable(), step) == "the asset `a` cannot be read: Is a directory"


def test_what_no_zip_can_hold_is_refused(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "_MOST", 1 << 16)
    assert refusal(project, executable(), project.wanting()) == (
        "the zip cannot be made: it would be larger than 4 GB"
    )


def test_a_name_that_no_zip_can_tell_is_refused(project: Project) -> None:
    asset = Asset("latin-\udcfc", str(project.write("a")), executable=False)
    step = project.wanting()._replace(assets=(asset,))
    assert refusal(project, executable(), step).startswith("the zip cannot be made: ")


def test_what_cannot_be_staged_is_told(project: Project) -> None:
    linked = project.linked(executable(), project.wanting())
    (project.path / "staging/packages").write_text("in the way")
    with pytest.raises(RefusedError, match=r"cannot write `.*/staging/packages/"):
        project.packed(linked)


def test_two_targets_of_a_function_are_staged_apart(project: Project) -> None:
    project.write("a", "a")
    one = project.wanting("a")
    two = one._replace(artifact=f"{project.out}/users-get/other/bootstrap")
    linked = project.linked(executable())
    packages = [project.packed(linked._replace(step=step)) for step in (one, two)]
    staged = [file.staged for packed in packages for file in packed.files]
    assert len(staged) == len(set(staged)) == 4
