"""Join what the shards of one build reported, and their manifests."""

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any, NamedTuple

from lambdabuild.core.build import Shard
from lambdabuild.core.errors import FAILED, LambdabuildError
from lambdabuild.core.result import SCHEMA

Named = tuple[str, Any]
"""A path as people are shown it, and the JSON that was in the file."""
_Key = tuple[str, str]
_Function = Mapping[str, Any]

_REPORT = {"ok": bool, "seconds": (int, float), "go": str, "jobs": int}
_SHARD = {"index": int, "count": int, "functions": int, "split": str}
_TEXT_OR_NULL = (str, type(None))
_FUNCTION = {
    "name": str,
    "target": str,
    "sha256": _TEXT_OR_NULL,
    "code_sha256": _TEXT_OR_NULL,
}
_MOST_SHOWN = 5
"""Shards that are named where several are missing: as many as fit a line."""
_ONE_OF_EACH = "give the report of each shard once, and of one build only"
_SAME_TIMES = (
    "the shards saw different recorded times or different sources: give each the same file "
    "to `--times` (or none) and the same checkout, and the same flags"
)


def is_report(value: Any) -> bool:
    """Tell whether this is a build's report, of whatever schema."""
    return isinstance(value, dict) and isinstance(value.get("functions"), list) and "ok" in value


def is_manifest(value: Any) -> bool:
    """Tell whether this is an output directory's manifest, of whatever schema."""
    return (
        isinstance(value, dict)
        and isinstance(value.get("functions"), list)
        and value.keys() == {"schema", "functions"}
    )


class _Part(NamedTuple):
    """One file of those to be merged."""

    path: str
    value: Mapping[str, Any]
    functions: Mapping[_Key, _Function]


class _Piece(NamedTuple):
    """The report of one shard."""

    path: str
    shard: Shard
    functions: int
    """How many all shards have together."""
    split: str


def merge_reports(named: Sequence[Named]) -> dict[str, Any]:
    """Return the report of all together (schema 1), as of one build without shards.

    Its `seconds` are those of the slowest, its `jobs` those of all machines.
    """
    _check_started(named)
    parts = [_report(path, value) for path, value in named]
    if not parts:
        raise LambdabuildError(
            "there is no report to merge",
            hint="`--report FILE` writes one; give the files of all shards",
        )
    pieces = _pieces(parts)
    _check_shards(pieces)
    functions = _union(parts)
    _check_whole(pieces, functions)
    _check_go(parts)
    return {
        "schema": SCHEMA,
        "ok": all(part.value["ok"] for part in parts),
        "seconds": max(part.value["seconds"] for part in parts),
        "go": parts[0].value["go"],
        "jobs": sum(part.value["jobs"] for part in parts),
        "functions": [function for _, function in sorted(functions.items())],
    }


def _check_started(named: Sequence[Named]) -> None:
    """Check that every run could start: of one that could not, nobody knows what it had to build."""
    refused = [
        (path, value["error"])
        for path, value in named
        if is_report(value) and _has(value.get("error"), {"message": str})
    ]
    if not refused:
        return
    _, first = refused[0]
    hint = first.get("hint")
    message = "one of the builds could not start"
    if len(refused) > 1:
        message = f"{len(refused)} of the builds could not start"
    raise LambdabuildError(
        message,
        at=[f"{path}: {error['message']}" for path, error in refused],
        hint=hint if isinstance(hint, str) else None,
        exit_code=FAILED,
    )


def merge_manifests(named: Sequence[Named], report: Mapping[str, Any]) -> dict[str, Any]:
    """Return the manifest of all output directories together.

    A shard's directory may hold, from earlier runs, executables that it did not build this time.
    So where manifests differ, the one is right that has what `report`, the merged one, tells.
    """
    parts = [_manifest(path, value) for path, value in named]
    told = {(f["name"], f["target"]): f for f in report["functions"]}
    there = {key for key, function in told.items() if function["sha256"] is not None}
    keys = sorted(there.union(*(part.functions for part in parts)))
    return {"schema": SCHEMA, "functions": [_entry(key, parts, told.get(key)) for key in keys]}


def _entry(key: _Key, parts: Sequence[_Part], told: _Function | None) -> _Function:
    entries = [(part.path, part.functions[key]) for part in parts if key in part.functions]
    # One that failed and has no executable is told of as if it were in no report.
    if told is not None and told["sha256"] is not None:
        entries = [e for e in entries if e[1]["sha256"] == told["sha256"]]
        # Of the same executable, one may have a zip that is packed of other assets.
        packed = [e for e in entries if e[1]["code_sha256"] == told["code_sha256"]]
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


def _report(path: str, value: Any) -> _Part:
    if not is_report(value):
        raise _not("report", path)
    _check_schema(path, value)
    if not _has(value, _REPORT):
        raise _not("report", path)
    return _Part(path, value, _by_key(path, value, "report"))


def _manifest(path: str, value: Any) -> _Part:
    if not is_manifest(value):
        raise _not("manifest", path)
    _check_schema(path, value)
    return _Part(path, value, _by_key(path, value, "manifest"))


def _check_schema(path: str, value: Mapping[str, Any]) -> None:
    if value.get("schema") != SCHEMA:
        raise LambdabuildError(
            f"its schema is {value.get('schema')}, and this lambdabuild reads {SCHEMA}",
            at=[path],
            hint="merge with the version of lambdabuild that wrote it",
        )


def _has(value: Any, fields: Mapping[str, Any]) -> bool:
    return isinstance(value, dict) and all(
        name in value
        and isinstance(value[name], kind)
        # For Python, true is a number.
        and (kind is bool or not isinstance(value[name], bool))
        for name, kind in fields.items()
    )


def _by_key(path: str, value: Mapping[str, Any], kind: str) -> dict[_Key, _Function]:
    found: dict[_Key, _Function] = {}
    for function in value["functions"]:
        if not _has(function, _FUNCTION):
            raise _not(kind, path)
        key = (function["name"], function["target"])
        if key in found:
            raise LambdabuildError(
                f"{_label(key)} is in this {kind} twice",
                at=[path],
                hint="give the file as lambdabuild wrote it",
            )
        found[key] = function
    return found


def _not(kind: str, path: str) -> LambdabuildError:
    return LambdabuildError(
        f"this is no {kind} of lambdabuild",
        at=[path],
        hint="`--report FILE` writes a report; `manifest.json` is in the output directory",
    )


def _label(key: _Key) -> str:
    return f"`{key[0]}` for {key[1]}"


def _pieces(parts: Sequence[_Part]) -> list[_Piece]:
    """Return the shards that the reports are of; none if they are of builds without shards."""
    sharded = [part for part in parts if "shard" in part.value]
    whole = [part for part in parts if "shard" not in part.value]
    if sharded and whole:
        raise LambdabuildError(
            "one report is of a shard, and another is not",
            at=[sharded[0].path, whole[0].path],
            hint=_ONE_OF_EACH,
        )
    pieces = []
    for part in sharded:
        told = part.value["shard"]
        if not (_has(told, _SHARD) and 1 <= told["index"] <= told["count"]):
            raise _not("report", part.path)
        shard = Shard(told["index"], told["count"])
        pieces.append(_Piece(part.path, shard, told["functions"], told["split"]))
    return pieces


def _check_shards(pieces: Sequence[_Piece]) -> None:
    """Check that the shards are all there, each once, and did split alike."""
    seen: dict[Shard, _Piece] = {}
    for piece in pieces:
        first = pieces[0]
        at = [first.path, piece.path]
        if piece.shard.count != first.shard.count:
            raise LambdabuildError(
                f"shard {first.shard} and shard {piece.shard} are not of one build",
                at=at,
                hint=_ONE_OF_EACH,
            )
        if piece.shard in seen:
            raise LambdabuildError(
                f"shard {piece.shard} is given twice",
                at=[seen[piece.shard].path, piece.path],
                hint=_ONE_OF_EACH,
            )
        seen[piece.shard] = piece
        if (piece.split, piece.functions) != (first.split, first.functions):
            raise LambdabuildError(
                f"shard {first.shard} and shard {piece.shard} divided the functions differently",
                at=at,
                hint=_SAME_TIMES,
            )
    if pieces:
        count = pieces[0].shard.count
        # Not all of them: a report may say whatever it likes of how many there are.
        every = (Shard(number + 1, count) for number in range(count))
        shown = list(islice((shard for shard in every if shard not in seen), _MOST_SHOWN))
        if shown:
            more = count - len(seen) - len(shown)
            listed = ", ".join(map(str, shown)) + (f" and {more} more" if more else "")
            raise LambdabuildError(
                f"the report of shard {listed} is missing",
                at=[piece.path for piece in pieces],
                hint="did its job fail before it built anything? give the reports of all shards",
            )


def _union(parts: Sequence[_Part]) -> dict[_Key, _Function]:
    of: dict[_Key, _Part] = {}
    for part in parts:
        for key in part.functions:
            if key in of:
                raise LambdabuildError(
                    f"{_label(key)} is in two reports",
                    at=[of[key].path, part.path],
                    hint="reports can be merged if no function was built twice",
                )
            of[key] = part
    return {key: part.functions[key] for key, part in of.items()}


def _check_whole(pieces: Sequence[_Piece], functions: Mapping[_Key, _Function]) -> None:
    names = {name for name, _ in functions}
    if pieces and len(names) != pieces[0].functions:
        raise LambdabuildError(
            f"the reports tell of {len(names)} functions, and the shards had "
            f"{pieces[0].functions} to build",
            at=[piece.path for piece in pieces],
            hint="give the reports as the shards of one build wrote them",
        )


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
