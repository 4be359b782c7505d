"""`lambdabuild watch --zip`: an asset's edit becomes a new package, and no `go` is started for it."""

import zipfile

import pytest

from tests.e2e.conftest import Project, Recorded
from tests.e2e.processes import PATIENCE
from tests.e2e.watcher import replace_whole, watching, words
from tests.projects import SENTINEL_FILE, main_saying

pytestmark = pytest.mark.parametrize("go", ["go"], indirect=True)


@pytest.fixture
def mail(recorded: Recorded) -> Recorded:
    """A function with assets, and the sentinel."""
    recorded.write(SENTINEL_FILE, main_saying("zz"))
    recorded.write("api/mail/main.go", main_saying("m1"))
    recorded.write("api/mail/pages/one.html", "one 1")
    recorded.write("api/mail/main.css", "css 1")
    recorded.write(
        "lambdabuild.toml", 'zip = true\n[functions."mail"]\nassets = ["pages/*.html", "*.css"]\n'
    )
    return recorded


def packed(project: Project) -> dict[str, str]:
    """Return what is packed beside the executable, which is what stands beside it as well."""
    with zipfile.ZipFile(project / "dist/mail.zip") as archive:
        found = {name: archive.read(name) for name in archive.namelist()}
    executable = (project / "dist/mail/bootstrap").read_bytes()
    assert found.pop("bootstrap") == executable
    for name, content in found.items():
        assert (project / "dist/mail" / name).read_bytes() == content
    return {name: content.decode() for name, content in found.items()}


def test_assets_are_followed(mail: Recorded) -> None:
    with watching(mail) as watch:
        assert packed(mail) == {"main.css": "css 1", "pages/one.html": "one 1"}
        mail.started()

        # An edit, a new file, and one that goes away, without `go`.
        mail.write("api/mail/pages/one.html", "one 2")
        assert watch.until("built mail") == ["change api/mail/pages/one.html: mail", "built mail"]
        assert watch.last("mail")["reason"] == "api/mail/pages/one.html changed"
        mail.write("api/mail/pages/two.html", "two 1")
        watch.until("built mail")
        (mail / "api/mail/main.css").rename(mail / "api/mail/other.css")
        watch.until("built mail")
        assert watch.settled() == []
        assert packed(mail) == {
            "other.css": "css 1", "pages/one.html": "one 2", "pages/two.html": "two 1",
        }  # fmt: skip
        assert not (mail / "dist/mail/main.css").exists()
        assert set(mail.started()) <= {"build"}, "the sentinel's"

        # What no glob means changes nothing.
        mail.write("api/mail/pages/notes.txt", "not packed")
        assert [line for line in watch.settled() if "mail" in line and "built" in line] == []

        # A glob without a file fails its function alone, until there is one again.
        (mail / "api/mail/other.css").unlink()
        watch.until("failed mail")
        assert watch.last("mail")["errors"][0]["message"] == "no file matches the asset `*.css`"
        assert (mail / "dist/mail.zip").exists()
        mail.write("api/mail/new.css", "css 2")
        watch.until("built mail")
        assert packed(mail)["new.css"] == "css 2"

        # Executable and assets in one.
        mail.write("api/mail/main.go", main_saying("m2"))
        watch.until("built mail")
        assert watch.settled() == []
        assert words(mail, "mail") == ["m2"]
        assert packed(mail)["new.css"] == "css 2"


def test_globs_are_read_again_with_the_configuration(mail: Recorded) -> None:
    with watching(mail) as watch:
        # In one step: a watcher that is quick would see it empty first, and take the zip away.
        table = 'zip = true\n[functions."mail"]\nassets = ["pages"]\n'
        replace_whole(mail, "lambdabuild.toml", table)
        watch.until("built mail")
        assert packed(mail) == {"pages/one.html": "one 1"}
        mail.write("api/mail/pages/deep/three.txt", "three")
        watch.until("built mail")
        assert watch.settled() == []
        assert packed(mail) == {"pages/deep/three.txt": "three", "pages/one.html": "one 1"}
        mail.write("api/mail/pages/deep/three.txt", "four")
        watch.until("built mail")
        assert packed(mail)["pages/deep/three.txt"] == "four"
        mail.replace("lambdabuild.toml", "zip = true", "zip = false")
        mail.write("api/mail/pages/one.html", "one 2")
        watch.until("built mail")
        assert watch.settled() == []
        assert not (mail / "dist/mail.zip").exists()
        assert (mail / "dist/mail/pages/one.html").read_text() == "one 2"


def test_a_template_that_names_another_architecture_builds_for_it(project: Project) -> None:
    template = """\
Transform: AWS::Serverless-2016-10-31
Resources:
  D:
    Type: AWS::Serverless::Function
    Metadata: {{BuildMethod: go1.x}}
    Properties: {{CodeUri: ../api/d, Runtime: provided.al2023, Architectures: [{}]}}
"""
    project.write("infra/template.yaml", template.format("x86_64"))
    with watching(project) as watch:
        project.write("infra/template.yaml", template.format("arm64"))
        built = [f"built {name} linux/arm64" for name in ("a", "b", "c", "d", "zz")]
        assert watch.until(*built, within=PATIENCE) == [
            "change infra/template.yaml: a b c d zz", *built,
        ]  # fmt: skip
