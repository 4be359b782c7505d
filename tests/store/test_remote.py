"""Every store there is, and everything that a store can do to whoever uses it."""

import subprocess
import sys
from pathlib import Path

import pytest

from lambdabuild.cache.pending import StoreError
from lambdabuild.cache.remote import RemoteStore
from lambdabuild.core.errors import LambdabuildError
from lambdabuild.system.installation import install_command
from tests.store import server
from tests.store.server import BUCKET, ENVIRONMENT, Fault, Proxy, ask

KEY = "ab0123456789"
DATA = bytes(range(256)) * 100


def opened(store: Proxy, prefix: str = "team", timeout: float = 20) -> RemoteStore:
    return RemoteStore(store.url(prefix), ENVIRONMENT, timeout)


def got(remote: RemoteStore, key: str = KEY) -> bytes | None:
    found = remote.get(key)
    return b"".join(found.chunks) if found is not None else None


def reason_of(remote: RemoteStore, *, writing: bool = False) -> str:
    with pytest.raises(StoreError) as caught:
        remote.put(KEY, DATA) if writing else got(remote)
    return str(caught.value)


def test_what_one_machine_puts_another_gets(store: Proxy) -> None:
    opened(store).put(KEY, DATA)
    assert got(opened(store)) == DATA
    assert ask(store.address, "GET", f"/{BUCKET}/team/v1/ab/{KEY}") == DATA


def test_what_was_not_put_is_not_there(store: Proxy) -> None:
    assert opened(store).get("cd0123456789") is None


def test_prefixes_are_apart(store: Proxy) -> None:
    opened(store, "one").put(KEY, b"1")
    opened(store, "").put(KEY, b"0")
    assert (got(opened(store, "one")), got(opened(store, ""))) == (b"1", b"0")


def test_a_bucket_that_is_not_there_is_no_empty_one(store: Proxy) -> None:
    remote = RemoteStore(store.url(bucket="nothing"), ENVIRONMENT, 20)
    assert reason_of(remote) == "there is no such bucket"
    assert reason_of(remote, writing=True) == "there is no such bucket"


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (server.silent, "timed out after 0.4 s"),
        (server.status(403, "AccessDenied"), "403 Forbidden (AccessDenied)"),
        (server.status(400, "ExpiredToken"), "400 Bad Request (ExpiredToken)"),
        (server.status(500), "500 Internal Server Error"),
        (server.status(503, "SlowDown"), "503 Service Unavailable (SlowDown)"),
        (server.status(301), "the bucket is in another region than us-east-1"),
        (server.gone, "the connection was lost"),
    ],
)
def test_a_store_that_fails_says_why_in_a_few_words(
    store: Proxy, fault: Fault, reason: str
) -> None:
    store.fault = fault
    remote = opened(store, timeout=0.4 if "timed out" in reason else 20)
    assert reason_of(remote) == reason
    assert reason_of(remote, writing=True) == reason


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (server.stalled, "timed out after 0.4 s"),
        (server.dripping, "timed out after 0.4 s"),
        (server.truncated, "the connection was lost"),
    ],
)
def test_an_object_that_never_ends_is_not_waited_for(
    store: Proxy, fault: Fault, reason: str
) -> None:
    opened(store).put(KEY, DATA)
    store.fault = fault
    assert reason_of(opened(store, timeout=0.4 if "timed out" in reason else 20)) == reason


def test_one_failure_is_tried_again(store: Proxy) -> None:
    remote = opened(store)
    remote.put(KEY, DATA)
    failed: list[object] = []

    def once(request: server.Request, backend: server.Backend) -> server.Answer | None:
        failed.append(request)
        return backend(request) if len(failed) > 1 else server.Answer(500, {}, b"")

    store.fault = once
    assert got(remote) == DATA


def test_nobody_listening_is_said(store: Proxy) -> None:
    remote = opened(store)
    store.close()
    assert reason_of(remote) == "connection refused"


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("ask_for", ["get", "has", "put"])
def test_a_redirect_to_another_host_is_refused(store: Proxy, code: int, ask_for: str) -> None:
    """Whoever is there would get the session token."""
    elsewhere = Proxy(store.address)
    try:
        port = elsewhere.address.rpartition(":")[2]
        away = {"Location": f"http://localhost:{port}/{BUCKET}/{KEY}"}
        store.fault = lambda *_: server.Answer(code, away, b"")
        remote = RemoteStore(store.url(), ENVIRONMENT | {"AWS_SESSION_TOKEN": "secret"}, 20)
        with pytest.raises(StoreError) as caught:
            remote.put(KEY, DATA) if ask_for == "put" else getattr(remote, ask_for)(KEY)
        assert str(caught.value) == "it redirects to another host" or ask_for == "put"
        assert elsewhere.asked == []
    finally:
        elsewhere.close()


def test_a_redirect_to_the_same_host_is_followed(store: Proxy) -> None:
    opened(store, "there").put(KEY, DATA)
    real = f"/{BUCKET}/there/v1/ab/{KEY}"

    def moved(request: server.Request, backend: server.Backend) -> server.Answer | None:
        if request.path == real:
            return backend(request)
        return server.Answer(307, {"Location": real}, b"")

    store.fault = moved
    assert got(opened(store, "here")) == DATA


def test_a_certificate_that_nobody_vouches_for_is_named(tmp_path: Path) -> None:
    with server.untrusted(tmp_path) as address:
        host = address.removeprefix("https://")
        remote = RemoteStore(f"s3://{BUCKET}?endpoint={address}", ENVIRONMENT, 20)
        assert reason_of(remote) == f"the certificate of {host} is not trusted"


def test_where_tls_is_not_spoken_that_is_said(store: Proxy) -> None:
    host = store.address.removeprefix("http://")
    remote = RemoteStore(f"s3://{BUCKET}?endpoint=https://{host}", ENVIRONMENT, 20)
    assert reason_of(remote) == f"{host} does not speak TLS"


def test_credentials_are_those_of_the_profile_in_the_file_of_aws(
    store: Proxy, tmp_path: Path
) -> None:
    kept = tmp_path / "credentials"
    kept.write_text(
        "[default]\naws_access_key_id = no\naws_secret_access_key = no\n"
        "[work]\naws_access_key_id = mine\naws_secret_access_key = secret%\n",
        "utf-8",
    )
    environment = {"AWS_SHARED_CREDENTIALS_FILE": str(kept), "AWS_PROFILE": "work"}
    RemoteStore(store.url(), environment, 5).get(KEY)
    assert "Credential=mine/" in store.asked[-1].headers["authorization"]


def test_without_credentials_nothing_is_asked(store: Proxy, tmp_path: Path) -> None:
    environment = {"AWS_EC2_METADATA_DISABLED": "true", "HOME": str(tmp_path)}
    assert reason_of(RemoteStore(store.url(), environment, 0.4)) == "no credentials were found"
    assert store.asked == []


def test_where_no_instance_gives_credentials_that_is_said(store: Proxy, tmp_path: Path) -> None:
    store.fault = server.silent
    environment = {"AWS_METADATA_ENDPOINT": store.address, "HOME": str(tmp_path)}
    assert reason_of(RemoteStore(store.url(), environment, 0.4)) == "no credentials were found"


@pytest.mark.parametrize("name", ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"])
def test_the_endpoint_may_come_from_the_environment(store: Proxy, name: str) -> None:
    environment = ENVIRONMENT | {"AWS_ENDPOINT_URL": "http://127.0.0.1:1", name: store.address}
    RemoteStore(f"s3://{BUCKET}/there", environment, 5).put(KEY, DATA)
    assert ask(store.address, "GET", f"/{BUCKET}/there/v1/ab/{KEY}") == DATA


def test_the_endpoint_and_region_of_the_address_come_first(store: Proxy) -> None:
    environment = ENVIRONMENT | {"AWS_ENDPOINT_URL_S3": "http://127.0.0.1:1"}
    RemoteStore(f"{store.url()}&region=eu-north-1", environment, 5).get(KEY)
    assert "/eu-north-1/s3/" in store.asked[-1].headers["authorization"]


def test_a_directory_holds_nothing_but_the_objects(tmp_path: Path) -> None:
    remote = RemoteStore(f"file://{tmp_path}/new%20one", {}, 5)
    assert remote.get(KEY) is None
    remote.put(KEY, DATA)
    remote.put(KEY, DATA)
    assert got(remote) == DATA
    found = [path for path in (tmp_path / "new one").rglob("*") if path.is_file()]
    assert found == [tmp_path / "new one" / "v1" / "ab" / KEY]


def test_a_directory_that_cannot_be_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert reason_of(RemoteStore(f"file://{tmp_path}/file/x", {}, 5)) == "not a directory"


_WRITE = """\
import sys
from lambdabuild.cache.remote import RemoteStore
remote = RemoteStore(sys.argv[1], {}, 30)
for _ in range(40):
    remote.put("ab0123456789", sys.argv[2].encode() * 100_000)
    data = b"".join(remote.get("ab0123456789").chunks)
    assert len(data) == 100_000 and len(set(data)) == 1, data[:10]
"""


def test_two_machines_write_one_object_at_once(tmp_path: Path) -> None:
    command = [sys.executable, "-c", _WRITE, f"file://{tmp_path}"]
    with subprocess.Popen([*command, "a"]) as one, subprocess.Popen([*command, "b"]) as two:
        assert (one.wait(), two.wait()) == (0, 0)
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == [KEY]


@pytest.mark.parametrize(
    "url", ["gs://bucket/x", "az://container/x", "abfs://container@account.dfs.core.windows.net/x"]
)
def test_the_other_clouds_are_opened_without_being_asked(url: str) -> None:
    assert RemoteStore(url, {}, 1).url == url


@pytest.mark.parametrize(
    ("url", "message", "hint"),
    [
        ("gcs://b", "`gcs://b` is no address of a cache", "did you mean `gs`?"),
        ("/srv/x", "`/srv/x` is no address of a cache", "for a directory, write `file:///srv/x`"),
        ("s3:///x", "`s3:///x` names no bucket", None),
        ("bucket", "`bucket` is no address of a cache", None),
        ("https://b.s3.amazonaws.com", "`https://b.s3.amazonaws.com` is no address of a cache",
         None),
        ("file://srv/x", "`file://srv/x` names no directory",
         "it has three slashes: file:///directory"),
        ("s3://b?endpont=x", "`endpont` in `s3://b?…` means nothing",
         "did you mean `endpoint`?"),
        ("s3://b?endpoint=x", "the endpoint in `s3://b?…` is none",
         "it begins with http:// or https://"),
        ("s3://[b", "`s3://[b` is no address of a cache", None),
    ],
)  # fmt: skip
def test_what_is_no_address_is_told_with_the_remedy(
    url: str, message: str, hint: str | None
) -> None:
    with pytest.raises(LambdabuildError) as caught:
        RemoteStore(url, {}, 1)
    possible = (
        "what is possible: s3://bucket/prefix, gs://bucket/prefix, az://container/prefix and "
        "file:///directory"
    )
    assert (caught.value.message, caught.value.hint) == (message, hint or possible)


@pytest.mark.parametrize(
    "url",
    [
        *("s3://KEY:S3CRET@b/p", "s3://KEY:S3/CRET@b", "KEY:S3CRET@b", "https://u:S3CRET@minio/b"),
        *(
            "s3://b?secret=S3CRET",
            "s3://b?S3CRET=x",
            "s3://b?endpoint=https://u:S3CRET@minio",
            "az://a:S3CRET",
        ),
        "abfss://c:S3CRET@account.dfs.core.windows.net/p",
    ],
)
def test_an_address_with_credentials_is_refused_without_repeating_them(url: str) -> None:
    with pytest.raises(LambdabuildError) as caught:
        RemoteStore(url, {}, 1)
    told = str(caught.value)
    assert "S3" not in told.replace("`s3", "")
    assert "CRET@" not in told
    assert "credentials come from the variables" in told


def test_what_an_endpoint_signs_in_with_is_in_no_reason(tmp_path: Path) -> None:
    environment = ENVIRONMENT | {"HOME": str(tmp_path)}
    environment["AWS_ENDPOINT_URL"] = "https://user:S3CRET@127.0.0.1:1/?sig=S3CRET"
    assert "S3CRET" not in reason_of(RemoteStore("s3://b", environment, 2))


def test_without_the_extra_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "obstore.store", None)
    with pytest.raises(LambdabuildError) as caught:
        RemoteStore("s3://bucket", {}, 1)
    assert caught.value.hint == f"`{install_command('remote')}` installs it"
