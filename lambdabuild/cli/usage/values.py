"""Look up names that may be typed, in no time: nothing is built, read as configuration, or obeyed."""

import os
from collections.abc import Mapping

from lambdabuild.config.options import FILE_NAME
from lambdabuild.core.errors import LambdabuildError
from lambdabuild.golang.tree import enclosing
from lambdabuild.state.store import STATE, Home


def function_names(working: str, config: str | None, environment: Mapping[str, str]) -> list[str]:
    """Return the names of the functions that were built, or failed, where `working` is.

    Only lambdabuild's own state is read, and only if this user's lambdabuild has signed it.
    `config` is the absolute path of another configuration.
    """
    if config is not None:
        project = os.path.dirname(os.path.normpath(config))
    else:
        project = enclosing(working, FILE_NAME, os.path.lexists) or working
    home = Home(project, environment)
    if not os.path.isfile(home.path / STATE):
        return []
    state = home.load()
    return sorted(
        {artifact.function for artifact in state.artifacts.values()}
        | {name for name, _ in state.failed}
    )


def refs(working: str, environment: Mapping[str, str]) -> list[str]:
    """Return the branches and tags of the repository that `working` is in, if there is one."""
    from lambdabuild.system.git import Git
    from lambdabuild.system.process import Runner

    kinds = ("refs/heads", "refs/remotes", "refs/tags")
    try:
        done = Git(Runner(environment), working).ask(
            "for-each-ref", "--format=%(refname:short)", *kinds
        )
    except LambdabuildError:
        return []
    return done.output.splitlines()
