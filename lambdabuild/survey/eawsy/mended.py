"""Mend the packages of eawsy/aws-lambda-go-event that decode no event since Go 1.10.

Each decodes into a struct that embeds a pointer to an unexported one, and expects encoding/json to make
that; since Go 1.10 it refuses: https://go.dev/doc/go1.10#encoding/json. It is made beforehand instead.
"""

import os
import re
from collections.abc import Iterator
from typing import NamedTuple

from lambdabuild.core.build import Batch
from lambdabuild.core.gopackage import GoEnvironment
from lambdabuild.survey.eawsy.libraries import EVENTS, MENDED
from lambdabuild.system import files

_DECODER = "decoder.go"
_COPY = "zz_lambdabuild_events"
"""Where a module seems to be that the module cache has: Go overlays nothing in that."""
_STRUCT = re.compile(r"^type (\w+) struct \{\n\s*\*(\w+)\n", re.MULTILINE)


class Mended(NamedTuple):
    """What an overlay has for the packages that are mended."""

    texts: dict[str, str]
    copies: dict[str, str]
    """Files of the module cache, by where they seem to be."""
    packages: tuple[str, ...]


def mended(source: str) -> str:
    """Return the text of a decoder that makes what it decodes into."""
    for name, embedded in _STRUCT.findall(source):
        pattern = rf"^(\s*)var (\w+) {name}$"
        source = re.sub(
            pattern, rf"\1\2 := {name}{{{embedded}: new({embedded})}}", source, flags=re.MULTILINE
        )
    return source


def mended_files(batch: Batch, environment: GoEnvironment) -> Mended:
    """Return what mends the packages that a batch's functions may import."""
    packages = [package for path in sorted(MENDED) if (package := batch.graph.get(path))]
    texts, broken = {}, []
    for package in packages:
        path = os.path.join(package.directory, _DECODER)
        try:
            before = files.text(path)
        except OSError:
            continue
        if (now := mended(before)) != before:
            texts[path] = now
            broken.append(package)
    names = tuple(package.import_path for package in broken)
    cached = next((package for package in broken if not package.local), None)
    if cached is None or cached.module is None or not cached.module.directory:
        return Mended(texts, {}, names)
    return _copied(batch, environment, cached.module.directory, texts, names)


def _copied(
    batch: Batch,
    environment: GoEnvironment,
    module: str,
    texts: dict[str, str],
    names: tuple[str, ...],
) -> Mended:
    """Return the same, where the module seems to lie in the repository."""
    main = environment.workspace or os.path.join(batch.directory, "go.mod")
    place = os.path.join(os.path.dirname(main), _COPY)
    moved = {_moved(path, module, place): text for path, text in texts.items()}
    copies = {_moved(path, module, place): path for path in _go_files(module)}
    moved[main] = with_replacement(files.text(main), EVENTS, f"./{_COPY}")
    moved[os.path.join(place, "go.mod")] = f"module {EVENTS}\n\ngo 1.16\n"
    return Mended(moved, copies, names)


def _moved(path: str, module: str, place: str) -> str:
    return os.path.join(place, os.path.relpath(path, module))


def _go_files(module: str) -> Iterator[str]:
    for directory, _, names in os.walk(module):
        yield from (os.path.join(directory, name) for name in names if name.endswith(".go"))


def with_replacement(text: str, module: str, directory: str) -> str:
    """Return a go.mod or go.work in which a directory takes the place of a module, and nothing else.

    https://go.dev/ref/mod#go-mod-file-replace
    """
    kept = []
    block = ""
    for line in text.splitlines():
        words = line.split("//")[0].split()
        if words[-1:] == ["("]:
            block = words[0]
        elif words == [")"]:
            block = ""
        named = words[1:] if words[:1] == ["replace"] else words if block == "replace" else []
        if named[:1] != [module]:
            kept.append(line)
    return "\n".join([*kept, f"replace {module} => {directory}", ""])
