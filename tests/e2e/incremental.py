"""A monorepo of four functions, and what became of each of them after a change."""

import os
from collections.abc import Mapping
from pathlib import Path

from tests.e2e.conftest import Recorded


def rebuilt(
    project: Recorded, *arguments: str, env: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Run `all` and return why each function was built that was; what nothing changed is left out."""
    result = project.run("all", "--json", *arguments, env=env)
    assert result.code == 0, result.err
    return {
        name: function["reason"]
        if function["status"] == "built"
        else f"{function['status']}: {function['reason']}"
        for name, function in result.functions.items()
        if function["reason"]
    }


def rebuilt_as_told(
    project: Recorded, *arguments: str, env: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Do as `rebuilt`, and see that everything agrees with it.

    `why` has to have said the same, and to have written nothing; and the run after this one has to
    find all up to date without starting `go`.
    """
    before = times(project.path)
    why = project.run("why", "--all", *arguments, env=env)
    assert why.code == 0, why.err
    assert times(project.path) == before
    result = project.run("all", "--json", "--explain", *arguments, env=env)
    assert result.code == 0, result.err
    reasons = {name: function["reason"] for name, function in result.functions.items()}
    told = [f"{name}: {reason or 'up to date'}" for name, reason in reasons.items()]
    assert why.out.splitlines() == told
    assert "\n".join(explained(reasons)) in result.err
    assert {n: s for n, s in result.statuses.items() if not reasons[n]} == {
        name: "up-to-date" for name in reasons if not reasons[name]
    }
    assert_up_to_date(project, *arguments, env=env)
    return {
        name: reason if result.statuses[name] == "built" else f"{result.statuses[name]}: {reason}"
        for name, reason in reasons.items()
        if reason
    }


def explained(reasons: Mapping[str, str | None]) -> list[str]:
    """Return how `--explain` puts it: a line for each reason, and one for what is up to date."""
    groups: dict[str | None, list[str]] = {reason: [] for reason in reasons.values()}
    for name, reason in reasons.items():
        groups[reason].append(name)
    last = []
    if len(groups.get(None, ())) > 1:
        last = [f"{len(groups.pop(None))} functions are up to date"]
    return [f"{', '.join(group)}: {why or 'up to date'}" for why, group in groups.items()] + last


def assert_up_to_date(
    project: Recorded, *arguments: str, env: Mapping[str, str] | None = None
) -> None:
    """See that there is nothing to do, and that this takes no `go` and leaves every file alone."""
    project.started()
    before = times(project / "dist")
    result = project.run("all", "--json", *arguments, env=env)
    assert set(result.statuses.values()) == {"up-to-date"}, result.out + result.err
    assert project.started() == []
    assert times(project / "dist") == before


def assert_clean(project: Recorded, *arguments: str, env: Mapping[str, str] | None = None) -> None:
    """See that a build from nothing makes the very bytes that are in place."""
    result = project.run("all", "--json", "--force", *arguments, env=env)
    assert set(result.statuses.values()) == {"unchanged"}, result.out + result.err


def times(directory: Path) -> dict[str, tuple[int, ...]]:
    """Return what would differ if any file below a directory had been written or touched."""
    found: dict[str, tuple[int, ...]] = {}
    for folder, _, names in os.walk(directory):
        for path in (Path(folder), *(Path(folder, name) for name in names)):
            stat = path.lstat()
            found[str(path)] = (stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns)
    return found
