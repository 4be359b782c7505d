"""A machine that is not as it should be: with another `go`, or file systems of its own."""

import os
import shutil
import sys
from pathlib import Path

import pytest


def fake_go(tmp_path: Path, script: str) -> dict[str, str]:
    """Put a `go` of our own making first on PATH."""
    place = tmp_path / "fake"
    place.mkdir()
    (place / "go").write_text(f"#!/bin/sh\n{script}\n")
    (place / "go").chmod(0o755)
    return {"PATH": f"{place}{os.pathsep}{os.environ['PATH']}"}


def in_namespace(script: str) -> list[str]:
    """Return a command that runs `script` where it may mount file systems of its own."""
    unshare = shutil.which("unshare")
    assert unshare, "util-linux has it, on every Linux"
    root = [] if os.geteuid() == 0 else ["--map-root-user"]
    return [unshare, *root, "--mount", "/bin/sh", "-ec", script]


linux_only = pytest.mark.skipif(
    sys.platform != "linux", reason="macOS cannot mount without a person's leave"
)
