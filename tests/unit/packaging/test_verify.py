"""What comes out of a cache, and is none that a build could have made."""

import pytest

from lambdabuild.core.artifact import MOST_UNZIPPED, Asset
from lambdabuild.core.target import Target
from lambdabuild.packaging.verify import unfit
from tests.unit.published import FINAL, HALF_WAY, Project, executable

_START = "`bootstrap` would not start on provided.al2023: it "


def of_go(text: str = "", **more: str) -> bytes:
    return executable(text, **more) + b"\xff Go buildinf:"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (of_go(build_id=FINAL), None),
        (of_go(), None),
        (b"", f"{_START}is empty; build it for linux/amd64"),
        (b"rubbish", f"{_START}is no ELF file; build it for linux/amd64"),
        (b"#!/bin/sh\n", f"{_START}is a script; build it for linux/amd64"),
        (
            of_go(machine="arm64"),
            f"{_START}is for arm64, not for x86_64; build it for linux/amd64, or set the "
            "`architecture` it is for",
        ),
        (executable(build_id=FINAL), "it is no executable of Go's"),
        (of_go(build_id=HALF_WAY), "Go has not finished it"),
    ],
)
def test_what_lambda_would_not_start_or_go_did_not_make_is_unfit(
    project: Project, content: bytes, reason: str | None
) -> None:
    path = project.path / "restored"
    path.write_bytes(content)
    assert unfit(project.step, str(path)) == reason


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"\xcf\xfa\xed\xfe\xff Go buildinf:", None),
        (b"", "it is no executable"),
        (b"#!/bin/sh\n\xff Go buildinf:", "it is no executable"),
        (b"\xcf\xfa\xed\xfe", "it is no executable of Go's"),
    ],
)
def test_for_a_target_that_lambda_does_not_have_it_has_to_be_go_s(
    project: Project, content: bytes, reason: str | None
) -> None:
    path = project.path / "restored"
    path.write_bytes(content)
    step = project.step._replace(target=Target("darwin", "arm64"), runtime=None)
    assert unfit(step, str(path)) == reason


def test_what_lambda_would_not_take_for_its_assets_is_no_fault_of_the_cache(
    project: Project,
) -> None:
    large = project.write("large")
    with large.open("wb") as file:
        file.truncate(MOST_UNZIPPED)
    path = project.path / "restored"
    path.write_bytes(of_go())
    step = project.step._replace(assets=(Asset("large", str(large), executable=False),))
    assert unfit(step, str(path)) is None
    with path.open("ab") as more:
        more.truncate(MOST_UNZIPPED)
    assert unfit(step, str(path)) == "it is 262.1 MB, which is more than Lambda takes"
