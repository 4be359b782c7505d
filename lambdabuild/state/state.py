"""The state of a project: artifacts, findings, and the stamps these rest on."""

from collections.abc import Container, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import cast

from lambdabuild.core.artifact import Artifact
from lambdabuild.core.gopackage import Foreign, GoEnvironment, Package
from lambdabuild.core.target import Target
from lambdabuild.golang import tree
from lambdabuild.state.stamps import Stamps

Index = tuple[int | str, ...]


@dataclass(slots=True)
class Findings:
    """What was found out about a project, and the stamps it rests on."""

    trees: dict[str, tree.Tree] = field(default_factory=dict)
    """By root, absolute."""
    environments: dict[str, GoEnvironment] = field(default_factory=dict)
    """By directory and settings."""
    packages: dict[str, tuple[Package, ...]] = field(default_factory=dict)
    """By everything that decides what `go list` says."""
    foreign: dict[str, Foreign] = field(default_factory=dict)
    """What `go list` does not tell of, by all that decides what a package's C takes in."""
    stamps: Stamps = field(default_factory=Stamps)
    incomplete: bool = False
    """Some module or workspace gave no answer at all."""

    def kept(self, stamps: Stamps) -> "Findings":
        """Return them as they rest on these stamps; what is found out from now on is added there."""
        return Findings(
            dict(self.trees), dict(self.environments), dict(self.packages), dict(self.foreign),
            stamps, self.incomplete,
        )  # fmt: skip

    @property
    def broken(self) -> bool:
        """Something cannot be loaded: what would mend it is not all known."""
        return self.incomplete or any(
            package.errors for packages in self.packages.values() for package in packages
        )


@dataclass(slots=True)
class State:
    """What lambdabuild wrote and has not removed, and what it found out.

    It changes through its methods alone. They note whether it is still what was read.
    """

    artifacts: Mapping[str, Artifact] = field(default_factory=dict)
    """By path, relative to the project directory."""
    manifests: Mapping[str, str] = field(default_factory=dict)
    """The SHA-256 of each manifest, by its path, relative to the project directory."""
    findings: Findings = field(default_factory=Findings)
    assets: Stamps = field(default_factory=Stamps)
    """Of the files that are packed beside executables; of no directories."""
    failed: AbstractSet[tuple[str, Target]] = field(default_factory=set)
    """What did not build when it was tried last, by function and target."""
    index: Index | None = None
    """What git's index was when nothing of lambdabuild's own was in it, and what was looked for."""
    project: str | None = field(default=None, compare=False)
    """Whose it is; None where it was not read from a file."""
    changed: bool = field(default=False, init=False, compare=False)
    """It differs from what was read."""
    published: bool = field(default=False, init=False, compare=False)
    """Artifacts or manifests do."""

    def put(self, artifact: Artifact) -> None:
        """Note an artifact as it is now."""
        if self.artifacts.get(artifact.path) != artifact:
            cast("dict[str, Artifact]", self.artifacts)[artifact.path] = artifact
            self.changed = self.published = True

    def drop(self, path: str) -> None:
        """Forget an artifact: it is lambdabuild's no longer."""
        del cast("dict[str, Artifact]", self.artifacts)[path]
        self.changed = self.published = True

    def put_manifest(self, path: str, sha256: str | None) -> None:
        """Note the manifest at a path as it is now; None for none."""
        if self.manifests.get(path) != sha256:
            manifests = cast("dict[str, str]", self.manifests)
            if sha256 is None:
                del manifests[path]
            else:
                manifests[path] = sha256
            self.changed = self.published = True

    def note_survey(self, findings: Findings, assets: Stamps | None, *, renewed: bool) -> None:
        """Take over what a survey found out; `renewed` tells whether that is worth saving."""
        self.changed = self.changed or renewed
        self.findings = findings
        if assets is not None:
            self.changed = self.changed or assets.files != self.assets.files
            self.assets = assets

    def note_results(
        self, results: Mapping[tuple[str, Target], bool], functions: Container[str]
    ) -> None:
        """Note which steps failed, of those that were tried, and forget functions that are gone."""
        failed = (self.failed - results.keys()) | {key for key, ok in results.items() if not ok}
        failed = {key for key in failed if key[0] in functions}
        self.changed = self.changed or failed != self.failed
        self.failed = failed

    def note_index(self, index: Index | None) -> None:
        """Note git's index, of which nothing is lambdabuild's own."""
        self.changed = self.changed or index != self.index
        self.index = index
