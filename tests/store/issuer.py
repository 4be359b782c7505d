"""An issuer of tokens, as GitHub is one for the jobs it runs: a job asks, a server can verify."""

import base64
import contextlib
import hashlib
import hmac
import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

_SECRET = b"what the issuer signs with; GitHub has two keys instead"


class Issuer:
    """What runs at `address`; `claims` are those of the job that asks next."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.claims: dict[str, str] = {}

    def job(self, **claims: str) -> dict[str, str]:
        """Return the variables of a job with `id-token: write`.

        https://docs.github.com/actions/reference/security/oidc
        """
        self.claims = claims
        return {
            "ACTIONS_ID_TOKEN_REQUEST_URL": f"{self.address}/token?api-version=2.0",
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "of the job",
        }

    def answer(self, path: str) -> Any:
        asked = urlsplit(path)
        match asked.path:
            case "/.well-known/openid-configuration":
                return {"issuer": self.address, "jwks_uri": f"{self.address}/keys"}
            case "/keys":
                key = {"kty": "oct", "use": "sig", "alg": "HS256", "kid": "1", "k": _url64(_SECRET)}
                return {"keys": [key]}
            case _:
                (audience,) = parse_qs(asked.query)["audience"]
                return {"value": self._token(audience)}

    def _token(self, audience: str) -> str:
        now = int(time.time())
        standard = {"iss": self.address, "aud": audience, "iat": now, "exp": now + 300}
        header = {"alg": "HS256", "typ": "JWT", "kid": "1"}
        parts = (header, {**standard, **self.claims})
        signed = ".".join(_url64(json.dumps(part).encode()) for part in parts)
        digest = hmac.new(_SECRET, signed.encode(), hashlib.sha256).digest()
        return f"{signed}.{_url64(digest)}"


def _url64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


@contextlib.contextmanager
def issuing() -> Iterator[Issuer]:
    """Run an issuer on loopback."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps(issuer.answer(self.path)).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        issuer = Issuer(f"http://127.0.0.1:{listening.server_port}")
        thread = threading.Thread(target=listening.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield issuer
        finally:
            listening.shutdown()
            thread.join()
