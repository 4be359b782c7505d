"""Look into Go files for what `go list` does not tell: whether they make a program."""

import os

from lambdabuild import naming
from lambdabuild.gosource import makes_program
from lambdabuild.model import Package


def has_main(package: Package) -> bool:
    return any(_file_declares_main(package.directory, name) for name in package.go_files)


def _file_declares_main(directory: str, name: str) -> bool:
    try:
        with open(os.path.join(directory, name), "rb") as file:
            return naming.declares_main(file.read())
    except OSError:
        # It went away since `go list` saw it; `go build` will say what is missing.
        return True


def sources_with_main(directory: str) -> list[str]:
    """Return the Go files in `directory` that make a program, whatever their constraints."""
    found: list[str] = []
    try:
        names = sorted(os.listdir(directory))
    except OSError:
        # It went away since it was walked.
        return found
    for name in names:
        if name.endswith(".go") and not name.endswith("_test.go"):
            try:
                with open(os.path.join(directory, name), "rb") as file:
                    source = file.read()
            except OSError:
                continue
            if makes_program(source):
                found.append(name)
    return found
