"""Merge the reports and manifests that shards wrote."""

import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from lambdabuild.build.reports import write_file
from lambdabuild.core.errors import LambdabuildError
from lambdabuild.core.text import to_json
from lambdabuild.output.merge import is_manifest, is_report, merge_manifests, merge_reports
from lambdabuild.output.streams import print_json
from lambdabuild.survey.session import Session
from lambdabuild.system import files


def join(
    session: Session, paths: Sequence[str], *, report: str | None, manifest: str | None
) -> bool:
    """Merge files, or the JSON files below directories; return whether everything was built.

    The report goes to stdout unless there is a file for it.
    """
    written = {
        os.path.abspath(os.path.join(session.paths.working, p)) for p in (report, manifest) if p
    }
    found = [item for item in _read(session, paths) if item[2] not in written]
    reports = [(path, value) for path, value, _ in found if is_report(value)]
    manifests = [(path, value) for path, value, _ in found if is_manifest(value)]
    if not reports:
        raise LambdabuildError(
            "there is no report in " + ", ".join(f"`{path}`" for path in paths),
            hint="each shard writes one with `lambdabuild all --shard I/N --report FILE`",
        )
    merged = merge_reports(reports)
    if manifest is not None:
        text = to_json(merge_manifests(manifests, merged))
        write_file(session.paths, manifest, "manifest", text, built=False)
    if report is not None:
        write_file(session.paths, report, "report", to_json(merged), built=False)
    else:
        print_json(merged)
    built = len(merged["functions"])
    session.tools.console.say(f"joined {len(reports)} reports of {built} functions")
    return bool(merged["ok"])


def _read(session: Session, paths: Sequence[str]) -> Iterator[tuple[str, Any, str]]:
    """Yield the path of each file as people know it, the JSON in it, and its absolute path."""
    working = session.paths.working
    for path in paths:
        full = Path(working, path)
        below = full.is_dir()
        for file in sorted(full.rglob("*.json")) if below else [full]:
            try:
                value = json.loads(files.named(str(file)).decode())
            except (OSError, ValueError, RecursionError) as error:
                if below:
                    continue
                reason = error.strerror if isinstance(error, OSError) else str(error)
                raise LambdabuildError(f"cannot read `{file}`: {reason}") from error
            yield os.path.relpath(file, working) if below else path, value, os.path.abspath(file)
