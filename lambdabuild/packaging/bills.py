"""Make the bills of materials of deployment packages."""

import hashlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from lambdabuild.core.errors import LambdabuildError
from lambdabuild.core.model import Artifact, Diagnostic, Kind, Step
from lambdabuild.core.origins import sbom_made_from
from lambdabuild.core.paths import name_of
from lambdabuild.packaging import sbom
from lambdabuild.packaging.buildinfo import BuildInfo
from lambdabuild.packaging.packer import Packed, Staged
from lambdabuild.state.artifacts import held_companion
from lambdabuild.state.store import cannot_write
from lambdabuild.system.process import Run


class Writer(NamedTuple):
    """What all bills of a run have in common."""

    run: Run
    go: str
    project: str
    directory: str
    """Where they are staged."""
    epoch: int | None
    artifacts: Mapping[str, Artifact]
    """Those of earlier runs, by path."""

    def add(self, packages: Sequence[tuple[Step, str, Packed]]) -> dict[str, Packed | Diagnostic]:
        """Return the packages that want a bill with one, by the paths of their executables.

        Each comes with the absolute path of its executable, staged or in place. Those whose bill
        of an earlier run is still true are left out.
        """
        wanted = [item for item in packages if item[0].sbom and not self._stays(item[0], item[2])]
        if not wanted:
            return {}
        files = [executable for _, executable, _ in wanted]
        try:
            told = sbom.read_build_info(self.run, self.go, files, self.project)
        except LambdabuildError as error:
            if len(wanted) > 1:
                return {path: done for item in wanted for path, done in self.add([item]).items()}
            problem = "; ".join([error.message, *error.at])
            return {files[0]: Diagnostic(wanted[0][0].function.package, problem)}
        return {
            executable: self._with_bill(step, packed, told[executable])
            for step, executable, packed in wanted
        }

    def _with_bill(self, step: Step, packed: Packed, info: BuildInfo) -> Packed | Diagnostic:
        text = sbom.document(
            info, name=step.function.name, sha256=packed.sha256, moment=self.epoch
        ).encode()
        place = os.path.join(self.directory, f"{len(os.listdir(self.directory))}.sbom.json")
        try:
            Path(place).write_bytes(text)
        except OSError as error:
            return Diagnostic(step.function.package, str(cannot_write(error, place)))
        staged = Staged(
            Kind.SBOM, place, str(step.sbom), hashlib.sha256(text).hexdigest(), len(text),
            sbom_made_from(packed.sha256, self.epoch),
        )  # fmt: skip
        return packed._replace(files=(*packed.files, staged))

    def _stays(self, step: Step, packed: Packed) -> bool:
        artifact = self.artifacts.get(name_of(step.artifact, self.project))
        before = artifact.companion(Kind.SBOM) if artifact is not None else None
        return (
            before is not None
            and before.made_from == sbom_made_from(packed.sha256, self.epoch)
            and before.path == name_of(str(step.sbom), self.project)
            and held_companion(before, self.project) is not None
        )
