"""Describe an executable as a CycloneDX document, from Go's build information.

Names follow cyclonedx-gomod, CycloneDX's own tool for Go (internal/sbom/convert/module and
pkg/generate/bin there), and the `cdx:gomod` namespace of its property taxonomy.
"""

import datetime as dt
import importlib.util
import re
import uuid
from base64 import b64decode
from collections.abc import Iterator, Sequence
from typing import Any

from lambdabuild import __version__
from lambdabuild.core.errors import LambdabuildError
from lambdabuild.packaging.buildinfo import BuildInfo, BuiltModule, parse_build_info
from lambdabuild.system.installation import install_command
from lambdabuild.system.process import Command, Run

Element = dict[str, Any]
"""A part of the document, as its JSON has it."""

# https://github.com/CycloneDX/cyclonedx-property-taxonomy/blob/main/cdx/gomod.md, and what
# cyclonedx-gomod writes beyond it. Variables go under `env`, the rest under a name of ours.
_TAXONOMY = {"-compiler": "compiler", "-tags": "tag"} | {
    f"vcs{name}": f"vcs{name.replace('.', ':')}" for name in ("", ".revision", ".time", ".modified")
}
_VARIABLE = re.compile(r"[A-Z][A-Z0-9_]*")
_SUM = re.compile(r"h1:([A-Za-z0-9+/]{43}=)")
_RELEASE = re.compile(r"go\d+(\.\d+)+")
_DIRECTORY = re.compile(r"\.\.?(/|$)|/")
"""How a path begins that go.mod takes for a directory: https://go.dev/ref/mod#go-mod-file-replace"""
_LAST = 253402300799
"""The end of the year 9999, the last of a time stamp, in seconds since 1970."""


def check_library() -> None:
    """Check that the library for CycloneDX is installed."""
    if importlib.util.find_spec("cyclonedx") is None:
        raise LambdabuildError(
            "a bill of materials needs cyclonedx-python-lib",
            hint=f"`{install_command('sbom')}` installs it",
        )


def read_build_info(
    run: Run, go: str, files: Sequence[str], directory: str
) -> dict[str, BuildInfo]:
    """Return the build information of each of `files`, by path, from one `go version -m`."""
    if not files:
        return {}
    # A -json in GOFLAGS would change what is printed.
    environment = {"PWD": directory, "GOFLAGS": ""}
    completed = run(Command((go, "version", "-m", "--", *files), directory, environment))
    found = parse_build_info(completed.output)
    missing = [file for file in files if file not in found]
    if missing:
        raise LambdabuildError(
            "`go version -m` cannot tell what is in an executable, so there is no SBOM of it",
            at=completed.error.strip().splitlines() or missing,
            hint="`lambdabuild all --force` builds it again; tools that pack or strip "
            "executables take Go's build information away",
        )
    return {file: found[file] for file in files}


def document(info: BuildInfo, *, name: str, sha256: str, moment: int | None = None) -> str:
    """Return the CycloneDX 1.6 JSON of the function `name`, whose executable has this SHA-256.

    It depends only on the arguments and the versions of lambdabuild and the CycloneDX library.
    `moment` is its time stamp in seconds since 1970 (SOURCE_DATE_EPOCH); None for none.

    Go records the modules of an executable, but no graph of them: the function depends on all.
    """
    # Takes 0.2 s, and only an SBOM needs it.
    from cyclonedx.model.bom import Bom
    from cyclonedx.output.json import JsonV1Dot6

    tool = {"type": "application", "name": "lambdabuild", "version": __version__}
    metadata = {
        "timestamp": dt.datetime.fromtimestamp(min(moment or 0, _LAST), dt.UTC).isoformat(),
        "tools": {"components": [tool]},
        "component": _function(info, name, sha256),
        "properties": list(_settings(info)),
    }
    library = {"type": "library", "scope": "required"}
    components = [
        library | _standard_library(info.go),
        *(library | {"bom-ref": f"module:{m.coordinates}"} | _module(m) for m in info.modules),
    ]
    number = serial_number(name, sha256, moment)
    bom = Bom.from_json(  # type: ignore[attr-defined] # a decorator adds it
        {"serialNumber": number.urn, "metadata": metadata, "components": components}
    )
    if moment is None:
        # Optional in the format, but not in the library, where it defaults to now.
        bom.metadata.timestamp = None
    bom.register_dependency(bom.metadata.component, bom.components)
    return str(JsonV1Dot6(bom).output_as_string(indent=2)) + "\n"


def serial_number(
    name: str, sha256: str, moment: int | None, *, version: str = __version__
) -> uuid.UUID:
    """Return the serial number that `version` of lambdabuild gives a document."""
    text = f"lambdabuild:{version}:sbom:{moment}:{sha256}:{name}"
    return uuid.uuid5(uuid.NAMESPACE_URL, text)


def _function(info: BuildInfo, name: str, sha256: str) -> Element:
    component = _module(info.main, info.path) if info.main else {"properties": []}
    # Without modules, Go makes up a path from the directory's, `_/home/…`.
    if info.path and not info.path.startswith("_/"):
        component["properties"].append(_property("lambdabuild:go:package", info.path))
    named = {"type": "application", "bom-ref": f"function:{name}", "name": name}
    return component | named | {"hashes": [{"alg": "SHA-256", "content": sha256}]}


def _standard_library(version: str) -> Element:
    """Return Go's own packages: `std` to cyclonedx-gomod and its users.

    Go's vulnerability database calls them `stdlib`, without the `go` before the version, and so
    do the purls that scanners look for; NVD has them as golang:go.
    https://go.dev/doc/security/vuln/database
    """
    # `devel go1.28-3f4a2c1 Thu …`, `go1.26.8 X:nodwarf5`
    version = next((word for word in version.split() if word.startswith("go")), version)
    number = version.removeprefix("go")
    cpe = f"cpe:2.3:a:golang:go:{number}:-:*:*:*:*:*:*" if _RELEASE.fullmatch(version) else None
    named = {"name": "std", "version": version, "purl": _purl("stdlib", number), "cpe": cpe}
    return {"bom-ref": f"module:std@{version}"} | named


def _module(module: BuiltModule, package: str = "") -> Element:
    """Return a module as it was compiled: its replacement, if it has one.

    A directory that replaces it has no version, and the name of the module it replaces. A sum is the
    SHA-256 of a list of the module's files with their hashes, not of a download
    (https://go.dev/ref/mod#go-sum-files); cyclonedx-gomod gives it as the component's, in hex.
    """
    compiled, properties = module, []
    if module.replacement:
        compiled = module.replacement
        properties.append(_property("lambdabuild:go:replaces", module.coordinates))
        if directory := _DIRECTORY.match(compiled.path):
            # An absolute path is of this machine.
            path = "a directory elsewhere" if directory[0] == "/" else compiled.path
            properties.append(_property("lambdabuild:go:directory", path))
            compiled = BuiltModule(module.path)
    if compiled.sum:
        properties.append(_property("lambdabuild:go:sum", compiled.sum))
    total = _SUM.fullmatch(compiled.sum)
    below = f"{module.path}/"
    # `command-line-arguments`, of files given to `go build`, is not in the module.
    subpath = package.removeprefix(below) if package.startswith(below) else ""
    return {
        "name": compiled.path,
        "version": compiled.version or None,
        "purl": _purl(compiled.path, compiled.version, subpath),
        "hashes": [{"alg": "SHA-256", "content": b64decode(total[1]).hex()}] if total else [],
        "properties": properties,
    }


def _purl(path: str, version: str, subpath: str = "") -> str:
    """Return the purl of a module, in lower case as purl's definition of `golang` has it.

    https://github.com/package-url/purl-spec/blob/main/types/golang-definition.json
    """
    from packageurl import PackageURL

    namespace, _, name = path.lower().rpartition("/")
    return PackageURL("golang", namespace, name, version, None, subpath).to_string()


def _settings(info: BuildInfo) -> Iterator[Element]:
    yield _property("cdx:gomod:build:env:GOVERSION", info.go)
    for key, value in info.settings.items():
        known = f"env:{key}" if _VARIABLE.fullmatch(key) else _TAXONOMY.get(key)
        name = f"cdx:gomod:build:{known}" if known else f"lambdabuild:go:build:{key}"
        for part in value.split(",") if key == "-tags" else [value]:
            yield _property(name, part)


def _property(name: str, value: str) -> Element:
    return {"name": name, "value": value}
