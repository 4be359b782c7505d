"""Find repositories from before Go had modules, where functions for eawsy's runtimes are."""

import os
import re
from collections.abc import Iterable, Mapping, Sequence

from lambdabuild.core.gopackage import Diagnostic, Package
from lambdabuild.core.naming import is_below
from lambdabuild.golang import tree
from lambdabuild.golang.source import imports_in
from lambdabuild.survey.eawsy.libraries import LIBRARIES

_MISSING = re.compile(r"cannot find module providing package ([^\s:]+): import lookup disabled")
_MISSING_HINT = (
    "clone its repository into `vendor` or $GOPATH/src, as it was then; or run `go mod init` and "
    "`go mod tidy`, which choose a version and write it down (and `go mod vendor`, if there is a `vendor`)"
)


def modules_made(
    trees: Mapping[str, tree.Tree], project: str, gopath: Sequence[str]
) -> dict[str, dict[str, str]]:
    """Return a module for what is in none, if it uses one of eawsy's libraries; see `Findings.made`.

    It is that of the project, an absolute path. Whatever else is in no module stays as it is: nobody
    asked for another reading of it. `gopath` has the directories of GOPATH, absolute.
    """
    sources = [
        source
        for root, found in trees.items()
        if is_below(root, project) and tree.enclosing(root, "go.mod") is None
        for source in found.sources
        if not any(is_below(source, module) for module in found.modules)
    ]
    if not any(map(_uses_eawsy, sources)):
        return {}
    from lambdabuild.survey.eawsy.gopath import module_for

    return {project: dict(module_for(project, sources, gopath).files)}


def with_places(packages: Iterable[Package]) -> list[Package]:
    """Return the packages of such a module; of one that is missing, with where it was looked for."""

    def placed(error: Diagnostic) -> Diagnostic:
        match = _MISSING.match(error.message)
        if match is None:
            return error
        message = f"{match[1]} is neither in vendor nor in $GOPATH/src, and there is no go.mod"
        return error._replace(message=message, hint=_MISSING_HINT)

    return [p._replace(errors=tuple(map(placed, p.errors))) if p.errors else p for p in packages]


def gopath_of(settings: Mapping[str, str]) -> tuple[str, ...]:
    """Return the directories of GOPATH: https://pkg.go.dev/cmd/go#hdr-GOPATH_environment_variable."""
    given = settings.get("GOPATH") or os.path.join(os.path.expanduser("~"), "go")
    return tuple(path for path in given.split(os.pathsep) if os.path.isabs(path))


def places_before(project: str, gopath: Sequence[str], packages: Iterable[Package]) -> set[str]:
    """Return where dependencies of such a module would be found instead of where they are.

    Or where they would be at all. The directories are absolute, and need not exist.
    """
    packages = [p for p in packages if "." in p.import_path.split("/")[0]]
    found = {p.directory for p in packages}
    inside = (directory for directory in found if is_below(directory, project))
    above = {up for directory in inside for up in tree.upwards(directory) if is_below(up, project)}
    tops = [*(f"{up}/vendor" for up in above), *(f"{entry}/src" for entry in gopath)]
    return {
        f"{top}/{p.import_path}" for top in filter(os.path.isdir, tops) for p in packages
    } - found


def _uses_eawsy(directory: str) -> bool:
    return any(
        path.startswith(LIBRARIES) for top in tree.heads(directory) for path in imports_in(top)
    )
