"""Parse the address of an object store; find its credentials and the hosts that may answer."""

import configparser
import contextlib
import os
import re
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit

from lambdabuild.cache.pending import StoreError
from lambdabuild.core.errors import LambdabuildError, did_you_mean
from lambdabuild.core.secrets import shown_address, signs_in

_POSSIBLE = "s3://bucket/prefix, gs://bucket/prefix, az://container/prefix and file:///directory"
_SCHEMES = {
    **dict.fromkeys(("s3", "s3a"), "s3"),
    "gs": "gs",
    **dict.fromkeys(("az", "azure", "adl", "abfs", "abfss"), "az"),
    "file": "file",
}
_OPTIONS = {"s3": {"endpoint", "region"}}
"""The parameters of an address."""
_NOT_IN_IT = (
    "take the key out of it, and have another one made: credentials come from the variables of the "
    "store (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY), a role, or ~/.aws/credentials"
)
_S3_VARIABLES = (
    *("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_SKIP_SIGNATURE"),
    *("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI"),
    *("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "AWS_WEB_IDENTITY_TOKEN_FILE"),
    *("AWS_ROLE_ARN", "AWS_ROLE_SESSION_NAME", "AWS_METADATA_ENDPOINT", "AWS_IMDSV1_FALLBACK"),
    *("AWS_SERVER_SIDE_ENCRYPTION", "AWS_SSE_KMS_KEY_ID", "AWS_SSE_BUCKET_KEY_ENABLED"),
    *("AWS_REQUEST_PAYER", "AWS_VIRTUAL_HOSTED_STYLE_REQUEST", "AWS_UNSIGNED_PAYLOAD"),
)
_S3_CREDENTIALS = (
    *("AWS_ACCESS_KEY_ID", "AWS_SKIP_SIGNATURE", "AWS_WEB_IDENTITY_TOKEN_FILE"),
    *("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI"),
)
NO_CREDENTIALS = "no credentials were found"
_LINK_LOCAL = ("169.254.0.0/16", "fd00:ec2::/32")
"""The metadata services of clouds, which give credentials to machines, containers and pods."""
_LOGINS = ("login.microsoftonline.com", "login.microsoftonline.us", "login.chinacloudapi.cn")


class Place(NamedTuple):
    """A parsed address."""

    kind: str
    bucket: str
    prefix: str
    options: Mapping[str, str]


def parsed(url: str) -> Place:
    """Parse the address of a store."""
    shown = shown_address(url)
    if signs_in(url):
        raise LambdabuildError(
            f"`{shown}` has credentials in it, and an address is shown and logged", hint=_NOT_IN_IT
        )
    try:
        parts = urlsplit(url)
    except ValueError as error:  # a bracket without its end, say
        raise LambdabuildError(
            f"`{shown}` is no address of a cache", hint=f"what is possible: {_POSSIBLE}"
        ) from error
    kind = _SCHEMES.get(parts.scheme)
    if kind is None:
        hint = did_you_mean(parts.scheme, _SCHEMES) or f"what is possible: {_POSSIBLE}"
        if not parts.scheme and url.startswith(("/", ".", "~")):
            hint = f"for a directory, write `file://{os.path.abspath(os.path.expanduser(url))}`"
        raise LambdabuildError(f"`{shown}` is no address of a cache", hint=hint)
    options = _options(parts.query, kind, shown)
    bucket, prefix = parts.netloc, unquote(parts.path).strip("/")
    if kind == "file":
        if bucket not in {"", "localhost"} or not prefix:
            raise LambdabuildError(
                f"`{shown}` names no directory", hint="it has three slashes: file:///directory"
            )
    elif parts.scheme.startswith("abfs") and parts.username:
        bucket = parts.username
        options["account_name"] = str(parts.hostname).partition(".")[0]
    elif not bucket:
        raise LambdabuildError(f"`{shown}` names no bucket", hint=f"what is possible: {_POSSIBLE}")
    return Place(kind, bucket, prefix, options)


def _options(query: str, kind: str, shown: str) -> dict[str, str]:
    options = {name: values[-1] for name, values in parse_qs(query).items()}
    if unknown := set(options) - _OPTIONS.get(kind, set()):
        near = did_you_mean(min(unknown), _OPTIONS.get(kind, ()))
        # Quote a typo only: anything else may be the secret itself.
        name = min(unknown) if near else "?"
        raise LambdabuildError(f"`{name}` in `{shown}` means nothing", hint=near or _NOT_IN_IT)
    endpoint = options.get("endpoint")
    if endpoint is not None and "@" in endpoint:
        raise LambdabuildError(f"the endpoint in `{shown}` has credentials in it", hint=_NOT_IN_IT)
    if endpoint is not None and not re.match(r"https?://[^/]", endpoint):
        raise LambdabuildError(
            f"the endpoint in `{shown}` is none", hint="it begins with http:// or https://"
        )
    return options


def region_of(place: Place, environment: Mapping[str, str]) -> str:
    """Return the region of an S3 bucket; the default is that of the SDKs."""
    return (
        place.options.get("region")
        or environment.get("AWS_REGION")
        or environment.get("AWS_DEFAULT_REGION")
        or "us-east-1"
    )


def s3_config(place: Place, environment: Mapping[str, str]) -> dict[str, Any]:
    """Return the options for obstore, which reads more from the environment of this process."""
    config: dict[str, Any] = {
        name.lower(): environment[name] for name in _S3_VARIABLES if environment.get(name)
    }
    endpoint = (
        place.options.get("endpoint")
        or environment.get("AWS_ENDPOINT_URL_S3")
        or environment.get("AWS_ENDPOINT_URL")
    )
    if endpoint:
        config["aws_endpoint_url_s3"] = endpoint
    config["region"] = region_of(place, environment)
    if not any(environment.get(name) for name in _S3_CREDENTIALS):
        config |= _kept_credentials(environment)
        if (
            "aws_access_key_id" not in config
            and environment.get("AWS_EC2_METADATA_DISABLED", "").lower() == "true"
        ):
            raise StoreError(NO_CREDENTIALS)
    return config


def _kept_credentials(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the access key of the profile in AWS's credentials file, if it has one.

    https://docs.aws.amazon.com/cli/latest/userguide/cli-configure-files.html
    """
    path = environment.get("AWS_SHARED_CREDENTIALS_FILE") or os.path.join(
        environment.get("HOME") or os.path.expanduser("~"), ".aws", "credentials"
    )
    found = configparser.RawConfigParser()
    with contextlib.suppress(OSError, UnicodeDecodeError, configparser.Error):
        found.read(path, "utf-8")
    profile = environment.get("AWS_PROFILE") or "default"
    names = ("aws_access_key_id", "aws_secret_access_key", "aws_session_token")
    if not found.has_section(profile):
        return {}
    return {name: found[profile][name] for name in names if found[profile].get(name)}


def answering(place: Place, environment: Mapping[str, str], region: str) -> tuple[str, ...] | None:
    """Return the hosts (with their subdomains) and networks that a store's client talks to.

    Those are the store's own, and those that give credentials. None where they are unknown: for
    Google's storage, they are in the file of a service account.
    """
    endpoint = place.options.get("endpoint")
    if place.kind == "s3":
        names = ["sts"] if endpoint else ["sts", "s3", "s3-fips", "s3.dualstack"]
        ends = (f"{region}.amazonaws.com", f"{region}.amazonaws.com.cn")
        hosts = [f"{name}.{end}" for name in names for end in ends] + ["sts.amazonaws.com"]
        prefixes: tuple[str, ...] = ("AWS_",)
    elif place.kind == "az":
        name = "AZURE_STORAGE_ACCOUNT_NAME"
        account = place.options.get("account_name") or environment.get(name)
        if account is None:
            return None
        ends = ("blob.core.windows.net", "dfs.core.windows.net")
        hosts = [*_LOGINS, *(f"{account}.{end}" for end in ends)]
        prefixes = ("AZURE_", "IDENTITY_", "MSI_")
    else:
        return None
    # Variables have addresses of endpoints, and of services that give credentials.
    urls = [endpoint or "", *(v for name, v in environment.items() if name.startswith(prefixes))]
    hosts += [urlsplit(url).hostname or "" for url in urls if re.match(r"https?://", url)]
    return (*dict.fromkeys(filter(None, hosts)), *_LINK_LOCAL)
