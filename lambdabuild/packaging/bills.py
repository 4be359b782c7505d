"""Write the SBOMs of deployment packages."""

import os
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from lambdabuild.core.artifact import Artifact, Kind, sbom_made_from
from lambdabuild.core.build import Step
from lambdabuild.core.errors import LambdabuildError
from lambdabuild.core.gopackage import Diagnostic
from lambdabuild.core.paths import name_of
from lambdabuild.core.result import Linked
from lambdabuild.packaging import sbom
from lambdabuild.packaging.buildinfo import BuildInfo
from lambdabuild.packaging.packer import Packed, Ready, Staged, write
from lambdabuild.packaging.verify import RefusedError
from lambdabuild.state.artifacts import PLAIN_MODE, still_made
from lambdabuild.system.process import Run


class Writer(NamedTuple):
    """What all SBOMs of a run have in common."""

    run: Run
    go: str
    project: str
    directory: str
    """The staging directory."""
    epoch: int | None
    artifacts: Mapping[str, Artifact]
    """Of earlier runs, by path."""

    def add(self, linked: Sequence[Linked], ready: Ready) -> Ready:
        """Return the packages, with an SBOM in each that needs a new one.

        One process reads all executables; if it fails for one of them, each has its own.
        """
        lacking = {
            item.executable or item.step.artifact: (item, packed)
            for item in linked
            if isinstance(packed := ready.get(item.step.key), Packed)
            and item.step.sbom is not None
            and not still_made(
                self.artifacts.get(name_of(item.step.artifact, self.project)),
                Kind.SBOM,
                item.step.sbom,
                sbom_made_from(packed.sha256, self.epoch),
                self.project,
            )
        }
        try:
            infos = sbom.read_build_info(self.run, self.go, list(lacking), self.project)
        except LambdabuildError as error:
            if len(lacking) > 1:
                for item, _ in lacking.values():
                    ready = self.add([item], ready)
                return ready
            problem = "; ".join([error.message, *error.at])
            return ready | {
                item.step.key: Diagnostic(item.step.function.package, problem)
                for item, _ in lacking.values()
            }
        return ready | {
            item.step.key: self._with_sbom(item.step, packed, infos[path])
            for path, (item, packed) in lacking.items()
        }

    def _with_sbom(self, step: Step, packed: Packed, info: BuildInfo) -> Packed | Diagnostic:
        text = sbom.document(
            info, name=step.function.name, sha256=packed.sha256, moment=self.epoch
        ).encode()
        os.makedirs(self.directory, exist_ok=True)
        place = os.path.join(self.directory, f"{len(os.listdir(self.directory))}.sbom.json")
        try:
            digest = write(place, text, PLAIN_MODE)
        except RefusedError as error:
            return Diagnostic(step.function.package, str(error))
        made_from = sbom_made_from(packed.sha256, self.epoch)
        staged = Staged(Kind.SBOM, place, str(step.sbom), digest, len(text), made_from)
        return packed._replace(files=(*packed.files, staged))
