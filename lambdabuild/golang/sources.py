"""Look into Go files for what `go list` does not tell: whether they make a program."""

import os

from lambdabuild.core import naming
from lambdabuild.core.model import Package
from lambdabuild.golang.source import makes_program
from lambdabuild.system import reading


def has_main(package: Package) -> bool:
    return any(_file_declares_main(package.directory, name) for name in package.go_files)


def _file_declares_main(directory: str, name: str) -> bool:
    try:
        return naming.declares_main(reading.whole(os.path.join(directory, name)))
    except OSError:
        # It went away since `go list` saw it; `go build` will say what is missing.
        return True


def sources_with_main(directory: str) -> list[str]:
    """Return the Go files in `directory` that make a program, whatever their constraints.

    One that cannot be read, or is a link to nowhere, may make one.
    """
    found: list[str] = []
    try:
        names = sorted(os.listdir(directory))
    except OSError:
        # It went away since it was walked, or its tree says that nobody can look into it.
        return found
    for name in names:
        if not name.endswith(".go") or name.endswith("_test.go") or name.startswith((".", "_")):
            continue
        try:
            program = makes_program(reading.whole(os.path.join(directory, name)))
        except IsADirectoryError:
            continue
        except OSError:
            program = os.path.lexists(os.path.join(directory, name))
        if program:
            found.append(name)
    return found
