"""Get executables from an object store, and put them there.

obstore's blocking calls are used only, in threads. Its asynchronous ones deliver their result in another
thread, which ends the process with SIGABRT while the interpreter exits (obstore 0.12.1 on 3.11).

obstore follows redirects, with AWS's session token. A proxy that does not exist stops those to other
hosts, except where a proxy is configured, and for Google's storage, whose hosts a file may name: its
credentials are in a header that is not sent to other hosts. All content has to match its header.
"""

import contextlib
import re
import sys
import time
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from lambdabuild.cache.addresses import (
    NO_CREDENTIALS,
    Place,
    answering,
    parsed,
    region_of,
    s3_config,
)
from lambdabuild.cache.pending import StoreError
from lambdabuild.core.errors import LambdabuildError
from lambdabuild.core.secrets import without_secrets
from lambdabuild.system.installation import install_command

if TYPE_CHECKING:
    from obstore import GetResult
    from obstore.store import AzureConfig, ClientConfig, ObjectStore, RetryConfig, S3Config

_FORMAT = "v1"
_CHUNK = 1 << 18
"""Bytes of an object in memory at once, and between two checks of the timeout."""

_NO_BUCKET = "there is no such bucket"

_NOWHERE = "127.0.0.1:0"
"""The address of a proxy that does not exist: nothing listens on port 0."""
_REASONS = (
    (rf"\b{re.escape(_NOWHERE)}\b", "it redirects to another host"),
    (
        r"169\.254\.169\.254|/latest/api/token|/meta-data/|metadata\.google\.internal",
        NO_CREDENTIALS,
    ),
    (r"TimedOut|kind: Timeout", "timed out after {timeout:g} s"),
    (r"incorrectly configured region", "the bucket is in another region than {region}"),
    (r"failed to lookup address|dns error", "the name of its host is not known"),
    (r"NotValidForName", "the certificate of {host} is for another name"),
    (r"InvalidCertificate\(\s*Expired", "the certificate of {host} has expired"),
    (r"InvalidCertificate|invalid peer certificate", "the certificate of {host} is not trusted"),
    (r"InvalidContentType", "{host} does not speak TLS"),
    (r"Account must be specified", "AZURE_STORAGE_ACCOUNT_NAME is not set"),
    (r"hyper::Error\(\s*Parse|Header missing", "its answer is not that of an object store"),
    (r"response body error|IncompleteMessage|Content-Range", "the connection was lost"),
)
"""Patterns of obstore's long errors, with the reason in a few words."""
_ASKED = re.compile(r"performing [A-Z]+ https?://([^\s/,]+)")
_PROXIES = ("http_proxy", "https_proxy", "all_proxy")
_STATUS = re.compile(r"non-2xx status code: (\d{3}(?: [A-Z][A-Za-z -]{2,40})?)")
_CODE = re.compile(r"<Code>([A-Za-z]{3,40})</Code>")
_SYSTEM = re.compile(r"\b([A-Z][A-Za-z ]{3,40}) \(os error \d+\)|message: \"([A-Z][a-z ]{3,40})\"")


class Object(NamedTuple):
    """An object in a store."""

    size: int
    """Bytes."""
    chunks: Iterator[bytes]
    """Each is read when it is taken."""


class RemoteStore:
    """A thread-safe object store; its failures are StoreErrors, also as chunks are taken."""

    def __init__(self, url: str, environment: Mapping[str, str], timeout: float) -> None:
        """Limit every request, with its retries, to `timeout` seconds."""
        self.url = re.split(r"[?#]", url)[0]
        self.timeout = timeout
        place = parsed(url)
        self._region = ""
        self._problem: str | None = None
        self._store: ObjectStore | None = None
        try:
            import obstore.store  # noqa: F401 - few runs need it
        except ImportError as error:
            raise LambdabuildError(
                "a shared cache needs obstore", hint=f"`{install_command('remote')}` installs it"
            ) from error
        try:
            self._store = self._opened(place, environment)
        except LambdabuildError:
            raise
        except Exception as error:  # noqa: BLE001 - obstore raises what it likes
            self._problem = self._reason(error)

    def get(self, key: str) -> Object | None:
        """Return an object, still unread; None if it does not exist."""
        begun = time.monotonic()
        try:
            with self._using() as store:
                found = store.get(_object(key))
                return Object(found.meta["size"], self._chunks(found, time.monotonic() - begun))
        except FileNotFoundError as error:
            if "NoSuchBucket" in str(error):
                raise StoreError(_NO_BUCKET) from error
            return None

    def has(self, key: str) -> bool:
        """Tell whether an object exists, without reading it."""
        try:
            with self._using() as store:
                store.head(_object(key))
        except FileNotFoundError:
            return False
        return True

    def put(self, key: str, data: bytes) -> None:
        """Write an object atomically."""
        try:
            with self._using() as store:
                # In one piece: the parts of an aborted upload would be billed.
                store.put(_object(key), data, use_multipart=False)
        except FileNotFoundError as error:
            raise StoreError(_NO_BUCKET) from error

    def _chunks(self, found: "GetResult", waited: float) -> Iterator[bytes]:
        """Yield the chunks of an object; `waited` is the seconds it has taken so far."""
        left = found.meta["size"]
        with self._using():
            coming = iter(found.stream(_CHUNK))
        while left:
            begun = time.monotonic()
            with self._using():
                chunk = bytes(next(coming, b""))
            waited += time.monotonic() - begun
            left -= len(chunk)
            if not chunk or left < 0:
                raise StoreError("the connection was lost")
            if waited > self.timeout:
                raise StoreError(f"timed out after {self.timeout:g} s")
            yield chunk

    @contextlib.contextmanager
    def _using(self) -> Iterator["ObjectStore"]:
        """Yield the store, and turn obstore's errors, but FileNotFoundError, into StoreErrors."""
        if self._store is None:
            raise StoreError(self._problem)
        try:
            yield self._store
        except (StoreError, FileNotFoundError):
            raise
        except Exception as error:
            raise StoreError(self._reason(error)) from error

    def _opened(self, place: Place, environment: Mapping[str, str]) -> "ObjectStore":
        from obstore.store import AzureStore, GCSStore, LocalStore, S3Store

        if place.kind == "file":
            return LocalStore(f"/{place.prefix}", mkdir=True)
        client: ClientConfig = {
            "connect_timeout": timedelta(seconds=self.timeout),
            "timeout": timedelta(seconds=self.timeout),
        }
        retries: RetryConfig = {
            "max_retries": 2,
            # No retry begins later, so a request takes at most a quarter longer than it may.
            "retry_timeout": timedelta(seconds=self.timeout / 4),
            "backoff": {
                "init_backoff": timedelta(milliseconds=100),
                "max_backoff": timedelta(milliseconds=500),
                "base": 2,
            },
        }
        self._region = region_of(place, environment)
        hosts = answering(place, environment, self._region)
        if hosts is not None and not _is_behind_proxy(environment):
            client["proxy_url"] = f"http://{_NOWHERE}"
            client["proxy_excludes"] = ",".join(hosts)
        options: dict[str, Any] = {
            "prefix": place.prefix or None, "client_options": client, "retry_config": retries
        }  # fmt: skip
        if place.kind == "gs":
            return GCSStore(place.bucket, **options)
        if place.kind == "az":
            return AzureStore(place.bucket, config=cast("AzureConfig", place.options), **options)
        config = s3_config(place, environment)
        if config.get("aws_endpoint_url_s3", "").startswith("http://"):
            client["allow_http"] = True
        return S3Store(place.bucket, config=cast("S3Config", config), **options)

    def _reason(self, error: Exception) -> str:
        text = without_secrets(str(error))
        found = _ASKED.search(text)
        host = found[1] if found else "its host"
        for pattern, reason in _REASONS:
            if re.search(pattern, text):
                return reason.format(timeout=self.timeout, region=self._region, host=host)
        if found := _STATUS.search(text):
            code = _CODE.search(text)
            return f"{found[1]} ({code[1]})" if code else found[1]
        if found := _SYSTEM.search(text):
            return (found[1] or found[2]).lower()
        first = text.partition("\n")[0].rpartition(" - ")[2]
        return re.sub(r"^Generic \w+ error: ", "", first)[:200] or type(error).__name__


def _is_behind_proxy(environment: Mapping[str, str]) -> bool:
    """Tell whether a proxy is configured, by the rules of reqwest."""
    if any(value for name, value in environment.items() if name.lower() in _PROXIES):
        return True
    if sys.platform == "darwin":
        from urllib.request import getproxies

        return bool(getproxies())
    return False


def _object(key: str) -> str:
    return f"{_FORMAT}/{key[:2]}/{key}"
