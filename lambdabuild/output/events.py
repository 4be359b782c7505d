"""Return the events that `watch --json` prints, one a line."""

from collections.abc import Iterable, Mapping
from typing import Any

from lambdabuild.core.artifact import Artifact
from lambdabuild.core.errors import LambdabuildError
from lambdabuild.core.gopackage import Diagnostic
from lambdabuild.core.result import Status, StepResult
from lambdabuild.output.report import Relative, artifact_value, error_value, result_value


def ready(functions: int, seconds: float) -> dict[str, Any]:
    """Report that the first build is done, and changes are watched for."""
    return {"event": "ready", "functions": functions, "seconds": round(seconds, 3)}


def serving(address: str, functions: Iterable[str]) -> dict[str, Any]:
    """Report where functions can be called, and their names."""
    return {"event": "serving", "address": address, "functions": list(functions)}


def debugging(function: str, address: str) -> dict[str, Any]:
    """Report where the debugger of a function is: `127.0.0.1:2345`."""
    return {"event": "debugging", "function": function, "address": address}


def attaching(function: str, environment: Mapping[str, str]) -> dict[str, Any]:
    """Report that a function waits for a process that somebody else starts, with these variables."""
    return {"event": "attaching", "function": function, "environment": dict(environment)}


def change(paths: Iterable[str], functions: Iterable[str]) -> dict[str, Any]:
    """Report which files changed, and the functions that they affect."""
    return {"event": "change", "paths": list(paths), "functions": list(functions)}


def outcome(result: StepResult, relative: Relative) -> dict[str, Any]:
    """Report the result of a function: `status` says whether the bytes are new.

    The artifact of one that did not build, if any, is the old one.
    """
    event = "failed" if result.status is Status.FAILED else "built"
    return {"event": event, "function": result_value(result, relative)}


def stuck(error: LambdabuildError, relative: Relative) -> dict[str, Any]:
    """Report why nothing can be built for now."""
    shown = Diagnostic(None, str(error), error.file, error.line, error.column)
    return {"event": "failed", "function": None, "errors": [error_value(shown, relative)]}


def removed(artifact: Artifact, relative: Relative) -> dict[str, Any]:
    """Report that an artifact was removed with its function; its paths are absolute."""
    return {"event": "removed", "function": artifact_value(artifact, relative)}
