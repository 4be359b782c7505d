"""Outputs stay where they are said to be, whatever links a repository brings."""

import os
from pathlib import Path

import pytest

from lambdabuild.core.errors import LambdabuildError
from lambdabuild.system.links import check_out, leads_out


@pytest.fixture
def project(tmp_path: Path) -> str:
    for directory in ("shop/dist/f", "shop/.git/hooks", "shop/.lambdabuild/staging", "home/bin"):
        (tmp_path / directory).mkdir(parents=True)
    return os.path.realpath(tmp_path / "shop")


@pytest.mark.parametrize(
    ("out", "link"),
    [
        ("dist", None), ("new", None), (".", None), ("../home", None), ("../new", None),
        ("builds", "dist"), ("dist/linked", "f"), ("x.git", None), (".github", None),
    ],
)  # fmt: skip
def test_an_output_directory_may_be_wherever_its_name_says(
    project: str, out: str, link: str | None
) -> None:
    if link:
        Path(project, out).symlink_to(link)
    check_out(os.path.normpath(os.path.join(project, out)), project)


@pytest.mark.parametrize(
    ("out", "link"),
    [
        ("linked", "../home/bin"), ("linked", "../home/none"), ("linked/below", "../home/bin"),
        ("dist/linked", "../.."), ("linked", ".git/hooks"), ("linked", ".lambdabuild"),
        (".git", None), (".GIT/hooks", None), (".git/hooks/new", None), ("dist/.git", None),
        (".lambdabuild", None), (".lambdabuild/staging", None), ("../other/.git/hooks", None),
    ],
)  # fmt: skip
def test_an_output_directory_that_is_elsewhere_or_not_for_outputs_is_refused(
    project: str, out: str, link: str | None
) -> None:
    if link:
        Path(project, out.removesuffix("/below")).symlink_to(link)
    with pytest.raises(LambdabuildError) as caught:
        check_out(os.path.normpath(os.path.join(project, out)), project)
    assert caught.value.hint


@pytest.mark.parametrize(
    ("link", "target", "path", "leads"),
    [
        (None, "", "dist/f/bootstrap", None), (None, "", "dist/new/deep/bootstrap", None),
        (None, "", "elsewhere/f", None),
        ("dist/g", "../../home/bin", "dist/g/bootstrap", "home/bin"),
        ("dist/g", "../../home/bin", "dist/g/deep/bootstrap", "home/bin/deep"),
        ("dist/g", "../../home/none", "dist/g/bootstrap", "home/none"),
        ("dist/g", "..", "dist/g/bootstrap", "shop"), ("dist/g", "f", "dist/g/bootstrap", None),
        # A file that is a link itself is replaced, as any other file; nothing is written through it.
        ("dist/f/bootstrap", "/etc/passwd", "dist/f/bootstrap", None),
        (None, "", "dist/.git/bootstrap", "shop/dist/.git"),
    ],
)  # fmt: skip
def test_an_output_whose_directory_is_elsewhere_is_told(
    project: str, link: str | None, target: str, path: str, leads: str | None
) -> None:
    if link:
        Path(project, link).symlink_to(target)
    found = leads_out(os.path.join(project, path), os.path.join(project, "dist"), project)
    assert found == (leads and os.path.join(os.path.dirname(project), leads))


def test_what_is_outside_by_name_leads_nowhere_else(project: str) -> None:
    out = f"{project}/../home/bin"
    assert leads_out(f"{out}/f/bootstrap", out, project) is None


def test_an_output_directory_that_became_a_link_leads_out(project: str) -> None:
    os.rename(f"{project}/dist", f"{project}/../home/dist")
    Path(project, "dist").symlink_to("../home/dist")
    assert leads_out(f"{project}/dist/f/bootstrap", f"{project}/dist", project)
