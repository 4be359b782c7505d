"""Give every contestant the same plain environment, and a place of its own."""

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from bench.model import (
    MIB,
    BenchError,
    CannotMeasureError,
    Contestant,
    Settings,
    Workspace,
)
from bench.monorepo import Monorepo, generate
from bench.sources import Kind

# Where modules come from and lie: nothing here changes what is built, or how fast.
_KEPT = (
    "GOINSECURE",
    "GOMODCACHE",
    "GONOPROXY",
    "GONOSUMDB",
    "GOPRIVATE",
    "GOPROXY",
    "GOSUMDB",
    "GOTOOLCHAIN",
    "GOVCS",
)

_LEFT_OUT = ("AWS_", "CGO_", "GIT_", "GITHUB_", "GO", "LAMBDABUILD_", "PYTHON")

# Of an executable with what is compiled for it, some 9 MB; of a small one; of a large one, which is
# kept and copied as well; what is to remain free.
_FUNCTION: Mapping[Kind, int] = {
    "real": 12 * MIB,
    "small": 3 * MIB,
    "http": 12 * MIB,
    "large": 40 * MIB,
}
_SPARE = 1024 * MIB


def go_environment(go: Path) -> Mapping[str, str]:
    """Ask `go` for the settings to keep, since GOENV=off hides those made by `go env -w`."""
    asked = subprocess.run([go, "env", "-json", *_KEPT], capture_output=True, check=True)
    settings: dict[str, str] = json.loads(asked.stdout)
    return {name: value for name, value in settings.items() if value}


def plain(
    environ: Mapping[str, str],
    settings: Settings,
    *,
    bin_: Path,
    go_cache: Path,
    temporary: Path,
    cache: Path,
) -> dict[str, str]:
    """Derive a contestant's environment: no Go setting of the user's but where modules are.

    Nor Python's: PYTHONDONTWRITEBYTECODE would have lambdabuild compile itself at every start. Nor
    what would name a store, a repository or the summary of a CI job.
    """
    inherited = {name: value for name, value in environ.items() if not name.startswith(_LEFT_OUT)}
    path = (str(bin_), str(settings.go.parent), environ.get("PATH", os.defpath))
    return {
        **inherited,
        **settings.go_environment,
        "GOENV": "off",
        "GOFLAGS": "",
        "GOCACHE": str(go_cache),
        # What one run built must not be restored in the next; contestants turn it on.
        "LAMBDABUILD_CACHE_MODE": "off",
        "LAMBDABUILD_CACHE_DIR": str(cache),
        "TMPDIR": str(temporary),
        "PATH": os.pathsep.join(path),
    }


def create(
    directory: Path, contestant: Contestant, functions: int, settings: Settings, *, kind: Kind
) -> Workspace:
    """Make a contestant's workspace: a monorepo, an empty Go build cache, a PATH of its own."""
    monorepo = generate(directory / "monorepo", functions, layout=contestant.layout, kind=kind)
    places = {
        "bin_": directory / "bin",
        "go_cache": directory / "go-cache",
        "temporary": directory / "tmp",
        "cache": directory / "cache",
    }
    for place in places.values():
        place.mkdir()
    return Workspace(
        settings=settings,
        directory=directory,
        monorepo=monorepo,
        outputs=outputs(monorepo, contestant),
        environment=plain(os.environ, settings, **places),
    )


def outputs(monorepo: Monorepo, contestant: Contestant) -> tuple[Path, ...]:
    """Locate the artifacts that a contestant owes."""
    return tuple(monorepo.directory / path for path in contestant.outputs(monorepo))


def check_space(directory: Path, functions: int, *, kind: Kind) -> None:
    """Raise CannotMeasureError unless so many functions can be built below a directory."""
    needed = functions * _FUNCTION[kind] + _SPARE
    free = shutil.disk_usage(directory).free
    if functions and free < needed:
        raise CannotMeasureError(
            f"{functions} functions to build need {needed // MIB} MiB of disk, "
            f"and `{directory}` has {free // MIB} MiB free\n  hint: TMPDIR says where to build"
        )


def download_modules(workspace: Workspace) -> None:
    """Fill GOMODCACHE with what the monorepo imports, so that no run waits for the network."""
    listed = subprocess.run(
        ["go", "list", "-deps", "./..."],
        cwd=workspace.monorepo.directory,
        env=workspace.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode != 0:
        raise BenchError(f"could not download the modules\n{listed.stderr}")
