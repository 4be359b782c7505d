"""Get executables from an object store, and put them there.

obstore is used with its blocking calls alone, from threads: they touch Python only in the thread
that calls. Its asynchronous ones hand over their result in a thread of their own, which ends the
process with SIGABRT if the interpreter is about to exit then (seen with obstore 0.12.1 on 3.11).
"""

import configparser
import contextlib
import os
import re
import time
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple, cast
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from lambdabuild.entry import MOST
from lambdabuild.errors import LambdabuildError, did_you_mean
from lambdabuild.redacted import shown_address, signs_in, without_secrets

if TYPE_CHECKING:
    from obstore import GetResult
    from obstore.store import AzureConfig, ClientConfig, ObjectStore, RetryConfig, S3Config

_POSSIBLE = "s3://bucket/prefix, gs://bucket/prefix, az://container/prefix and file:///directory"
_SCHEMES = {
    **dict.fromkeys(("s3", "s3a"), "s3"),
    "gs": "gs",
    **dict.fromkeys(("az", "azure", "adl", "abfs", "abfss"), "az"),
    "file": "file",
}
_OPTIONS = {"s3": {"endpoint", "region"}}
"""What may stand behind a `?`."""
_NOT_IN_IT = (
    "take the key out of it, and have another one made: credentials come from the variables of the "
    "store (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY), a role, or ~/.aws/credentials"
)
_FORMAT = "v1"
_CHUNK = 1 << 20
"""Bytes of an object between two looks at the clock."""

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
_NO_CREDENTIALS = "no credentials were found"
_NO_BUCKET = "there is no such bucket"

_REASONS = (
    (
        r"169\.254\.169\.254|/latest/api/token|/meta-data/|metadata\.google\.internal",
        _NO_CREDENTIALS,
    ),
    (r"TimedOut|kind: Timeout", "timed out after {timeout:g} s"),
    (r"incorrectly configured region", "the bucket is in another region than {region}"),
    (r"failed to lookup address|dns error", "the name of its host is not known"),
    (r"invalid peer certificate", "its TLS certificate is not trusted"),
    (r"Account must be specified", "AZURE_STORAGE_ACCOUNT_NAME is not set"),
    (r"hyper::Error\(\s*Parse|Header missing", "its answer is not that of an object store"),
    (r"response body error|IncompleteMessage|Content-Range", "the connection was lost"),
)
"""What obstore says in many lines, in a few words."""
_STATUS = re.compile(r"non-2xx status code: (\d{3}(?: [A-Z][A-Za-z -]{2,40})?)")
_CODE = re.compile(r"<Code>([A-Za-z]{3,40})</Code>")
_SYSTEM = re.compile(r"\b([A-Z][A-Za-z ]{3,40}) \(os error \d+\)|message: \"([A-Z][a-z ]{3,40})\"")


class StoreError(Exception):
    """The store cannot be used; the text says why in a few words."""


class _Place(NamedTuple):
    """What the address of a store says."""

    kind: str
    bucket: str
    prefix: str
    options: Mapping[str, str]


class RemoteStore:
    """An object store, by its address; used from any number of threads."""

    def __init__(self, url: str, environment: Mapping[str, str], timeout: float) -> None:
        """Give every request `timeout` seconds, with all its retries.

        Raises:
            LambdabuildError: the address is none, or the extra `remote` is not installed.

        """
        self.url = re.split(r"[?#]", url)[0]
        self.timeout = timeout
        place = _parsed(url)
        self._region = ""
        self._problem: str | None = None
        self._store: ObjectStore | None = None
        _import_obstore()
        try:
            self._store = self._opened(place, environment)
        except LambdabuildError:
            raise
        except Exception as error:  # noqa: BLE001 - obstore raises what it likes
            self._problem = self._reason(error)

    def get(self, key: str) -> bytes | None:
        """Return an object; None if there is none.

        Raises:
            StoreError: the store cannot be used.

        """
        deadline = time.monotonic() + self.timeout
        try:
            with self._explained():
                return self._read(self._usable().get(_object(key)), deadline)
        except FileNotFoundError as error:
            if "NoSuchBucket" in str(error):
                raise StoreError(_NO_BUCKET) from error
            return None

    def has(self, key: str) -> bool:
        """Tell whether there is an object, without reading it.

        Raises:
            StoreError: the store cannot be used.

        """
        try:
            with self._explained():
                self._usable().head(_object(key))
        except FileNotFoundError:
            return False
        return True

    def put(self, key: str, data: bytes) -> None:
        """Write an object, whole or not at all.

        Raises:
            StoreError: the store cannot be used.

        """
        try:
            with self._explained():
                # In one piece: parts of an upload that is broken off would have to be paid for.
                self._usable().put(_object(key), data, use_multipart=False)
        except FileNotFoundError as error:
            raise StoreError(_NO_BUCKET) from error

    def _read(self, found: "GetResult", deadline: float) -> bytes:
        if found.meta["size"] > MOST:
            raise StoreError(f"an object is larger than {MOST >> 20} MiB")
        chunks = []
        for chunk in found.stream(_CHUNK):
            chunks.append(chunk)
            if time.monotonic() > deadline:
                raise StoreError(f"timed out after {self.timeout:g} s")
        return b"".join(chunks)

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        """Have whatever obstore raises told in a few words, but for what is not found."""
        try:
            yield
        except (StoreError, FileNotFoundError):
            raise
        except Exception as error:
            raise StoreError(self._reason(error)) from error

    def _usable(self) -> "ObjectStore":
        if self._store is None:
            raise StoreError(self._problem)
        return self._store

    def _opened(self, place: _Place, environment: Mapping[str, str]) -> "ObjectStore":
        from obstore.store import AzureStore, GCSStore, LocalStore, S3Store  # noqa: PLC0415

        if place.kind == "file":
            return LocalStore(f"/{place.prefix}", mkdir=True)
        client: ClientConfig = {
            "connect_timeout": timedelta(seconds=self.timeout),
            "timeout": timedelta(seconds=self.timeout),
        }
        retries: RetryConfig = {
            "max_retries": 2,
            # No retry begins later; so a request takes a quarter longer than it may at the most.
            "retry_timeout": timedelta(seconds=self.timeout / 4),
            "backoff": {
                "init_backoff": timedelta(milliseconds=100),
                "max_backoff": timedelta(milliseconds=500),
                "base": 2,
            },
        }
        prefix = place.prefix or None
        if place.kind == "gs":
            return GCSStore(
                place.bucket, prefix=prefix, client_options=client, retry_config=retries
            )
        if place.kind == "az":
            return AzureStore(
                place.bucket, prefix=prefix, client_options=client, retry_config=retries,
                config=cast("AzureConfig", place.options),
            )  # fmt: skip
        config = _s3_config(place, environment)
        self._region = config.get("region", "us-east-1")
        if config.get("aws_endpoint_url_s3", "").startswith("http://"):
            client["allow_http"] = True
        return S3Store(
            place.bucket, prefix=prefix, config=cast("S3Config", config),
            client_options=client, retry_config=retries,
        )  # fmt: skip

    def _reason(self, error: Exception) -> str:
        text = without_secrets(str(error))
        for pattern, reason in _REASONS:
            if re.search(pattern, text):
                return reason.format(timeout=self.timeout, region=self._region)
        if found := _STATUS.search(text):
            code = _CODE.search(text)
            return f"{found[1]} ({code[1]})" if code else found[1]
        if found := _SYSTEM.search(text):
            return (found[1] or found[2]).lower()
        first = text.partition("\n")[0].rpartition(" - ")[2]
        return re.sub(r"^Generic \w+ error: ", "", first)[:200] or type(error).__name__


def _import_obstore() -> None:
    try:
        import obstore.store  # noqa: F401, PLC0415 - few runs need it
    except ImportError as error:
        raise LambdabuildError(
            "a shared cache needs the extra `remote`", hint="pip install 'lambdabuild[remote]'"
        ) from error


def _object(key: str) -> str:
    return f"{_FORMAT}/{key[:2]}/{key}"


def check_address(url: str) -> None:
    """See that this is the address of a store.

    Raises:
        LambdabuildError: it is none; it names what is possible.

    """
    _parsed(url)


def _parsed(url: str) -> _Place:
    shown = shown_address(url)
    if signs_in(url):
        raise LambdabuildError(
            f"`{shown}` has credentials in it, and an address is shown and logged", hint=_NOT_IN_IT
        )
    parts = _split(url, shown)
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
    return _Place(kind, bucket, prefix, options)


def _split(url: str, shown: str) -> SplitResult:
    try:
        return urlsplit(url)
    except ValueError as error:  # a bracket without its end, say
        raise LambdabuildError(
            f"`{shown}` is no address of a cache", hint=f"what is possible: {_POSSIBLE}"
        ) from error


def _options(query: str, kind: str, shown: str) -> dict[str, str]:
    options = {name: values[-1] for name, values in parse_qs(query).items()}
    if unknown := set(options) - _OPTIONS.get(kind, set()):
        near = did_you_mean(min(unknown), _OPTIONS.get(kind, ()))
        # A slip is named; what is none may be the secret itself.
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


def _s3_config(place: _Place, environment: Mapping[str, str]) -> dict[str, Any]:
    """Return what obstore is to know; what is in its environment, it knows already.

    Raises:
        StoreError: there are no credentials.

    """
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
    names = ("AWS_REGION", "AWS_DEFAULT_REGION")
    regions = [place.options.get("region"), *(environment.get(name) for name in names)]
    if region := next(filter(None, regions), None):
        config["region"] = region
    if not any(environment.get(name) for name in _S3_CREDENTIALS):
        config |= _kept_credentials(environment)
        if (
            "aws_access_key_id" not in config
            and environment.get("AWS_EC2_METADATA_DISABLED", "").lower() == "true"
        ):
            raise StoreError(_NO_CREDENTIALS)
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
