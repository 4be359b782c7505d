"""What functions on this machine get of the caller's AWS account: credentials and the region."""

import configparser
import os
from collections.abc import Mapping

from lambdabuild.local.functions import Platform

_KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
_ROLE = ("AWS_ROLE_ARN", "AWS_ROLE_SESSION_NAME", "AWS_WEB_IDENTITY_TOKEN_FILE")
_CONTAINER = (
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
)
_ALSO = ("AWS_CA_BUNDLE", "AWS_EC2_METADATA_DISABLED")
_ENDPOINT = "AWS_ENDPOINT_URL"
_OWN_ENDPOINT = f"{_ENDPOINT}_LAMBDA"
_DUMMY = "test"
"""What emulators of AWS take."""
_REGION = "us-east-1"
_MOST = 1 << 20


def platform_of(caller: Mapping[str, str], working: str, *, credentials: bool = True) -> Platform:
    """Return the region and credentials of functions, by the environment of the caller.

    Keys that he exports are passed on; else his profile, with HOME, where the SDK looks for what
    `aws sso login` left. Relative paths are meant from `working`. Without `credentials`, functions
    get dummies, and nothing of the caller's is read but the region.

    https://docs.aws.amazon.com/sdkref/latest/guide/environment-variables.html
    """
    region = caller.get("AWS_REGION") or caller.get("AWS_DEFAULT_REGION")
    if not credentials:
        return Platform(region or _REGION, dict.fromkeys(_KEYS, _DUMMY))
    home = caller.get("HOME") or os.path.expanduser("~")
    places = {
        "AWS_CONFIG_FILE": os.path.join(home, ".aws", "config"),
        "AWS_SHARED_CREDENTIALS_FILE": os.path.join(home, ".aws", "credentials"),
    }
    for name in places:
        if caller.get(name):
            path = caller[name]
            if path.startswith("~/"):
                path = os.path.join(home, path[2:])
            places[name] = os.path.join(working, path)
    found = _set(caller, *_ALSO, _ENDPOINT)
    found |= {
        name: value
        for name, value in caller.items()
        if name.startswith(f"{_ENDPOINT}_") and name != _OWN_ENDPOINT and value
    }
    profile = caller.get("AWS_PROFILE") or caller.get("AWS_DEFAULT_PROFILE")
    if all(caller.get(name) for name in _KEYS[:2]):
        found |= _set(caller, *_KEYS)
    else:
        found |= _set(caller, *_ROLE, *_CONTAINER)
        if "AWS_WEB_IDENTITY_TOKEN_FILE" in found:
            name = "AWS_WEB_IDENTITY_TOKEN_FILE"
            found[name] = os.path.join(working, found[name])
        there = {name: path for name, path in places.items() if os.path.exists(path)}
        if there or profile:
            found |= {**there, "HOME": home}
        if profile:
            found["AWS_PROFILE"] = profile
    return Platform(
        region or _region_of(places["AWS_CONFIG_FILE"], profile or "default") or _REGION, found
    )


def _set(caller: Mapping[str, str], *names: str) -> dict[str, str]:
    return {name: caller[name] for name in names if caller.get(name)}


def _region_of(config: str, profile: str) -> str | None:
    """Return the region of a profile: https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html."""
    parser = configparser.RawConfigParser(strict=False)
    try:
        with open(config, encoding="utf-8", errors="replace") as file:
            parser.read_string(file.read(_MOST))
    except (OSError, configparser.Error):
        return None
    for section in (f"profile {profile}", profile):
        if parser.has_option(section, "region"):
            return parser.get(section, "region").strip() or None
    return None
