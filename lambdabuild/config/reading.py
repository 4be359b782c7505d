"""Find and read the configuration that holds in a directory."""

import os

from lambdabuild.config.options import FILE_NAME, Config
from lambdabuild.core.errors import LambdabuildError
from lambdabuild.golang.tree import enclosing
from lambdabuild.system import files


def read_config(
    working: str, explicit: str | None, *, untrusted: bool = False
) -> tuple[str, Config]:
    """Return the project directory and the configuration that holds in `working`."""
    if explicit is None:
        # lexists: a file that cannot be read is an error, not an absent file.
        project = enclosing(working, FILE_NAME, os.path.lexists)
        if project is None:
            config = Config()
            if untrusted:
                _check_untrusted(config, "", working, None)
            return working, config
        path = os.path.join(project, FILE_NAME)
    else:
        path = os.path.normpath(os.path.join(working, explicit))
        project = os.path.dirname(path)
    shown = os.path.relpath(path, working)
    try:
        text = files.whole(path).decode()
    except UnicodeDecodeError as error:
        raise LambdabuildError(
            f"this is not UTF-8: {error.reason}",
            at=[shown],
            hint="save it in UTF-8",
            file=path,
            line=error.object.count(b"\n", 0, error.start) + 1,
        ) from error
    except OSError as error:
        hint = "`lambdabuild init` writes one" if isinstance(error, FileNotFoundError) else None
        if os.path.islink(path):
            hint = f"it is a link to `{os.readlink(path)}`: mend or remove it"
        raise LambdabuildError(
            f"cannot read the configuration `{shown}`: {error.strerror}", hint=hint
        ) from error
    from lambdabuild.config.file import parse_config

    config = parse_config(text, shown, path)
    if untrusted:
        _check_untrusted(config, text, project, path)
    return project, config


def _check_untrusted(config: Config, text: str, project: str, path: str | None) -> None:
    from lambdabuild.config import untrusted

    try:
        untrusted.check(config, text, project, os.path.realpath)
    except LambdabuildError as error:
        error.file = path
        raise
