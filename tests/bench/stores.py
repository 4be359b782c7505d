"""Share executables through an S3 server on loopback, and look at where they came from."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.bench import measure
from tests.bench.model import BenchError, CannotMeasureError, Command, Sample, Workspace
from tests.store import server


@contextmanager
def filled(workspace: Workspace) -> Iterator[None]:
    """Have the server run, with the executables of all functions in it."""
    if not server.MOTO.exists():
        raise CannotMeasureError("there is no S3 server\n  hint: `make deploy-tools` installs one")
    with server.moto() as address:
        url = f"s3://{server.BUCKET}/bench?endpoint={address}"
        _url(workspace).write_text(url, encoding="utf-8")
        measure.run(workspace, command(workspace))
        yield


def command(workspace: Workspace) -> Command:
    """Say what builds with that store; it needs `server.ENVIRONMENT`."""
    url = _url(workspace).read_text(encoding="utf-8") if _url(workspace).exists() else ""
    return [workspace.settings.lambdabuild, "all", "--cache", url]


def restored(
    measured: Callable[[Workspace, Command], Sample],
) -> Callable[[Workspace, Command], Sample]:
    """Hold a run of lambdabuild to have taken all executables from a cache."""

    def checked(workspace: Workspace, command: Command) -> Sample:
        report = workspace.directory / "report.json"
        sample = measured(workspace, [*command, "--report", report])
        functions = json.loads(report.read_text(encoding="utf-8"))["functions"]
        for function in functions:
            if function["status"] != "restored":
                raise BenchError(f"`{function['name']}` was not restored: {function['status']}")
        return sample

    return checked


def _url(workspace: Workspace) -> Path:
    return workspace.directory / "store-url"
