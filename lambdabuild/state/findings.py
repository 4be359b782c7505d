"""What was found out about a project, and the stamps that it rests on."""

from dataclasses import dataclass, field

from lambdabuild.core.model import Foreign, GoEnvironment, Package
from lambdabuild.golang import tree
from lambdabuild.state.stamps import Stamps


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

    @property
    def broken(self) -> bool:
        """Something cannot be loaded: what would mend it is not all known."""
        return self.incomplete or any(
            package.errors for packages in self.packages.values() for package in packages
        )
