"""Serialize the state, and read it back; no disk."""

import json
import os
from collections.abc import Iterable
from typing import Any

from lambdabuild.core.artifact import Artifact, Identity, Input, Kind, Sidecar
from lambdabuild.core.gopackage import CFlags, Foreign, GoEnvironment, Module, Package
from lambdabuild.core.secrets import remembered
from lambdabuild.core.target import Runtime, Target
from lambdabuild.deployment.declared import Declared, Deployment, Witness
from lambdabuild.golang.tree import Tree
from lambdabuild.state.signing import Keys
from lambdabuild.state.stamps import DirectoryStamp, FileStamp, Stamps
from lambdabuild.state.state import Evidence, Findings, State

VERSION = 11
_LONGEST_HEAD = 400
DAMAGE = (ValueError, TypeError, KeyError, AttributeError, IndexError, RecursionError)
"""What reading a text raises that is damaged or of another version."""
_NO_C_FLAGS = CFlags()
_STATE = "state"
_ANNOUNCEMENT = "announcement"


class ForeignError(ValueError):
    """A text is signed with no key of ours: somebody else wrote it."""


def to_text(state: State, project: str, keys: Keys) -> str:
    """Return two lines of JSON: what this is, with signatures of the second; and the state."""
    inputs: dict[Input, int] = {}
    value = {
        "artifacts": [_artifact_row(artifact, inputs) for artifact in state.artifacts.values()],
        "inputs": list(inputs),
        "manifests": state.manifests,
        "findings": _findings_value(state.findings, project),
        "assets": state.assets.files,
        "failed": sorted((name, *target) for name, target in state.failed),
        "index": state.index,
        # Of a function not its variables: they may hold secrets.
        "evidence": [
            state.evidence.stamps.files,
            state.evidence.stamps.directories,
            _declared_rows(state.evidence.deployment.functions),
            state.evidence.deployment.witnesses,
            state.evidence.deployment.unreadable,
            _declared_rows(state.evidence.deployment.of_plugins),
        ],
    }
    return _sealed(value, _STATE, keys)


def _declared_rows(functions: Iterable[Declared]) -> list[Declared]:
    return [
        function._replace(
            environment={}, routes=(), url=None, computed=(), lines=dict(function.lines)
        )
        for function in functions
    ]


def _sealed(value: object, kind: str, keys: Keys) -> str:
    body = json.dumps(value, separators=(",", ":"))
    head = {"lambdabuild": VERSION, **keys.sign(kind, body)}
    return f"{json.dumps(head)}\n{body}\n"


def _opened(text: str, kind: str, keys: Keys) -> Any:
    head, _, body = text.partition("\n")
    if len(head) > _LONGEST_HEAD:
        raise ValueError("its first line is another")
    fields = json.loads(head)
    if fields["lambdabuild"] != VERSION:
        raise ValueError(f"version {fields['lambdabuild']}")
    if not keys.signed(fields, kind, body.removesuffix("\n")):
        raise ForeignError("it is signed with no key of this user on this machine")
    return json.loads(body)


def from_text(text: str, project: str, keys: Keys) -> State:
    """Return the state that `to_text` wrote, if it is signed with one of the keys.

    ForeignError means that it is not: then nothing but its first line was read. Any other text
    raises one of `DAMAGE`.
    """
    value = _opened(text, _STATE, keys)
    findings = _findings(value["findings"], project)
    origin = value["findings"]["project"]
    files = value["assets"] if origin == project else {}
    assets = Stamps({path: FileStamp(*row) for path, row in files.items()})
    failed = {(name, Target(goos, goarch)) for name, goos, goarch in value["failed"]}
    known = {artifact.path: artifact for artifact in _artifacts(value)}
    index = tuple(value["index"]) if value["index"] else None
    evidence = _evidence(value["evidence"]) if origin == project else Evidence()
    return State(known, value["manifests"], findings, assets, failed, index, origin, evidence)


def _evidence(row: list[Any]) -> Evidence:
    files, directories, functions, witnesses, unreadable, of_plugins = row
    stamps = Stamps(
        {path: FileStamp(*stamp) for path, stamp in files.items()},
        {path: DirectoryStamp(*stamp) for path, stamp in directories.items()},
    )

    def declared(rows: list[Any]) -> tuple[Declared, ...]:
        return tuple([Declared(*item)._replace(routes=(), computed=()) for item in rows])

    deployment = Deployment(
        declared(functions),
        tuple([Witness(*item) for item in witnesses]),
        tuple([(path, why) for path, why in unreadable]),
        declared(of_plugins),
    )
    return Evidence(stamps, deployment)


def announcement_text(artifacts: Iterable[Artifact], keys: Keys) -> str:
    """Return the text that announces what is about to be published."""
    inputs: dict[Input, int] = {}
    rows = [_artifact_row(artifact, inputs) for artifact in artifacts]
    return _sealed({"artifacts": rows, "inputs": list(inputs)}, _ANNOUNCEMENT, keys)


def from_announcement(text: str, keys: Keys) -> list[Artifact]:
    """Return the artifacts of an announcement; raise as `from_text` does."""
    return _artifacts(_opened(text, _ANNOUNCEMENT, keys))


def _artifacts(value: Any) -> list[Artifact]:
    inputs = [(name, what) for name, what in value["inputs"]]
    artifacts = [_artifact(row, inputs) for row in value["artifacts"]]
    for artifact in artifacts:
        _check_places(artifact)
    return artifacts


def _check_places(artifact: Artifact) -> None:
    """Check that every file is in its output directory or, in place, in that of its function."""
    top = artifact.layout or artifact.directory
    for path in (artifact.path, *[sidecar.path for sidecar in artifact.sidecars]):
        below = path.startswith(f"{top}{os.sep}") if top != os.curdir else not os.path.isabs(path)
        if not below or os.pardir in path[len(top) * (top != os.curdir) :].split(os.sep):
            raise ValueError(f"{path} is not in {top}")


def _artifact_row(artifact: Artifact, inputs: dict[Input, int]) -> list[Any]:
    return [
        artifact.path, artifact.layout, artifact.function, artifact.package, artifact.directory,
        artifact.target.goos, artifact.target.goarch, artifact.runtime, artifact.sha256,
        artifact.identity, artifact.build_id, artifact.link_id,
        [inputs.setdefault(item, len(inputs)) for item in artifact.inputs],
        [inputs.setdefault(item, len(inputs)) for item in artifact.packed],
        artifact.sidecars, artifact.keeps_methods,
    ]  # fmt: skip


def _artifact(row: list[Any], inputs: list[Input]) -> Artifact:
    path, layout, function, package, directory, goos, goarch, runtime, sha256 = row[:9]
    identity, build_id, link_id, known, packed, sidecars, keeps_methods = row[9:]
    return Artifact(
        path, layout, function, package, directory, Target(goos, goarch),
        Runtime(runtime) if runtime else None, sha256, Identity(*identity), build_id, link_id,
        tuple([inputs[number] for number in known]),
        tuple([inputs[number] for number in packed]),
        tuple([
            Sidecar(Kind(kind), path, sha256, Identity(*identity), made_from, executable)
            for kind, path, sha256, identity, made_from, executable in sidecars
        ]),
        keeps_methods,
    )  # fmt: skip


def _findings_value(findings: Findings, project: str) -> dict[str, Any]:
    value: dict[str, Any] = {
        "project": project,
        "files": findings.stamps.files,
        "directories": findings.stamps.directories,
        "doubted": findings.stamps.doubted,
    }
    if findings.broken:
        return value
    modules: dict[Module | None, int] = {None: 0}
    texts: dict[str, int] = {}
    return value | {
        "trees": {
            root: [t.directories, t.modules, t.sources, t.passed_over, t.unreadable]
            for root, t in findings.trees.items()
        },
        "environments": {
            key: [e.version, e.flags, e.workspace, e.cache, e.module_cache, e.toolchain, e.root,
                  e.tools]
            for key, e in findings.environments.items()
            # Never save a password: Go is asked for GOFLAGS again.
            if remembered(e.flags) == e.flags
        },
        "searched": [findings.searched, findings.without_lambda],
        "made": [findings.made, findings.gopath],
        "packages": {
            key: [_package_row(package, modules, texts) for package in packages]
            for key, packages in findings.packages.items()
        },
        "modules": [
            [m.path, m.directory, m.version, m.main, m.go_version, m.go_sum, m.replacement]
            for m in modules if m is not None
        ],
        "texts": list(texts),
        "foreign": findings.foreign,
    }  # fmt: skip


def _package_row(
    package: Package, modules: dict[Module | None, int], texts: dict[str, int]
) -> list[Any]:
    return [
        package.import_path, package.name, package.directory, package.go_files,
        package.ignored_files, package.imports, modules.setdefault(package.module, len(modules)),
        package.only_dependency, package.other_files, package.embed_files, package.embed_patterns,
        texts.setdefault(package.godebug, len(texts)), package.cgo, package.declares_main,
        package.local, *([package.c_flags] if any(package.c_flags) else []),
    ]  # fmt: skip


def _package(row: list[Any], modules: list[Module | None], texts: list[str]) -> Package:
    path, name, directory, go_files, ignored, imports, module, dependency, other = row[:9]
    embedded, patterns, godebug, cgo, declares_main, local, *c_flags = row[9:]
    return Package(
        path, name, directory, tuple(go_files), tuple(ignored), tuple(imports), modules[module],
        dependency, (), tuple(other), tuple(embedded), tuple(patterns), texts[godebug], cgo,
        declares_main, local, CFlags(*map(tuple, c_flags[0])) if c_flags else _NO_C_FLAGS,
    )  # fmt: skip


def _findings(value: dict[str, Any], project: str) -> Findings:
    if value["project"] != project:
        # It was copied or moved with the project: the paths are of another place.
        return Findings()
    stamps = Stamps(
        {path: FileStamp(*row) for path, row in value["files"].items()},
        {path: DirectoryStamp(*row) for path, row in value["directories"].items()},
        value["doubted"],
    )
    if "packages" not in value:
        return Findings(stamps=stamps)
    modules: list[Module | None] = [None, *(Module(*row) for row in value["modules"])]
    texts, (searched, without) = value["texts"], value["searched"]
    return Findings(
        trees={root: Tree(*row) for root, row in value["trees"].items()},
        environments={key: GoEnvironment(*row) for key, row in value["environments"].items()},
        packages={
            key: tuple([_package(row, modules, texts) for row in rows])
            for key, rows in value["packages"].items()
        },
        foreign={key: _foreign(row) for key, row in value["foreign"].items()},
        searched=searched,
        without_lambda=None if without is None else tuple(without),
        stamps=stamps,
        made=value["made"][0],
        gopath=tuple(value["made"][1]),
    )


def _foreign(row: list[Any]) -> Foreign:
    files, libraries, searched, absent, doubtful = row
    places = tuple((directory, level) for directory, level in searched)
    return Foreign(tuple(files), tuple(libraries), places, tuple(absent), doubtful)
