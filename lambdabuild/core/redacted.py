"""Show texts without the secrets that addresses in them hold: who signs in, and with what.

An address shows its host and its path. What stands before an `@` goes, and so do the values behind
a `?`: tokens and signatures are there. What is remembered of such a text is a digest.
"""

import hashlib
import re

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
