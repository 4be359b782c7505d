"""The state of a project: artifacts, findings, and the stamps these rest on."""

from collections.abc import Container, Mapping
from collections.abc import Set as AbstractSet
from typing import NamedTuple, cast

from lambdabuild.core.artifact import Artifact
from lambdabuild.core.gopackage import Foreign, GoEnvironment, Package
from lambdabuild.core.record import field, record
from lambdabuild.core.target import Target
from lambdabuild.deployment.declared import Deployment
from lambdabuild.golang import tree
from lambdabuild.state.stamps import Stamps

Index = tuple[int | str, ...]
"""The stamp of git's index: inode, size, times in nanoseconds; and the paths it was checked for."""


@record
class Findings:
    """What Go says of a project, and the stamps it depends on."""

    trees: dict[str, tree.Tree] = field(default_factory=dict)
    """By root, absolute."""
    environments: dict[str, GoEnvironment] = field(default_factory=dict)
    """By directory and settings."""
    packages: dict[str, tuple[Package, ...]] = field(default_factory=dict)
    """By everything that decides what `go list` says."""
    foreign: dict[str, Foreign] = field(default_factory=dict)
    """What `go list` leaves out, by all that decides what a package's C includes."""
    searched: str = ""
    """Where functions are looked for if nobody says where; absolute. Empty where nobody asked."""
    without_lambda: tuple[str, ...] | None = None
    """The modules and workspaces there that have none, as no Lambda library is in them; absolute."""
    stamps: Stamps = field(default_factory=Stamps)
    incomplete: bool = False
    """Go could not list some module or workspace."""
    made: dict[str, dict[str, str]] | None = None
    """Modules that exist in an overlay only, as there is no go.mod: by directory, the text of each
    file of the overlay by its path; all absolute. None where nobody asked."""
    gopath: tuple[str, ...] = ()
    """The directories in which dependencies of these were looked for; absolute."""

    def kept(self, stamps: Stamps) -> "Findings":
        """Return a copy that depends on these stamps, to be added to."""
        return Findings(
            dict(self.trees), dict(self.environments), dict(self.packages), dict(self.foreign),
            self.searched, self.without_lambda, stamps, self.incomplete, self.made,
            self.gopath,
        )  # fmt: skip

    @property
    def broken(self) -> bool:
        """Something cannot be loaded, and what would fix it is not all known."""
        return self.incomplete or any(
            package.errors for packages in self.packages.values() for package in packages
        )


class Evidence(NamedTuple):
    """What deployment files say, and the stamps it depends on."""

    stamps: Stamps = Stamps()
    deployment: Deployment = Deployment()


@record
class State:
    """What lambdabuild has published, and what it knows.

    It changes through its methods only. They note whether it differs from what was read.
    """

    artifacts: Mapping[str, Artifact] = field(default_factory=dict)
    """By path, relative to the project directory."""
    manifests: Mapping[str, str] = field(default_factory=dict)
    """The SHA-256 of each manifest, by its path, relative to the project directory."""
    findings: Findings = field(default_factory=Findings)
    assets: Stamps = field(default_factory=Stamps)
    """Of the files that are packed beside executables; no directories."""
    failed: AbstractSet[tuple[str, Target]] = field(default_factory=set)
    """What failed when it was built last, by function and target."""
    index: Index | None = None
    """That of the last check that git tracks nothing of lambdabuild's own."""
    project: str | None = field(default=None, compare=False)
    """The project it is of; None where it was not read from a file."""
    evidence: Evidence = field(default_factory=Evidence)
    changed: bool = field(default=False, init=False, compare=False)
    """It differs from what was read."""
    published: bool = field(default=False, init=False, compare=False)
    """Artifacts or manifests do."""

    def put(self, artifact: Artifact) -> None:
        """Add or replace an artifact."""
        if self.artifacts.get(artifact.path) != artifact:
            cast("dict[str, Artifact]", self.artifacts)[artifact.path] = artifact
            self.changed = self.published = True

    def drop(self, path: str) -> None:
        """Forget an artifact."""
        del cast("dict[str, Artifact]", self.artifacts)[path]
        self.changed = self.published = True

    def put_manifest(self, path: str, sha256: str | None) -> None:
        """Set the digest of the manifest at a path; None for no manifest."""
        if self.manifests.get(path) != sha256:
            manifests = cast("dict[str, str]", self.manifests)
            if sha256 is None:
                del manifests[path]
            else:
                manifests[path] = sha256
            self.changed = self.published = True

    def note_survey(self, findings: Findings, assets: Stamps | None, *, renewed: bool) -> None:
        """Set the findings of a survey; `renewed` tells whether they are worth saving."""
        self.changed = self.changed or renewed
        self.findings = findings
        if assets is not None:
            self.changed = self.changed or assets.files != self.assets.files
            self.assets = assets

    def note_evidence(self, evidence: Evidence) -> None:
        """Note what deployment files say."""
        self.changed = self.changed or evidence is not self.evidence
        self.evidence = evidence

    def note_results(
        self, results: Mapping[tuple[str, Target], bool], functions: Container[str]
    ) -> None:
        """Set which of the tried steps failed, and forget functions that no longer exist."""
        failed = (self.failed - results.keys()) | {key for key, ok in results.items() if not ok}
        failed = {key for key in failed if key[0] in functions}
        self.changed = self.changed or failed != self.failed
        self.failed = failed

    def note_index(self, index: Index | None) -> None:
        """Set the stamp of git's index at the last check."""
        self.changed = self.changed or index != self.index
        self.index = index
