"""Keep secrets out of texts that are shown, and out of the environment of processes.

An address shows its host and its path. What stands before an `@` goes, and so do the values behind
a `?`: tokens and signatures are there. What is remembered of such a text is a digest.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping

HIDDEN = "…"
DIGEST = "blake2b:"
"""How what is remembered in place of a secret begins."""

_SCHEME = r"[A-Za-z][A-Za-z0-9+.-]{0,20}://"
# What is no number after a colon is no port, and so a password.
_NO_PORT = r"[^\s\"`<>/?#@:\[]*:(?!\d{0,5}(?:[/?#\s\"'`<>,;)]|$))"
_QUOTED = rf"(\"{_SCHEME}){_NO_PORT}[^\"\n]*@"
"""Go quotes an address that it cannot read: a password may hold spaces in it."""
_WORD = r"[^\s\"`<>]+"
_USER = rf"({_SCHEME})(?!git@)[^/?#]*@"
_ASTRAY = r"(?<=/)[^/@:?#]+:[^/@?#]+@"
"""Where a proxy is `https//user:password@host`, Go takes that for a path."""
_PASSWORD = _NO_PORT
_MARK = r"[?#]"
_PART = r"(?P<name>[^=&#;]*=)?[^&#;]*?(?P<rest>[:,.)\]}']*)(?=[&#;]|$)"
# They are compiled when there is an address to show: in most runs there is none. Whatever a text
# holds, it is read a fixed number of times: what others wrote may be long.


def without_secrets(text: str) -> str:
    """Return a text whose addresses hold no user, password or value of a parameter.

    `git@`, which is no secret, stays: in `ssh://git@host/path` it names no person.
    """
    if "://" not in text:
        return text
    return re.sub(_WORD, lambda match: _word(match[0]), re.sub(_QUOTED, r"\1", text))


def _word(word: str) -> str:
    begin = word.find("://")
    if begin < 0:
        return word
    word = re.sub(_ASTRAY, "", re.sub(_USER, r"\1", word))
    # A password may hold a `/` that nobody escaped: AWS's often do.
    last = word.rfind("@")
    while begin >= 0 and last > begin:
        if re.compile(_PASSWORD).match(word, begin + 3) is not None:
            word = word[: begin + 3] + word[last + 1 :]
            break
        begin = word.find("://", begin + 3)
    mark = re.compile(_MARK).search(word, word.find("://"))
    if mark is None:
        return word
    return word[: mark.end()] + re.sub(_PART, _without_value, word[mark.end() :])


def shown_address(address: str) -> str:
    """Return the address of a store as it may be shown, however badly it is written."""
    if not signs_in(address):
        place, mark, _ = address.partition("?")
        return f"{place}?{HIDDEN}" if mark else place
    place = address.partition("?")[0]
    scheme = re.match(r"[a-z0-9]{1,5}:(?://)?", place)
    _, at, after = place.rpartition("@")
    return f"{scheme[0] if scheme else ''}{HIDDEN}{at}{after if at else ''}"


def signs_in(address: str) -> bool:
    """Tell whether the address of a store holds credentials, which belong elsewhere.

    No bucket is called anything with a colon; a container of Azure's stands before an `@`.
    """
    scheme, slashes, rest = address.partition("://")
    if not slashes:
        return ("@" in address or ":" in address) and not address.startswith(("/", ".", "~"))
    host = re.split(r"[/?#]", rest, maxsplit=1)[0]
    if scheme.startswith("abfs"):
        return ":" in host or host.count("@") > 1
    if scheme in {"http", "https"}:
        return without_secrets(address.partition("?")[0]) != address.partition("?")[0]
    return "@" in host or (":" in host and not host.startswith("arn:"))


def remembered(text: str) -> str:
    """Return what is kept on disk in place of a text: it differs whenever the text does."""
    if without_secrets(text) == text:
        return text
    digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16)
    return f"{DIGEST}{digest.hexdigest()}"


def _without_value(match: re.Match[str]) -> str:
    return f"{match['name'] or ''}{HIDDEN}{match['rest']}" if match[0] else ""


CACHE_KEY = "LAMBDABUILD_CACHE_KEY"
"""The secret that cached executables are signed with; no child ever gets it."""
PASSED = "LAMBDABUILD_PASS_ENV"
"""Names of variables that children get all the same, such as `AWS_*`; by commas or spaces."""

_AWS = ("AWS_",)
_AZURE = ("AZURE_", "IDENTITY_HEADER", "MSI_SECRET")
_GOOGLE = ("GOOGLE_",)
# Whoever has the token is lent the roles that trust the job, or writes to its cache.
# https://docs.github.com/actions/reference/security/oidc
_GITHUB = ("ACTIONS_ID_TOKEN_REQUEST_", "ACTIONS_RUNTIME_TOKEN")
OF_STORES: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(("s3", "s3a"), _AWS),
    "gs": _GOOGLE,
    **dict.fromkeys(("az", "azure", "adl", "abfs", "abfss"), _AZURE),
}
"""By scheme, how the variables begin that open such a store."""
_ALL = (*_AWS, *_AZURE, *_GOOGLE, *_GITHUB)


def for_builds(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the environment for `go`, git, a C compiler and whatever these run."""
    return _without(environment, _ALL)


def for_command(environment: Mapping[str, str], store: str | None) -> dict[str, str]:
    """Return the environment for the command of `--exec`.

    That is the user's own, and may deploy: so it gets the credentials of all but `store`, the
    address of the shared cache, if there is one.
    """
    scheme = (store or "").partition(":")[0]
    return _without(environment, (*OF_STORES.get(scheme, ()), *_GITHUB))


def kept_back(environment: Mapping[str, str], children: Mapping[str, str]) -> list[str]:
    """Return which variables that open a store children do not get; sorted."""
    left_out = environment.keys() - children.keys() - {CACHE_KEY}
    return sorted(name for name in left_out if not name.startswith(_GITHUB))


def _without(environment: Mapping[str, str], secret: tuple[str, ...]) -> dict[str, str]:
    passed = environment.get(PASSED, "").replace(",", " ").split()
    return {
        name: value
        for name, value in environment.items()
        if name != CACHE_KEY and (not name.startswith(secret) or _matches(name, passed))
    }


def _matches(name: str, patterns: Iterable[str]) -> bool:
    return any(
        name.startswith(pattern[:-1]) if pattern.endswith("*") else name == pattern
        for pattern in patterns
    )
