"""Compare go.sum files: modules that have another sum at the same version; no disk.

https://go.dev/ref/mod#go-sum-files
"""

from collections.abc import Mapping

from lambdabuild.core.model import Package


def replaced(before: str, now: str) -> dict[str, str]:
    """Return the sums of which another is told now, by `module version`."""
    old, new = _sums(before), _sums(now)
    return {what: old[what] for what in old.keys() & new.keys() if old[what] != new[what]}


def merged(before: str, now: str) -> str:
    """Return a go.sum with all that either says; what is said now counts."""
    lines = sorted((_sums(before) | _sums(now)).items())
    return "".join(f"{what} {value}\n" for what, value in lines)


def _sums(text: str) -> dict[str, str]:
    lines = (line.rpartition(" ") for line in text.splitlines())
    return {what: value for what, _, value in lines if what}


def with_sums(graph: dict[str, Package], sums: Mapping[str, str]) -> dict[str, Package]:
    """Return packages whose modules bear these sums, by `module version`."""
    if not sums:
        return graph
    return {path: _with_sum(package, sums) for path, package in graph.items()}


def _with_sum(package: Package, sums: Mapping[str, str]) -> Package:
    module = package.module
    if module is None or module.go_sum is None:
        return package
    go_sum = sums.get(f"{module.path} {module.version}", module.go_sum)
    return package._replace(module=module._replace(go_sum=go_sum))
