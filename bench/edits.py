"""Save a source file of a monorepo, as somebody who works on it does."""

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.model import BenchError, Command, Sample, Workspace
from bench.monorepo import GeneratedFunction, Monorepo, edit, package_source


@dataclass(frozen=True, slots=True)
class Edit:
    """Files to change, from the module root, and the functions whose executables that changes."""

    files: Callable[[Monorepo], Sequence[str]]
    functions: Callable[[Monorepo], Sequence[GeneratedFunction]]

    def save(self, workspace: Workspace) -> str:
        """Change the files below their imports; return what executables hold from now on."""
        revision = f"saved-{time.time_ns()}"
        for file in self.files(workspace.monorepo):
            edit(workspace.monorepo.directory / file, revision)
        return revision

    def outputs(self, workspace: Workspace) -> list[Path]:
        """Choose the contestant's outputs that have to be new afterwards."""
        names = {function.name for function in self.functions(workspace.monorepo)}
        top = workspace.monorepo.directory
        return [path for path in workspace.outputs if names & set(path.relative_to(top).parts)]

    def before(
        self, measure: Callable[[Workspace, Command], Sample]
    ) -> Callable[[Workspace, Command], Sample]:
        """Save before each run, outside its time, and hold the run to what was saved."""

        def measured(workspace: Workspace, command: Command) -> Sample:
            revision = self.save(workspace)
            os.sync()
            sample = measure(workspace, command)
            self.check(workspace, revision)
            return sample

        return measured

    def check(self, workspace: Workspace, revision: str) -> None:
        """Raise BenchError unless every output that has to be new holds what was saved."""
        for output in self.outputs(workspace):
            if revision.encode() not in output.read_bytes():
                raise BenchError(f"`{output}` was not built from what had been saved")


# The last function imports `logging` alone, as most do that are no multiple of anything.
FUNCTION = Edit(
    files=lambda monorepo: [monorepo.functions[-1].source],
    functions=lambda monorepo: monorepo.functions[-1:],
)

# Of 50 functions, it is ten that depend on `billing`.
SHARED = Edit(
    files=lambda _: [package_source("billing")],
    functions=lambda monorepo: monorepo.dependants("billing"),
)

# Each package that a function imports imports this one, or is it.
EVERYTHING = Edit(
    files=lambda _: [package_source("logging")],
    functions=lambda monorepo: monorepo.functions,
)

# As a pull request does.
FIVE = Edit(
    files=lambda monorepo: [function.source for function in monorepo.functions[-5:]],
    functions=lambda monorepo: monorepo.functions[-5:],
)
