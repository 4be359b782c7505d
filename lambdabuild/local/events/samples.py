"""Find the sample that a word means: a source, a file of the library's testdata, or any file."""

import json
import os
from collections.abc import Mapping
from typing import NamedTuple

from lambdabuild.core.errors import LambdabuildError, did_you_mean
from lambdabuild.core.gopackage import Module, Package
from lambdabuild.core.text import one_line
from lambdabuild.local.events.catalogue import BY_NAME, Event, own_events
from lambdabuild.local.events.handlers.libraries import LIBRARY
from lambdabuild.local.functions import PAYLOAD_LIMIT
from lambdabuild.system import files


class Sample(NamedTuple):
    """An event, and where it is from."""

    event: Event
    origin: str
    """For people: a file, `the library's events/testdata/…`, `lambdabuild's own`."""


class Library(NamedTuple):
    """The aws-lambda-go that a function is built with."""

    version: str
    """Empty where it is a directory."""
    testdata: str
    """The directory of its samples, which need not exist: `go mod vendor` leaves it out."""


def library_of(graph: Mapping[str, Package]) -> Library | None:
    """Return the library that packages are built with, if they are."""
    modules = (p.module for p in graph.values() if p.import_path.startswith(f"{LIBRARY}/"))
    found: Module | None = next(filter(None, modules), None)
    if found is None or not found.directory:
        return None
    version = "" if found.replacement else found.version or ""
    return Library(version, os.path.join(found.directory, "events", "testdata"))


def names_of(library: Library | None) -> list[str]:
    """Return the names of the files in the library's testdata."""
    if library is None:
        return []
    try:
        found = os.listdir(library.testdata)
    except OSError:
        return []
    return sorted(name.removesuffix(".json") for name in found if name.endswith(".json"))


def sample(word: str, library: Library | None, working: str) -> Sample:
    """Return the sample that a word means; `working` is where paths begin."""
    path = os.path.join(working, word)
    if ("/" in word or word.endswith(".json")) and os.path.lexists(path):
        return Sample(parsed(_read(path, word), f"`{word}`"), word)
    source = BY_NAME.get(word)
    if source is not None:
        found = next(filter(None, (_of_library(name, library) for name in source.samples)), None)
        if found is not None:
            return found
        if source.name in own_events():
            return Sample(own_events()[source.name], "lambdabuild's own")
        raise _without_sample(word, library)
    found = _of_library(word.removesuffix(".json"), library)
    if found is not None:
        return found
    if os.path.isfile(path):
        return Sample(parsed(_read(path, word), f"`{word}`"), word)
    known = [*BY_NAME, *names_of(library)]
    raise LambdabuildError(
        f"there is no event `{one_line(word)}`",
        hint=did_you_mean(word, known)
        or "`lambdabuild events` lists them; a file of your own is one as well",
    )


def _without_sample(word: str, library: Library | None) -> LambdabuildError:
    there = f"there is no sample of `{word}`: it is in aws-lambda-go's events/testdata"
    if library is None:
        return LambdabuildError(
            f"{there}, and nothing here is built with that", hint="give the event with --data-file"
        )
    return LambdabuildError(
        f"{there}, which is not there",
        hint="`go mod vendor` leaves it out; give the event with --data-file",
    )


def _of_library(name: str, library: Library | None) -> Sample | None:
    if library is None or os.sep in name:
        return None
    path = os.path.join(library.testdata, f"{name}.json")
    try:
        content = files.whole(path, PAYLOAD_LIMIT)
    except OSError:
        return None
    version = f"@{library.version}" if library.version else ""
    origin = f"events/testdata/{name}.json of aws-lambda-go{version}"
    return Sample(parsed(content, origin), origin)


def _read(path: str, word: str) -> bytes:
    try:
        return files.named(path, PAYLOAD_LIMIT)
    except OSError as error:
        raise LambdabuildError(f"cannot read `{word}`: {error.strerror}") from error


class _ConstantError(Exception):
    """A number that JavaScript has, and JSON has not."""


def _refused(constant: str) -> None:
    raise _ConstantError(constant)


def parsed(content: bytes, origin: str) -> Event:
    """Return the value of JSON; an error says where it is wrong."""
    try:
        return json.loads(content.decode(), parse_constant=_refused)
    except UnicodeDecodeError as error:
        raise LambdabuildError(
            f"{origin} is not UTF-8: byte {error.start + 1}", hint="JSON is UTF-8"
        ) from error
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        if error.lineno == 1:
            place = f"column {error.colno}"
        raise LambdabuildError(
            f"{origin} is not JSON: {error.msg[:1].lower()}{error.msg[1:]} at {place}",
            hint="a text in JSON has quotes: '\"text\"'",
        ) from error
    except _ConstantError as error:
        raise LambdabuildError(
            f"{origin} is not JSON: it has no `{error}`", hint="write null, or a text"
        ) from error
    except RecursionError as error:
        raise LambdabuildError(f"{origin} is nested too deeply") from error
