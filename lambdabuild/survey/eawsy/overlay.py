"""Write what stands between a handler for eawsy's runtimes and Lambda, as an overlay for `go build`.

Each function gets two files that are not in the repository: the adapter, which is the same for all and
speaks the Runtime API, and a few lines that give it the handler. The adapter needs nothing but the standard
library, so that no go.mod, go.sum or vendor/modules.txt has to change, and no other function is built from
other versions than before.
"""

import functools
import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from string import Template
from typing import NamedTuple

from lambdabuild.core.build import Adapter, Batch
from lambdabuild.core.errors import LambdabuildError
from lambdabuild.core.gopackage import GoEnvironment, Package
from lambdabuild.golang.commands import Overlay, overlay_path
from lambdabuild.survey.eawsy.detection import declaration_of
from lambdabuild.survey.eawsy.libraries import CORE, REGISTRY
from lambdabuild.survey.eawsy.mended import mended_files
from lambdabuild.survey.plan import order_of
from lambdabuild.system import files

ADAPTER_FILE = "zz_lambdabuild.go"
HANDLER_FILE = "zz_lambdabuild_handler.go"
_OVERLAY = "overlay"

_EXPORTED = Template("""\
//go:build go1.21

package main

const lambdabuildRegisters = false

func $entry() {
	lambdabuildServe("$handler", lambdabuildAdapt($value))
}
""")
_REGISTERED = Template("""\
//go:build go1.21

package main

import (
	_ "unsafe"

	lambdabuildRegistry "$registry"
)

const lambdabuildRegisters = true

//go:linkname lambdabuildRegistered $registry.handler
var lambdabuildRegistered lambdabuildRegistry.Handler

func $entry() {
	if lambdabuildRegistered == nil {
		lambdabuildRefuse("no handler was registered: call runtime.HandleFunc in an init function")
	}
	lambdabuildServe("the handler", lambdabuildAdapt(lambdabuildRegistered.HandleLambda))
}
""")


def overlay_of(temporary: str, *, whole: bool) -> Overlay:
    """Return where the overlay of a `go build` is, which works in the directory `temporary`."""
    return Overlay(os.path.join(temporary, _OVERLAY, "overlay.json"), whole=whole)


class Written(NamedTuple):
    """The overlay of one `go build`."""

    overlay: Overlay
    mended: tuple[str, ...]
    """The packages that it has mended and that are built, by import path."""


def write_overlay(
    batch: Batch,
    environment: GoEnvironment,
    made: Mapping[str, Mapping[str, str]] | None,
    temporary: str,
) -> Written:
    """Write the overlay of a batch below `temporary`, the work directory of its `go build`."""
    module = (made or {}).get(batch.directory)
    texts = dict(module or {})
    for step in batch.steps:
        package = batch.graph.get(step.function.package)
        if step.function.adapter is not None and package is not None:
            texts |= _files_of(package, step.function.adapter)
    mended = mended_files(batch, environment)
    texts |= mended.texts
    used = [path for step in batch.steps for path in order_of(batch.graph, step.function.package)]
    place = os.path.dirname(overlay_of(temporary, whole=False).path)
    overlay = written(
        texts, place, environment.flags, batch.directory, mended.copies, whole=module is not None
    )
    return Written(overlay, tuple(path for path in mended.packages if path in used))


def written(
    texts: Mapping[str, str],
    place: str,
    goflags: str,
    directory: str,
    copies: Mapping[str, str] | None = None,
    *,
    whole: bool,
) -> Overlay:
    """Write an overlay into the directory `place`, merged with that of GOFLAGS.

    `texts` has what is to be in each file, by absolute path; `copies` another file that stands for it.
    `directory` is where `go` runs.
    """
    replaced = _theirs(goflags, directory) | dict(copies or {}) | put_files(texts, place)
    path = os.path.join(place, "overlay.json")
    Path(path).write_text(json.dumps({"Replace": replaced}), "utf-8")
    return Overlay(path, whole=whole)


def put_files(texts: Mapping[str, str], place: str) -> dict[str, str]:
    """Write each text once into the directory `place`; return where that of each path is.

    Go knows a file by the path that it stands for; every function has the same adapter.
    """
    os.makedirs(place, exist_ok=True)
    files_of: dict[str, str] = {}
    for path, text in texts.items():
        if text not in files_of:
            files_of[text] = os.path.join(place, f"{len(files_of)}-{os.path.basename(path)}")
            Path(files_of[text]).write_text(text, "utf-8")
    return {path: files_of[text] for path, text in texts.items()}


def _theirs(goflags: str, directory: str) -> dict[str, str]:
    """Return the overlay that GOFLAGS name: ours on the command line would take its place."""
    path = overlay_path(goflags, directory)
    if path is None:
        return {}

    def absolute(name: str) -> str:
        return os.path.normpath(os.path.join(directory, name))

    try:
        replaced = json.loads(files.text(path))["Replace"]
        return {absolute(name): absolute(to) if to else "" for name, to in replaced.items()}
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise LambdabuildError(
            f"cannot read the overlay that GOFLAGS names: {error!r}",
            at=[path],
            hint='`{"Replace": {"a.go": "b.go"}}` is one; `go help build` says more',
        ) from error


def _files_of(package: Package, adapter: Adapter) -> dict[str, str]:
    """Return the files that a function gets, by path."""
    text = _adapter()
    # Where there is a `main`, it is `init` that never returns, the last: Go initializes files by their names.
    entry = "init" if package.declares_main else "main"
    if adapter.handler is None:
        return _named(
            package,
            text.replace(CORE, REGISTRY),
            _REGISTERED.substitute(entry=entry, registry=REGISTRY),
        )
    found = declaration_of(package, adapter.handler)
    pointers = found.pointers if found else 0
    value = f"{'lambdabuildPointed(' * pointers}{adapter.handler}{')' * pointers}"
    exported = _EXPORTED.substitute(entry=entry, handler=adapter.handler, value=value)
    return _named(package, text, exported)


@functools.cache
def _adapter() -> str:
    from importlib import resources

    return files.text(str(resources.files("lambdabuild").joinpath("eawsy.go")))


def _named(package: Package, adapter: str, handler: str) -> dict[str, str]:
    first, second = names_in(package.go_files)
    return {
        os.path.join(package.directory, first): adapter,
        os.path.join(package.directory, second): handler,
    }


def names_in(taken: Iterable[str]) -> tuple[str, str]:
    """Return the names of the two files, which come after all that are taken."""
    last, prefix = max(taken, default=""), ""
    while f"{prefix}{ADAPTER_FILE}" <= last:
        prefix += "z"
    return f"{prefix}{ADAPTER_FILE}", f"{prefix}{HANDLER_FILE}"
