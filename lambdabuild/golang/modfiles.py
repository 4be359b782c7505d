"""Compare go.mod, go.work, go.sum and vendor/modules.txt with what they were; no disk.

https://go.dev/ref/mod#go-mod-file, #workspaces, #go-sum-files, #vendoring
"""

from collections.abc import Iterable, Mapping

from lambdabuild.core.gopackage import Package
from lambdabuild.golang.source import directives


def replaced(before: str, now: str) -> dict[str, str]:
    """Return the old sums that changed, by `module version`."""
    old, new = _sums(before), _sums(now)
    return {what: old[what] for what in old.keys() & new.keys() if old[what] != new[what]}


def merged(before: str, now: str) -> str:
    """Return a go.sum with the lines of both; of two sums for one module, the new one."""
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


def differences(before: str | None, now: str | None) -> dict[str, str]:
    """Return how a go.mod or go.work changed, by directive, as people read it.

    None stands for no file: then whether it is there differs, which is under "".
    """
    if before is None or now is None:
        return {} if before == now else {"": "added" if before is None else "removed"}
    old, new = set(directives(before)), set(directives(now))
    return {
        name: f"{name} {_listed(name, old - new)} → {_listed(name, new - old)}"
        for name, _ in old ^ new
    }


def _listed(name: str, lines: Iterable[tuple[str, tuple[str, ...]]]) -> str:
    return ", ".join(sorted(" ".join(words) for what, words in lines if what == name)) or "none"


def vendored(text: str) -> dict[str, str]:
    """Return what a vendor/modules.txt says of each package's module: `path version ## explicit`."""
    found: dict[str, str] = {}
    of_all = module = ""
    for line in text.splitlines():
        if line.startswith("# "):
            module = line.removeprefix("# ")
        elif line.startswith("## ") and not module:
            of_all = f" {line}"
        elif line.startswith("## "):
            module += f" {line}"
        else:
            found[line.strip()] = module + of_all
    return found


def bump(before: str | None, now: str | None) -> str:
    """Return as people read it how the module of a package changed in vendor/modules.txt."""
    old, new = ((text or "none").partition(" ## ")[0] for text in (before, now))
    path = old.partition(" ")[0]
    return f"{new} changed" if old == new else f"{old} → {new.removeprefix(f'{path} ')}"
