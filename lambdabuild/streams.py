"""What is printed, whatever names are in it and whatever the streams can take."""

import contextlib
import os
import sys
from typing import Any


def set_up() -> None:
    r"""Let stdout and stderr show what they cannot encode as `\xe9` or `\udcff`.

    A file's name need not be text at all: then Python has lone surrogates for its bytes
    (https://peps.python.org/pep-0383/), which no encoding takes.

    Go tells paths in UTF-8: where the locale says that they are something else, Python begins
    anew and takes them as they are.
    """
    if sys.getfilesystemencoding() != "utf-8":
        os.execv(sys.executable, [sys.executable, "-X", "utf8", *sys.orig_argv[1:]])  # noqa: S606
    for stream in (sys.stdout, sys.stderr):
        # None where it was closed; something else where a program replaced it.
        with contextlib.suppress(AttributeError, OSError, ValueError):
            stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]


def print_json(value: Any, *, indent: int | None = 2) -> None:
    """Print a value to stdout: JSON is UTF-8, so that other encodings get it in ASCII."""
    from lambdabuild.report import to_json  # noqa: PLC0415 - `--help` needs none

    sys.stdout.write(to_json(value, indent=indent, ascii_only=not _takes_utf8()))


def _takes_utf8() -> bool:
    encoding = getattr(sys.stdout, "encoding", None) or ""
    return encoding.lower().replace("_", "-") in {"utf-8", "utf8"}
