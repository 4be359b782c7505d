"""Write down what is in an executable: a CycloneDX document, from what Go says of its build.

Names follow cyclonedx-gomod, CycloneDX's own tool for Go (internal/sbom/convert/module and
pkg/generate/bin there), and the `cdx:gomod` namespace of its property taxonomy.
"""

import base64
import binascii
import datetime as dt
import re
import uuid
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from lambdabuild import __version__
from lambdabuild.core.errors import LambdabuildError
from lambdabuild.core.model import Command
from lambdabuild.packaging.buildinfo import BuildInfo, BuiltModule, parse_build_info
from lambdabuild.system.process import Run

if TYPE_CHECKING:
    from cyclonedx.model import HashType, Property
    from cyclonedx.model.component import Component
    from packageurl import PackageURL

_DEVELOPED = frozenset({"", "(devel)"})
"""What Go writes where a module has no version: the main one, and what lies in a directory."""

# https://github.com/CycloneDX/cyclonedx-property-taxonomy/blob/main/cdx/gomod.md, and what
# cyclonedx-gomod writes beyond it. Variables go under `build:env`, the rest under a name of ours.
_PROPERTIES = {
    "-compiler": "cdx:gomod:build:compiler",
    "-tags": "cdx:gomod:build:tag",
    "vcs": "cdx:gomod:build:vcs",
    "vcs.revision": "cdx:gomod:build:vcs:revision",
    "vcs.time": "cdx:gomod:build:vcs:time",
    "vcs.modified": "cdx:gomod:build:vcs:modified",
}
_VARIABLE = re.compile(r"[A-Z][A-Z0-9_]*")
_RELEASE = re.compile(r"go\d+(\.\d+)+")
_LAST = 253402300799
"""The end of the year 9999, the last that a time stamp can tell, in seconds since 1970."""


def version_command(go: str, files: Sequence[str], directory: str) -> Command:
    """Ask `go` what it wrote into executables; those that are not its own make it exit with 1."""
    # A -json in GOFLAGS would change what is printed.
    environment = {"PWD": directory, "GOFLAGS": ""}
    return Command((go, "version", "-m", "--", *files), directory, environment)


def read_build_info(
    run: Run, go: str, files: Sequence[str], directory: str
) -> dict[str, BuildInfo]:
    """Return what Go wrote into each of `files`, by the path given, from one process.

    Raises:
        LambdabuildError: one of them is missing, is no executable of Go, or has lost its build
            information.

    """
    if not files:
        return {}
    completed = run(version_command(go, files, directory))
    found = parse_build_info(completed.output)
    missing = [file for file in files if file not in found]
    if missing:
        said = completed.error.strip().splitlines()
        raise LambdabuildError(
            "`go version -m` cannot tell what is in an executable, so there is no SBOM of it",
            at=said or missing,
            hint="`lambdabuild all --force` builds it again; tools that pack or strip "
            "executables take Go's build information away",
        )
    return {file: found[file] for file in files}


def document(info: BuildInfo, *, name: str, sha256: str, moment: int | None = None) -> str:
    """Return the CycloneDX 1.6 JSON of the function `name`, whose executable has this SHA-256.

    The text depends on the arguments, lambdabuild's version and the CycloneDX library's alone:
    components are sorted, and the serial number comes from the executable. `moment` is its time
    stamp in seconds since 1970, as SOURCE_DATE_EPOCH has it; without one there is none.

    Go records which modules an executable has packages of, and no graph of them. So the function
    depends on all of them, and they on nothing that is known.
    """
    # Takes 0.2 s, and only an SBOM needs it.
    from cyclonedx.model.bom import Bom, BomMetaData  # noqa: PLC0415
    from cyclonedx.model.component import Component, ComponentType  # noqa: PLC0415
    from cyclonedx.model.tool import ToolRepository  # noqa: PLC0415
    from cyclonedx.output.json import JsonV1Dot6  # noqa: PLC0415

    function = _function(info, name, sha256)
    components = [_standard_library(info.go), *map(_component, info.modules)]
    tool = Component(name="lambdabuild", version=__version__, type=ComponentType.APPLICATION)
    metadata = BomMetaData(
        component=function,
        tools=ToolRepository(components=[tool]),
        properties=_properties(_settings(info)),
    )
    if moment is None:
        # Optional in the format, but not in the library, which would put in the present.
        metadata.timestamp = None  # type: ignore[assignment]
    else:
        metadata.timestamp = dt.datetime.fromtimestamp(min(moment, _LAST), dt.UTC)
    bom = Bom(
        serial_number=serial_number(name, sha256, moment),
        metadata=metadata,
        components=components,
    )
    bom.register_dependency(function, components)
    return JsonV1Dot6(bom).output_as_string(indent=2) + "\n"


def serial_number(
    name: str, sha256: str, moment: int | None, *, version: str = __version__
) -> uuid.UUID:
    """Return what `version` of lambdabuild numbers a document with, of what it is made from."""
    text = f"lambdabuild:{version}:sbom:{moment}:{sha256}:{name}"
    return uuid.uuid5(uuid.NAMESPACE_URL, text)


def _function(info: BuildInfo, name: str, sha256: str) -> "Component":
    from cyclonedx.model.component import Component, ComponentType  # noqa: PLC0415

    module = _compiled(info.main) if info.main else None
    return Component(
        type=ComponentType.APPLICATION,
        bom_ref=f"function:{name}",
        name=name,
        version=_version(module),
        hashes=_hashes(sha256),
        purl=_purl(module.path, _version(module), _subpath(info)) if module else None,
        properties=_properties(_package(info)),
    )


def _standard_library(version: str) -> "Component":
    """Return Go's own packages: `std` to cyclonedx-gomod and its users.

    Go's vulnerability database calls them `stdlib`, without the `go` before the version, and so
    do the purls that scanners look for; NVD has them as golang:go.
    https://go.dev/doc/security/vuln/database
    """
    from cyclonedx.model.component import Component, ComponentScope, ComponentType  # noqa: PLC0415

    # `devel go1.28-3f4a2c1 Thu …`, `go1.26.8 X:nodwarf5`
    version = next((word for word in version.split() if word.startswith("go")), version)
    number = version.removeprefix("go")
    return Component(
        type=ComponentType.LIBRARY,
        scope=ComponentScope.REQUIRED,
        bom_ref=f"module:std@{version}",
        name="std",
        version=version,
        cpe=f"cpe:2.3:a:golang:go:{number}:-:*:*:*:*:*:*" if _RELEASE.fullmatch(version) else None,
        purl=_purl("stdlib", number),
    )


def _component(module: BuiltModule) -> "Component":
    """Return a module as it was compiled: what replaces it, if anything does.

    A directory that replaces it has no version, whatever go.mod asks for: it is named after the
    module it stands for.
    """
    from cyclonedx.model.component import Component, ComponentScope, ComponentType  # noqa: PLC0415

    compiled = _compiled(module)
    version = _version(compiled)
    return Component(
        type=ComponentType.LIBRARY,
        scope=ComponentScope.REQUIRED,
        bom_ref=f"module:{_coordinates(module)}",
        name=compiled.path,
        version=version,
        hashes=_hashes(_sum_in_hexadecimal(compiled.sum)),
        purl=_purl(compiled.path, version),
        properties=_properties(_origin(module)),
    )


def _compiled(module: BuiltModule) -> BuiltModule:
    replacement = module.replacement
    if replacement is None:
        return module
    if _is_directory(replacement.path):
        return BuiltModule(module.path, "(devel)")
    return replacement


def _is_directory(path: str) -> bool:
    """Tell a directory from a module path as go.mod does.

    https://go.dev/ref/mod#go-mod-file-replace
    """
    return path in {".", ".."} or path.startswith(("./", "../", "/"))


def _version(module: BuiltModule | None) -> str | None:
    return module.version if module and module.version not in _DEVELOPED else None


def _coordinates(module: BuiltModule) -> str:
    version = _version(module)
    return f"{module.path}@{version}" if version else module.path


def _subpath(info: BuildInfo) -> str | None:
    """Return where the main package is in its module; files given to `go build` are nowhere."""
    below = f"{info.main.path}/" if info.main else "/"
    return info.path.removeprefix(below) if info.path.startswith(below) else None


def _purl(path: str, version: str | None, subpath: str | None = None) -> "PackageURL":
    """Return the purl of a module, in lower case as purl's definition of `golang` has it.

    https://github.com/package-url/purl-spec/blob/main/types/golang-definition.json
    """
    from packageurl import PackageURL  # noqa: PLC0415

    namespace, _, name = path.lower().rpartition("/")
    return PackageURL("golang", namespace or None, name, version, None, subpath)


def _hashes(sha256: str | None) -> "list[HashType]":
    from cyclonedx.model import HashAlgorithm, HashType  # noqa: PLC0415

    return [HashType(alg=HashAlgorithm.SHA_256, content=sha256)] if sha256 else []


def _sum_in_hexadecimal(total: str) -> str | None:
    """Return an `h1:` sum as cyclonedx-gomod gives it, as the component's SHA-256.

    It is the SHA-256 of a list of the module's files with theirs, and of no file that could be
    downloaded: https://go.dev/ref/mod#go-sum-files
    """
    kind, _, encoded = total.partition(":")
    try:
        return base64.b64decode(encoded, validate=True).hex() if kind == "h1" else None
    except binascii.Error:
        return None


def _package(info: BuildInfo) -> Iterator[tuple[str, str]]:
    # Without modules, Go makes up a path from the directory's, `_/home/…`.
    if info.path and not info.path.startswith("_/"):
        yield "lambdabuild:go:package", info.path
    if info.main:
        yield from _origin(info.main)


def _origin(module: BuiltModule) -> Iterator[tuple[str, str]]:
    """Yield the sum as go.sum has it, and what was replaced by what."""
    total = _compiled(module).sum
    if total:
        yield "lambdabuild:go:sum", total
    if module.replacement:
        yield "lambdabuild:go:replaces", _coordinates(module)
        directory = module.replacement.path
        if _is_directory(directory):
            # Of an absolute path, only that it is one: it is the machine's.
            told = "a directory elsewhere" if directory.startswith("/") else directory
            yield "lambdabuild:go:directory", told


def _settings(info: BuildInfo) -> Iterator[tuple[str, str]]:
    yield "cdx:gomod:build:env:GOVERSION", info.go
    for key, value in info.settings.items():
        if key == "-tags":
            yield from ((_PROPERTIES[key], tag) for tag in value.split(","))
        elif _VARIABLE.fullmatch(key):
            yield f"cdx:gomod:build:env:{key}", value
        else:
            yield _PROPERTIES.get(key, f"lambdabuild:go:build:{key}"), value


def _properties(pairs: Iterable[tuple[str, str]]) -> "list[Property]":
    from cyclonedx.model import Property  # noqa: PLC0415

    return [Property(name=name, value=value) for name, value in pairs]
