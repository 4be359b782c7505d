"""Keep secrets out of texts that are shown, and out of the environment of processes.

Of an address, host and path are shown. What precedes an `@` is removed, and so are the values after a
`?`: tokens and signatures are there. Of such a text, only a digest is saved.
"""

import hashlib
import re
from collections.abc import Mapping

HIDDEN = "…"
DIGEST = "blake2b:"
"""The prefix of what is saved in place of a secret."""

_SCHEME = r"[A-Za-z][A-Za-z0-9+.-]{0,20}://"
# After a colon, all but a number is a password.
_NO_PORT = r"[^\s\"`<>/?#@:\[]*:(?!\d{0,5}(?:[/?#\s\"'`<>,;)]|$))"
_QUOTED = rf"(\"{_SCHEME}){_NO_PORT}[^\"\n]*@"
"""Go quotes an address that it cannot parse: its password may have spaces."""
_WORD = r"[^\s\"`<>]+"
_USER = rf"({_SCHEME})(?!git@)[^/?#]*@"
_ASTRAY = r"(?<=/)[^/@:?#]+:[^/@?#]+@"
"""A proxy `https//user:password@host` is a path to Go."""
_PASSWORD = _NO_PORT
_MARK = r"[?#]"
_PART = r"(?P<name>[^=&#;]*=)?[^&#;]*?(?P<rest>[:,.)\]}']*)(?=[&#;]|$)"
# They are compiled once there is an address to show: most runs have none. They take linear time, for
# texts of others may be long.


def without_secrets(text: str) -> str:
    """Return a text whose addresses have no user but `git`, no password and no value of a parameter."""
    if "://" not in text:
        return text
    return re.sub(_WORD, lambda match: _word(match[0]), re.sub(_QUOTED, r"\1", text))


def _word(word: str) -> str:
    begin = word.find("://")
    if begin < 0:
        return word
    word = re.sub(_ASTRAY, "", re.sub(_USER, r"\1", word))
    # A password may have an unescaped `/`: AWS's often do.
    last = word.rfind("@")
    while begin >= 0 and last > begin:
        if re.compile(_PASSWORD).match(word, begin + 3) is not None:
            word = word[: begin + 3] + word[last + 1 :]
            break
        begin = word.find("://", begin + 3)
    mark = re.compile(_MARK).search(word, word.find("://"))
    if mark is None:
        return word

    def hidden(match: re.Match[str]) -> str:
        return f"{match['name'] or ''}{HIDDEN}{match['rest']}" if match[0] else ""

    return word[: mark.end()] + re.sub(_PART, hidden, word[mark.end() :])


def shown_address(address: str) -> str:
    """Return the address of a store without secrets, also where it is malformed."""
    if not signs_in(address):
        place, mark, _ = address.partition("?")
        return f"{place}?{HIDDEN}" if mark else place
    place = address.partition("?")[0]
    scheme = re.match(r"[a-z0-9]{1,5}:(?://)?", place)
    _, at, after = place.rpartition("@")
    return f"{scheme[0] if scheme else ''}{HIDDEN}{at}{after if at else ''}"


def signs_in(address: str) -> bool:
    """Tell whether the address of a store has credentials, which belong elsewhere.

    No bucket's name has a colon; a container of Azure's precedes an `@`.
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
    """Return a text to be saved: one with secrets becomes a digest, which differs whenever it does."""
    if without_secrets(text) == text:
        return text
    digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16)
    return f"{DIGEST}{digest.hexdigest()}"


CACHE_KEY = "LAMBDABUILD_CACHE_KEY"
"""The secret that signs cached executables; no child process gets it."""
PASSED = "LAMBDABUILD_PASS_ENV"
"""Names of variables that children get nevertheless, such as `AWS_*`; by commas or spaces."""

_AWS = ("AWS_",)
_AZURE = ("AZURE_", "IDENTITY_HEADER", "MSI_SECRET")
_GOOGLE = ("GOOGLE_",)
# With the token, one can assume the roles that trust the job, or write to its cache.
# https://docs.github.com/actions/reference/security/oidc
_GITHUB = ("ACTIONS_ID_TOKEN_REQUEST_", "ACTIONS_RUNTIME_TOKEN")
OF_STORES: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(("s3", "s3a"), _AWS),
    "gs": _GOOGLE,
    **dict.fromkeys(("az", "azure", "adl", "abfs", "abfss"), _AZURE),
}
"""By scheme, the prefixes of variables with credentials for such a store."""
_ALL = (*_AWS, *_AZURE, *_GOOGLE, *_GITHUB)


def for_builds(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the environment for `go`, git, a C compiler and what these run."""
    return _without(environment, _ALL)


def for_command(environment: Mapping[str, str], store: str | None) -> dict[str, str]:
    """Return the environment for the command of `--exec`.

    It may deploy, and gets all credentials but those of `store`, the address of the shared cache.
    """
    scheme = (store or "").partition(":")[0]
    return _without(environment, (*OF_STORES.get(scheme, ()), *_GITHUB))


def kept_back(environment: Mapping[str, str], children: Mapping[str, str]) -> list[str]:
    """Return which variables with credentials children do not get; sorted."""
    left_out = environment.keys() - children.keys() - {CACHE_KEY}
    return sorted(name for name in left_out if not name.startswith(_GITHUB))


def _without(environment: Mapping[str, str], secret: tuple[str, ...]) -> dict[str, str]:
    words = environment.get(PASSED, "").replace(",", " ").split()
    prefixes = tuple(word[:-1] for word in words if word.endswith("*"))
    return {
        name: value
        for name, value in environment.items()
        if name != CACHE_KEY
        and (not name.startswith(secret) or name in words or name.startswith(prefixes))
    }
