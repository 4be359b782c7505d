"""Run the programs that check workflows and scripts; `make lint` installs them."""

import os
import subprocess
import sys
from pathlib import Path

from tests.docs.composite import ROOT

BIN = Path(sys.executable).parent


def checked(*command: str | Path, at: Path = ROOT) -> None:
    path = f"{BIN}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        [BIN / command[0], *command[1:]], check=False, cwd=at, env={**os.environ, "PATH": path},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "")


def valid(schema: str, *paths: Path) -> None:
    """Check files by a schema of check-jsonschema's, without a grammar that takes 6 s to load."""
    start = (
        "import sys; sys.modules['rfc3987_syntax'] = None;from check_jsonschema import main; main()"
    )
    flags = ("--quiet", f"--builtin-schema=vendor.{schema}")
    checked(BIN / "python", "-c", start, *flags, *paths)
