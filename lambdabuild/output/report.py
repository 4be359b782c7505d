"""Return results as JSON and as text; paths come in absolute and leave relative."""

import base64
import os.path
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from lambdabuild.core.artifact import Artifact, Kind, Sidecar
from lambdabuild.core.build import Function, Skipped, Step
from lambdabuild.core.errors import LambdabuildError
from lambdabuild.core.gopackage import Diagnostic
from lambdabuild.core.result import SCHEMA, Activity, Report, Status, StepResult
from lambdabuild.core.target import Runtime, Target
from lambdabuild.core.text import columns, counted, duration, one_line, some, to_json, visible

Relative = Callable[[str], str]
"""From an absolute path to how people are shown it."""

_ORDER = (
    Status.BUILT,
    Status.RESTORED,
    Status.UNCHANGED,
    Status.UP_TO_DATE,
    Status.CANCELLED,
    Status.FAILED,
)


_FEW = 10
_SLOWEST = 3


def report_value(report: Report, relative: Relative) -> dict[str, Any]:
    """Return the report as `--json` and `--report` give it (schema 1)."""
    results = sorted(report.results, key=lambda r: (r.step.function.name, str(r.step.target)))
    return {
        "schema": SCHEMA,
        "ok": report.ok,
        "seconds": round(report.seconds, 3),
        "go": report.go,
        "jobs": report.jobs,
        "warnings": list(report.warnings),
        "functions": [result_value(result, relative) for result in results],
        **({"shard": report.share._asdict()} if report.share is not None else {}),
    }


def refusal_value(error: LambdabuildError, relative: Relative) -> dict[str, Any]:
    """Return what `--json` and `--report` give where a run could not start (schema 1)."""
    return {
        "schema": SCHEMA,
        "ok": False,
        "functions": [],
        "error": {
            "message": error.told,
            "hint": error.hint,
            "file": relative(error.file) if error.file else None,
            "line": error.line,
            "column": error.column,
        },
    }


def result_value(result: StepResult, relative: Relative) -> dict[str, Any]:
    """Return one function's object in the report."""
    step = result.step
    return {
        **identity_value(step.function, step.target, step.runtime, relative),
        "status": result.status.value,
        "reason": result.reason,
        **_files(result.artifact, result.size, result.sha256, step.zip, result.zip, relative),
        "keeps_all_methods": result.keeps_methods,
        "compile_seconds": _rounded(result.compile_seconds),
        "link_seconds": _rounded(result.link_seconds),
        "seconds": _rounded(result.seconds),
        "errors": [error_value(error, relative) for error in result.errors],
    }


def identity_value(
    function: Function, target: Target, runtime: Runtime | None, relative: Relative
) -> dict[str, Any]:
    return {
        "name": function.name,
        "package": function.package,
        "directory": relative(function.directory),
        "target": str(target),
        "architecture": target.architecture.value if target.architecture else None,
        "runtime": runtime.value if runtime else None,
    }


def _files(
    artifact: str | None,
    size: int | None,
    sha256: str | None,
    zip_path: str | None,
    packed: Sidecar | None,
    relative: Relative,
) -> dict[str, Any]:
    return {
        "artifact": relative(artifact) if artifact else None,
        "size": size,
        "sha256": sha256,
        "zip": relative(str(zip_path)) if packed else None,
        "zip_size": packed.identity.size if packed else None,
        "code_sha256": code_sha256(packed.sha256) if packed else None,
    }


def code_sha256(digest: str) -> str:
    """Return a SHA-256 in hex as the Lambda API gives that of a function's code.

    https://docs.aws.amazon.com/lambda/latest/api/API_FunctionConfiguration.html
    """
    return base64.b64encode(bytes.fromhex(digest)).decode()


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 3)


def error_value(error: Diagnostic, relative: Relative) -> dict[str, Any]:
    """Return one error's object in the report."""
    return {
        "file": relative(error.file) if error.file else None,
        "line": error.line,
        "column": error.column,
        "message": error.message,
    }


def manifest_text(artifacts: Iterable[Artifact]) -> str:
    """Return `manifest.json`: what is there, and nothing that differs between equal builds."""
    ordered = sorted(artifacts, key=lambda a: (a.function, str(a.target)))
    functions = [artifact_value(artifact, str) for artifact in ordered]
    return to_json({"schema": SCHEMA, "functions": functions})


def artifact_value(artifact: Artifact, relative: Relative) -> dict[str, Any]:
    """Return one function's object in the manifest."""
    packed = artifact.sidecar(Kind.ZIP)
    function = Function(artifact.function, artifact.package, artifact.directory, "")
    identity = identity_value(function, artifact.target, artifact.runtime, relative)
    size, zip_path = artifact.identity.size, packed.path if packed else None
    return identity | _files(artifact.path, size, artifact.sha256, zip_path, packed, relative)


def list_value(
    functions: Iterable[tuple[Function, Target, Runtime | None]],
    skipped: Iterable[Skipped] | None,
    relative: Relative,
) -> dict[str, Any]:
    """Return what `list --json` gives; `skipped` is None without `--skipped`."""
    return {
        "schema": SCHEMA,
        "functions": [
            identity_value(function, target, runtime, relative)
            | {"adapter": function.adapter.library if function.adapter else None}
            for function, target, runtime in functions
        ],
        "skipped": [
            {"package": item.package, "directory": item.directory, "reason": item.reason}
            for item in skipped or ()
        ],
    }


def explanation_value(
    steps: Iterable[Step], relative: Relative, reason_of: Callable[[Step], str | None] | None = None
) -> dict[str, Any]:
    """Return what `why --json` gives; without `reason_of`, of functions that depend on a file."""
    functions = []
    for step in steps:
        reason = {} if reason_of is None else {"reason": reason_of(step)}
        functions.append(
            identity_value(step.function, step.target, step.runtime, relative) | reason
        )
    return {"schema": SCHEMA, "functions": functions}


def labels(steps: Iterable[Step]) -> dict[tuple[str, Target], str]:
    """Return the name of each step's function, with the target where it has several."""
    steps = list(steps)
    targets = Counter(step.function.name for step in steps)
    return {
        step.key: step.function.name
        + (f" for {step.target}" if targets[step.function.name] > 1 else "")
        for step in steps
    }


def summary(report: Report) -> str:
    """Return the last line of a run: `built 12, unchanged 1, failed 1 of 14 in 6.4 s`."""
    if not report.results:
        return f"nothing to build in {duration(report.seconds)}"
    counts = Counter(result.status for result in report.results)
    parts = [f"{status.words} {counts[status]}" for status in _ORDER if counts[status]]
    return f"{', '.join(parts)} of {len(report.results)} in {duration(report.seconds)}"


class Imported(NamedTuple):
    """The packages that were compiled for functions, and are none: they are no function's own time."""

    packages: int
    seconds: float

    @property
    def words(self) -> str:
        return counted(self.packages, "import")


def imported(report: Report) -> Imported | None:
    """Return what was compiled beside the functions; None for nothing."""
    functions = {result.step.function.package for result in report.results}
    spans = [
        span
        for span in report.spans
        if span.activity is Activity.COMPILE and span.name not in functions
    ]
    names = {span.name for span in spans}
    return Imported(len(names), sum(span.seconds for span in spans)) if spans else None


def slowest_first(results: Iterable[StepResult]) -> list[StepResult]:
    """Sort by time; of the same, by name and target."""
    return sorted(
        results, key=lambda r: (-(r.seconds or 0), r.step.function.name, str(r.step.target))
    )


def slowest(report: Report, width: int | None = None) -> str | None:
    """Return a line that names the slowest functions: three, or as many as `width` columns hold.

    None for few, which the table shows at once, and where none took a second.
    """
    timed = slowest_first(result for result in report.results if result.seconds)
    if len(timed) <= _FEW or (timed[0].seconds or 0) < 1:
        return None
    names = labels(result.step for result in timed)
    shown = [
        one_line(f"{names[result.step.key]} {duration(result.seconds or 0)}")
        for result in timed[:_SLOWEST]
    ]
    lines = (f"slowest: {', '.join(shown[:count])}" for count in range(_SLOWEST, 0, -1))
    return next((line for line in lines if width is None or columns(line) <= width), None)


class Fault(NamedTuple):
    """Errors of one package, or the same of several, once, with all the functions they cost."""

    package: str | None
    functions: tuple[str, ...]
    errors: tuple[Diagnostic, ...]
    others: int = 0
    """How many more packages have the same errors: those of a module that cannot be loaded."""

    @property
    def affected(self) -> str:
        """Which functions did not build, and for which package."""
        names = list(dict.fromkeys(self.functions))
        what = f"in package {one_line(self.package)}" if self.package else "`go build` failed"
        what += f" and {self.others} more" if self.others else ""
        return f"{some(names)} did not build: {what}"

    @property
    def distinct(self) -> list[Diagnostic]:
        """The errors, each once, without package and remedy."""
        return list(dict.fromkeys(e._replace(hint=None, package=None) for e in self.errors))

    @property
    def hints(self) -> list[str]:
        """What helps: as the errors say, or else as their messages are known."""
        from lambdabuild.golang.remedies import remedy_for

        hints = [error.hint for error in self.errors if error.hint]
        if not hints:
            remedy = remedy_for("\n".join(error.message for error in self.errors))
            hints = [remedy] if remedy else []
        return list(dict.fromkeys(hints))

    def lines(self, relative: Relative) -> list[str]:
        """Return the fault as text without a terminal's means; the first line is the heading."""
        lines = [self.affected]
        for error in self.distinct:
            place = f"{place_of(error, relative)}: " if error.file else ""
            first, *rest = visible(error.message).splitlines() or [""]
            lines += [f"  {place}{first}", *(f"    {line.strip()}" for line in rest)]
        return lines + [f"  hint: {one_line(hint)}" for hint in self.hints]


def place_of(error: Diagnostic, relative: Relative) -> str:
    """Return where an error is, as far as that is known: `api/users/main.go:3:9`."""
    parts = (one_line(relative(error.file or "")), error.line, error.column)
    return ":".join(str(part) for part in parts if part is not None)


def is_outside(path: str) -> bool:
    """Tell whether a relative path leaves where it begins; then a forge has no file to show."""
    return os.path.isabs(path) or path == ".." or path.startswith("../")


def faults(results: Iterable[StepResult]) -> list[Fault]:
    """Group the errors of failed steps by the package at fault, each once."""
    errors: dict[str | None, dict[Diagnostic, None]] = {}
    functions: dict[str | None, dict[str, None]] = {}
    for result in results:
        for error in result.errors:
            errors.setdefault(error.package, {})[error] = None
            functions.setdefault(error.package, {})[result.step.function.name] = None
    found: dict[tuple[bool, tuple[Diagnostic, ...]], Fault] = {}
    for package, own in errors.items():
        same = (package is None, tuple(error._replace(package=None) for error in own))
        if known := found.get(same):
            every = tuple(dict.fromkeys((*known.functions, *functions[package])))
            found[same] = known._replace(functions=every, others=known.others + 1)
        else:
            found[same] = Fault(package, tuple(functions[package]), tuple(own))
    return list(found.values())


def functions_of(results: Iterable[StepResult]) -> dict[Diagnostic, list[str]]:
    """Return each error once, without its package, and the names of the functions it costs.

    One file may be compiled for several targets, or as part of several packages.
    """
    functions: dict[Diagnostic, list[str]] = {}
    for fault in faults(results):
        for error in fault.errors:
            functions.setdefault(error._replace(package=None), []).extend(fault.functions)
    return {error: list(dict.fromkeys(names)) for error, names in functions.items()}
