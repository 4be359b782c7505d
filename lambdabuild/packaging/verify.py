"""Check that Lambda would accept a deployment package, and start its executable."""

import os

from lambdabuild.core.artifact import MOST_UNZIPPED, Asset
from lambdabuild.core.build import Step
from lambdabuild.core.text import size
from lambdabuild.golang.output import BuildID, parse_build_id
from lambdabuild.packaging import runtime_check
from lambdabuild.state.artifacts import is_object

MOST_FOR_UPLOAD = 52_428_800
"""Bytes of a zip in a request.

https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
"""
_HEAD = 32 * 1024
"""Bytes at the beginning of an executable in which Go looks for its build ID."""
_PIECE = 1 << 20
"""Bytes that are searched at once."""
_BUILD_INFO = b"\xff Go buildinf:"
"""What Go's linker writes into every executable: debug/buildinfo/buildinfo.go."""


class RefusedError(Exception):
    """Lambda would not accept a deployment package; the text has the reason and the remedy."""


def refuse(step: Step, executable: str) -> None:
    """Check that Lambda accepts a deployment package, and can start its executable."""
    refuse_size(step, executable)
    _refuse_start(step, executable)


def refuse_size(step: Step, executable: str) -> None:
    """Check that Lambda accepts a deployment package of this size."""
    if step.target.architecture is None or step.runtime is None:
        return
    sizes = {}
    for asset in step.assets:
        try:
            sizes[asset.name] = os.path.getsize(asset.source)
        except OSError as error:
            raise unreadable(asset, error) from error
    total = os.path.getsize(executable) + sum(sizes.values())
    if total >= MOST_UNZIPPED:
        largest = max(sizes, key=lambda name: sizes[name], default=None)
        remedy = "what `go build` links is that large; `-ldflags='-s -w'` leaves symbols out"
        if largest is not None:
            remedy = f"the largest asset is `{largest}` ({size(sizes[largest])})"
        raise RefusedError(
            f"the deployment package is {size(total)} unzipped, and Lambda takes less than "
            f"{size(MOST_UNZIPPED)} (250 MiB); {remedy}; a container image may be larger"
        )


def _refuse_start(step: Step, executable: str) -> None:
    if step.target.architecture is None or step.runtime is None:
        return
    bundled = {
        os.path.basename(asset.name): asset.source
        for asset in step.assets
        if os.path.dirname(asset.name) in {"", "lib"}
    }
    problems = runtime_check.problems(
        executable, architecture=step.target.architecture, runtime=step.runtime, bundled=bundled,
        layers=step.layer_libraries,
    )  # fmt: skip
    if problems:
        raise RefusedError(f"`bootstrap` would not start on {step.runtime}: {'; '.join(problems)}")


def unfit(step: Step, executable: str) -> str | None:
    """Return why no build could have made an executable out of a cache; None if it could.

    Flaws of the function itself, such as too large assets, do not count.
    """
    try:
        _refuse_start(step, executable)
    except RefusedError as error:
        return str(error)
    length = os.path.getsize(executable)
    if step.target.architecture is not None and length >= MOST_UNZIPPED:
        return f"it is {size(length)}, which is more than Lambda takes"
    if not length or not is_object(executable):
        return "it is no executable"
    if not _holds(executable, _BUILD_INFO):
        return "it is no executable of Go's"
    build_id = read_build_id(executable)
    return "Go has not finished it" if build_id is not None and not build_id.final else None


def _holds(path: str, mark: bytes) -> bool:
    """Tell whether a file has some bytes in it, with one piece of it in memory at a time."""
    kept = len(mark) - 1
    buffer = bytearray(kept + _PIECE)
    room = memoryview(buffer)[kept:]
    with open(path, "rb", buffering=0) as file:
        while count := file.readinto(room):
            if buffer.find(mark, 0, kept + count) >= 0:
                return True
            # The bytes may begin in one piece and end in the next.
            buffer[:kept] = buffer[count : kept + count]
    return False


def read_build_id(path: str) -> BuildID | None:
    """Return Go's build ID of an executable."""
    with open(path, "rb") as file:
        return parse_build_id(file.read(_HEAD))


def unreadable(asset: Asset, error: OSError) -> RefusedError:
    """Return the error of an asset that cannot be read."""
    return RefusedError(f"the asset `{asset.name}` cannot be read: {error.strerror}")
