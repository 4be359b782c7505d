"""Compare as text the files that Go reads from the disk even with an overlay.

These are vendor/modules.txt, go.work (Go 1.22, `ReadWorkFile`), and the go.mod that names a
toolchain. What the texts leave open counts as affected.
"""

import os
from collections.abc import Collection

from lambdabuild.core.build import Step
from lambdabuild.core.naming import is_below
from lambdabuild.golang.modfiles import bump, differences, vendored
from lambdabuild.golang.tree import enclosing
from lambdabuild.selection.compare import VENDORED, Comparison, text_of
from lambdabuild.survey.plan import order_of
from lambdabuild.survey.survey import Key, loaded_packages

_BY_VENDOR = frozenset({"require", "replace", "exclude", "retract"})
"""What decides nothing in a go.mod while Go takes packages from vendor/."""


class Texts:
    """The reasons in each go.work, go.mod and vendor/modules.txt that changed."""

    def __init__(self, comparison: Comparison) -> None:
        """Compare them."""
        self.reasons: dict[Key, str] = {}
        """Why steps may be built from something else than they were."""
        self.kept: set[str] = set()
        """Files that no overlay may replace: they agree with what Go reads from the disk."""
        self._comparison = comparison
        steps = comparison.found.plan.steps
        functions = list(dict.fromkeys(step.function for step in steps))
        loaded = loaded_packages(comparison.session.settings, comparison.found.discovery, functions)
        self._programs = [
            (step, [graph[path] for path in order_of(graph, package.import_path) if path in graph])
            for step in steps
            for package, graph in [loaded[step.key]]
        ]
        environments = comparison.found.discovery.environments.values()
        named = {environment.workspace for environment in environments}
        paths = [change.path for change in comparison.changes.values() if change.known]
        # What explains the others first.
        for path in sorted(paths, key=lambda path: not path.endswith(VENDORED)):
            if path.endswith(VENDORED):
                self._compare_vendored(path)
            elif os.path.basename(path) == "go.work" or path in named:
                self._compare_workspace(path)
            elif os.path.basename(path) == "go.mod":
                self._compare_module(path)

    def _compare_vendored(self, path: str) -> None:
        """Compare package by package; all that load there count if vendor/ came or went."""
        vendor = os.path.dirname(path)
        place, shown = os.path.dirname(vendor), self._comparison.session.paths.relative(path)
        inside = [step for step, _ in self._programs if step.function.load_directory == place]
        self._add(inside, path, {""})
        before, after = (vendored(text or "") for text in self._texts(path))
        for step, packages in self._programs:
            inner = packages if step.function.load_directory == place else ()
            for name in [package.import_path for package in inner]:
                if before.get(name) != after.get(name):
                    what = bump(before.get(name), after.get(name))
                    self.reasons.setdefault(step.key, f"{shown}: {what}")
        graphs = self._comparison.found.discovery.graphs.items()
        loaded = [p for (load, _), graph in graphs if load == place for p in graph.values()]
        if any(is_below(package.directory, vendor) for package in loaded):
            mains = {p.module.directory or "" for p in loaded if p.module and p.module.main}
            modules = {os.path.join(main, "go.mod") for main in mains}
            self.kept |= {path, *modules}
            for module in sorted(modules):
                self._add(inside, module, but=_BY_VENDOR)

    def _compare_workspace(self, path: str) -> None:
        """Count all that loads through it; if only a `replace` differs, what imports other modules.

        What takes a module's place may require other versions of any of them.
        """
        place = os.path.dirname(path)
        all_count = differences(*self._texts(path)).keys() != {"replace"}
        inside = [
            step
            for step, packages in self._programs
            if (step.function.load_directory == place or is_below(step.function.directory, place))
            and (all_count or len({p.module.path for p in packages if p.module}) != 1)
        ]
        self._add(inside, path)

    def _compare_module(self, path: str) -> None:
        """Count the functions of a module that came or went, or that names another toolchain."""
        place = os.path.dirname(path)
        # One below has a go.mod of its own.
        inside = [
            step
            for step, _ in self._programs
            if is_below(step.function.directory, place)
            and is_below(place, enclosing(step.function.directory, "go.mod") or place)
        ]
        self._add(inside, path, {"", "toolchain"})

    def _texts(self, path: str) -> tuple[str | None, str | None]:
        return self._comparison.text_before(path), text_of(path)

    def _add(
        self,
        steps: Collection[Step],
        path: str,
        only: Collection[str] | None = None,
        but: Collection[str] = (),
    ) -> None:
        """Count steps if a file differs, in some directives or all; "" is whether it is there."""
        for name, what in sorted(differences(*self._texts(path)).items()):
            if name not in but and (only is None or name in only):
                shown = self._comparison.session.paths.relative(path)
                why = f"{shown}: {what}" if name else f"{shown} {what}"
                self.reasons = dict.fromkeys([step.key for step in steps], why) | self.reasons
