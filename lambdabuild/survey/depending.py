"""Tell which steps are built from a file."""

from collections.abc import Collection
from pathlib import PurePath

from lambdabuild.core.paths import path_of
from lambdabuild.survey.survey import Key, Survey


def depending(found: Survey, project: str, paths: Collection[str]) -> set[Key]:
    """Return the steps that are built from any of these files or directories, absolute paths."""
    if not paths:
        return set()
    known: dict[str, bool] = {}
    lists = (*found.inputs.values(), *found.packed.values())
    for name in {name for inputs in lists for name, _ in inputs}:
        if name.startswith("file "):
            file = path_of(name.removeprefix("file "), project)
            known[name] = file in paths or any(str(p) in paths for p in PurePath(file).parents)
    return {
        key
        for key in found.inputs
        if any(known.get(name, False) for name, _ in found.made_from(key))
    }
