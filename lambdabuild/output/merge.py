"""Merge the reports of the shards of one build, and their manifests."""

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any, NamedTuple

from lambdabuild.core.errors import FAILED, LambdabuildError
from lambdabuild.core.result import SCHEMA, Share

Named = tuple[str, Any]
"""A path as people are shown it, and the JSON of the file."""
_Key = tuple[str, str]
_Function = Mapping[str, Any]

_REPORT = {"ok": bool, "seconds": (int, float), "go": str, "jobs": int}
_SHARE = {"index": int, "count": int, "functions": int, "split": str}
_TEXT_OR_NULL = (str, type(None))
_FUNCTION = {"name": str, "target": str, "sha256": _TEXT_OR_NULL, "code_sha256": _TEXT_OR_NULL}
_MOST_SHOWN = 5
"""Missing shards that are named: as many as fit a line."""
_ONE_OF_EACH = "give the report of each shard once, and of one build only"


def is_report(value: Any) -> bool:
    """Tell whether this is a build's report, of any schema."""
    return _has(value, {"functions": list}) and "ok" in value


def is_manifest(value: Any) -> bool:
    """Tell whether this is an output directory's manifest, of any schema."""
    return _has(value, {"functions": list}) and value.keys() == {"schema", "functions"}


class _Part(NamedTuple):
    """A report or manifest to be merged."""

    path: str
    value: Mapping[str, Any]
    functions: Mapping[_Key, _Function]
    share: Share | None
    """Set where it is the report of a shard."""


def merge_reports(named: Sequence[Named]) -> dict[str, Any]:
    """Return one report (schema 1) of the functions of at least one, as of a build without shards.

    Its `seconds` are those of the slowest build, its `jobs` the sum over all machines.
    """
    _check_started(named)
    parts = [_part(path, value, "report") for path, value in named]
    _check_shards(parts)
    functions = _functions(parts)
    _check_go(parts)
    return {
        "schema": SCHEMA,
        "ok": all(part.value["ok"] for part in parts),
        "seconds": max(part.value["seconds"] for part in parts),
        "go": parts[0].value["go"],
        "jobs": sum(part.value["jobs"] for part in parts),
        "warnings": list(dict.fromkeys(w for p in parts for w in p.value.get("warnings", ()))),
        "functions": [function for _, function in sorted(functions.items())],
    }


def _check_started(named: Sequence[Named]) -> None:
    """Check that every build could start: one that could not does not list its functions."""
    refused = [
        (path, value["error"])
        for path, value in named
        if is_report(value) and _has(value.get("error"), {"message": str})
    ]
    if refused:
        hint = refused[0][1].get("hint")
        count = len(refused) if len(refused) > 1 else "one"
        raise LambdabuildError(
            f"{count} of the builds could not start",
            at=[f"{path}: {error['message']}" for path, error in refused],
            hint=hint if isinstance(hint, str) else None,
            exit_code=FAILED,
        )


def merge_manifests(named: Sequence[Named], report: Mapping[str, Any]) -> dict[str, Any]:
    """Return one manifest of all output directories.

    A shard's directory may hold executables of earlier runs. So where manifests differ, the one
    that agrees with `report`, the merged one, is right.
    """
    parts = [_part(path, value, "manifest") for path, value in named]
    reported = {(f["name"], f["target"]): f for f in report["functions"]}
    there = {key for key, function in reported.items() if function["sha256"] is not None}
    keys = sorted(there.union(*(part.functions for part in parts)))
    functions = [_entry(key, parts, reported.get(key)) for key in keys]
    return {"schema": SCHEMA, "functions": functions}


def _entry(key: _Key, parts: Sequence[_Part], reported: _Function | None) -> _Function:
    entries = [(part.path, part.functions[key]) for part in parts if key in part.functions]
    # One that failed, and has no executable, counts as if it were in no report.
    if reported is not None and reported["sha256"] is not None:
        entries = [e for e in entries if e[1]["sha256"] == reported["sha256"]]
        # The same executable may be in a zip with other assets.
        packed = [e for e in entries if e[1]["code_sha256"] == reported["code_sha256"]]
        entries = packed or entries
    if not entries:
        raise LambdabuildError(
            f"no manifest has {_label(key)} as it was reported",
            at=[part.path for part in parts],
            hint="give the manifests of all shards, as the same run wrote them",
        )
    first = entries[0]
    for other in entries:
        if other[1] != first[1]:
            raise LambdabuildError(
                f"the manifests differ about {_label(key)}",
                at=[first[0], other[0]],
                hint="remove what earlier runs left in the output directories, or build it again",
            )
    return first[1]


def _part(path: str, value: Any, kind: str) -> _Part:
    """Check a `report` or `manifest` against its schema."""
    unfit = LambdabuildError(
        f"this is no {kind} of lambdabuild",
        at=[path],
        hint="`--report FILE` writes a report; `manifest.json` is in the output directory",
    )
    if not (is_report if kind == "report" else is_manifest)(value):
        raise unfit
    if value.get("schema") != SCHEMA:
        raise LambdabuildError(
            f"its schema is {value.get('schema')}, and this lambdabuild reads {SCHEMA}",
            at=[path],
            hint="merge with the version of lambdabuild that wrote it",
        )
    if kind == "report" and not (_has(value, _REPORT) and _are_texts(value.get("warnings", []))):
        raise unfit
    functions: dict[_Key, _Function] = {}
    for function in value["functions"]:
        if not _has(function, _FUNCTION):
            raise unfit
        key = (function["name"], function["target"])
        if key in functions:
            raise LambdabuildError(
                f"{_label(key)} is in this {kind} twice",
                at=[path],
                hint="give the file as lambdabuild wrote it",
            )
        functions[key] = function
    share = None
    if "shard" in value:
        if not _has(value["shard"], _SHARE):
            raise unfit
        share = Share(**{field: value["shard"][field] for field in _SHARE})
        if not 1 <= share.index <= share.count:
            raise unfit
    return _Part(path, value, functions, share)


def _has(value: Any, fields: Mapping[str, Any]) -> bool:
    return isinstance(value, dict) and all(
        name in value
        and isinstance(value[name], kind)
        # For Python, true is a number.
        and (kind is bool or not isinstance(value[name], bool))
        for name, kind in fields.items()
    )


def _are_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _label(key: _Key) -> str:
    return f"`{key[0]}` for {key[1]}"


def _check_shards(parts: Sequence[_Part]) -> None:
    """Check that the reports are of all shards of one build, each once, or of none."""
    shares = [(part.path, part.share) for part in parts if part.share is not None]
    unsharded = [part.path for part in parts if part.share is None]
    if not shares:
        return
    first_path, first = shares[0]
    if unsharded:
        raise LambdabuildError(
            "one report is of a shard, and another is not",
            at=[first_path, unsharded[0]],
            hint=_ONE_OF_EACH,
        )
    seen: dict[int, str] = {}
    for path, share in shares:
        both = f"shard {first.index}/{first.count} and shard {share.index}/{share.count}"
        if share.count != first.count:
            raise LambdabuildError(
                f"{both} are not of one build", at=[first_path, path], hint=_ONE_OF_EACH
            )
        if share.index in seen:
            raise LambdabuildError(
                f"shard {share.index}/{share.count} is given twice",
                at=[seen[share.index], path],
                hint=_ONE_OF_EACH,
            )
        seen[share.index] = path
        if (share.split, share.functions) != (first.split, first.functions):
            raise LambdabuildError(
                f"{both} divided the functions differently",
                at=[first_path, path],
                hint="the shards saw different recorded times or different sources: give each the "
                "same file to `--times` (or none) and the same checkout, and the same flags",
            )
    # Lazily: a report may claim any number of shards.
    missing = (number for number in range(1, first.count + 1) if number not in seen)
    if shown := [f"{number}/{first.count}" for number in islice(missing, _MOST_SHOWN)]:
        more = first.count - len(seen) - len(shown)
        listed = ", ".join(shown) + (f" and {more} more" if more else "")
        raise LambdabuildError(
            f"the report of shard {listed} is missing",
            at=seen.values(),
            hint="did its job fail before it built anything? give the reports of all shards",
        )


def _functions(parts: Sequence[_Part]) -> dict[_Key, _Function]:
    """Return the functions of all reports, of which each has to be in one only."""
    found: dict[_Key, _Part] = {}
    for part in parts:
        for key in part.functions:
            if key in found:
                raise LambdabuildError(
                    f"{_label(key)} is in two reports",
                    at=[found[key].path, part.path],
                    hint="reports can be merged if no function was built twice",
                )
            found[key] = part
    share, names = parts[0].share, {name for name, _ in found}
    if share is not None and len(names) != share.functions:
        raise LambdabuildError(
            f"the reports tell of {len(names)} functions, and the shards had {share.functions} "
            "to build",
            at=[part.path for part in parts],
            hint="give the reports as the shards of one build wrote them",
        )
    return {key: part.functions[key] for key, part in found.items()}


def _check_go(parts: Sequence[_Part]) -> None:
    first = parts[0]
    for part in parts:
        if part.value["go"] != first.value["go"]:
            raise LambdabuildError(
                f"one was built with {first.value['go']}, another with {part.value['go']}",
                at=[first.path, part.path],
                hint="install the same Go on each machine; in GitHub Actions, with setup-go's "
                "`go-version-file: go.mod`",
            )
