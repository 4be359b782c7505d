"""Other people's files where outputs are to go, and outputs that nobody remembers."""

import shutil
from dataclasses import replace

import pytest

from tests.e2e.conftest import Project
from tests.projects import main_printing

pytestmark = [pytest.mark.parametrize("go", ["go"], indirect=True), pytest.mark.extended]


@pytest.fixture
def shop(empty: Project) -> Project:
    """Two functions, one of which has an asset."""
    empty.write("go.mod", "module example.com/shop\n\ngo 1.22\n")
    empty.write("api/one/main.go", main_printing("one"))
    empty.write("api/two/main.go", main_printing("two"))
    empty.write("api/one/conf.json", "one")
    empty.write("lambdabuild.toml", '[functions."one"]\nassets = ["conf.json"]\n')
    return empty


@pytest.mark.extended
def test_in_place_no_script_is_replaced_whatever_is_asked_and_an_executable_is(
    shop: Project,
) -> None:
    script = shop / "api/one/bootstrap"
    script.write_text("#!/bin/sh\nexec /var/task/handler\n")
    shop.go_run("build", "-o", "api/two/bootstrap", "./api/two")
    for force in ((), ("--force",)):
        result = shop.run("all", "--in-place", "--json", *force)
        assert result.code == 1
        assert result.statuses == {"one": "failed", "two": "built" if not force else "unchanged"}
        assert [error["message"] for error in result.functions["one"]["errors"]] == [
            f"`{script}` is in the way: it is a file that lambdabuild did not write\n"
            "  hint: move it away; among sources, no file is replaced that lambdabuild did not write"
        ]
        assert script.read_text().startswith("#!/bin/sh")
    script.rename(shop / "api/one/start.sh")
    assert shop.run("all", "--in-place").code == 0
    # Nor once lambdabuild has written there.
    script.write_text("#!/bin/sh\n")
    assert shop.run("all", "--in-place", "--force").code == 1
    assert script.read_text() == "#!/bin/sh\n"
    result = shop.run("clean")
    assert "warning: `api/one/bootstrap` is left, for somebody else has changed it" in result.err
    assert script.read_text() == "#!/bin/sh\n"


def test_of_a_function_that_finds_something_in_its_way_nothing_is_new(shop: Project) -> None:
    assert shop.run("all", "--zip").code == 0
    before = {name: (shop / "dist" / name).read_bytes() for name in shop.files()}
    (shop / "dist/two.sbom.json").write_text("mine")
    for name in ("one", "two"):
        shop.replace(f"api/{name}/main.go", name, "new")
    result = shop.run("all", "--zip", "--sbom", "--json")
    assert result.statuses == {"one": "built", "two": "failed"}
    assert shop.says("one") == "new"
    assert shop.says("two") == "two"
    for name in ("two/bootstrap", "two.zip"):
        assert (shop / "dist" / name).read_bytes() == before[name]
    assert shop.run("build", "two", "--zip", "--sbom", "--force").code == 0
    assert (shop.says("two"), (shop / "dist/two.zip").read_bytes() == before["two.zip"]) == (
        "new", False,
    )  # fmt: skip


def test_own_outputs_that_nobody_remembers_are_in_nobody_s_way(shop: Project) -> None:
    everything = ("all", "--zip", "--sbom", "--json")
    assert shop.run(*everything).code == 0
    for forget in (".lambdabuild", ".lambdabuild"):
        shutil.rmtree(shop / forget)
        shop.replace("api/one/main.go", "one", "one more")
        shop.replace("api/one/conf.json", "one", "one more")
        result = shop.run(*everything)
        assert (result.code, result.statuses) == (0, {"one": "built", "two": "unchanged"})
    # Another checkout that shares the directory, and the first one after it.
    other = replace(shop, path=shop.path.parent / "deeper" / "other")
    shutil.copytree(shop.path, other.path, ignore=shutil.ignore_patterns("dist", ".lambdabuild"))
    for project, text in ((other, "there"), (shop, "here"), (other, "there again")):
        project.write("api/one/main.go", main_printing(text))
        project.write("api/one/conf.json", text)
        result = project.run(*everything, "--out", str(shop / "dist"))
        assert (result.code, result.statuses["one"]) == (0, "built"), result.err
        assert shop.says("one") == text
        assert (shop / "dist/one/conf.json").read_text() == text


def test_a_function_that_is_called_as_the_manifest_is_refused_before_anything_is_built(
    shop: Project,
) -> None:
    shop.write("api/manifest.json/main.go", main_printing("manifest"))
    result = shop.run("all")
    assert result.code == 2
    assert "error: the function `manifest.json` would take the place of" in result.err
    assert not (shop / "dist").exists()
    # The remedy.
    shop.write("lambdabuild.toml", '[functions."manifest"]\ndirectory = "api/manifest.json"\n')
    assert shop.run("all").code == 0
    assert shop.says("manifest") == "manifest"
