"""A faithful OpenID provider over HTTP: discovery, keys, authorize, token with PKCE; and the ways one may misbehave."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from urllib.parse import parse_qs, parse_qsl, unquote, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from marketplace.identity_providers import IdentityProvider

CLIENT, SECRET = "marketplace", "s3cret of the client/+"
ANN_THERE = {
    "sub": "248289761001", "email": "ann@example.org", "email_verified": True, "preferred_username": "ann.there",
    "name": "Ann There",
}  # fmt: skip
Claims = dict[str, object]


class SigningKey:
    """One key pair of an issuer."""

    def __init__(self, kid: str, algorithm: str) -> None:
        self.kid, self.algorithm = kid, algorithm
        is_rsa = algorithm.startswith(("RS", "PS"))
        self.private = rsa.generate_private_key(65537, 2048) if is_rsa else ec.generate_private_key(ec.SECP256R1())
        kind = RSAAlgorithm if is_rsa else ECAlgorithm
        public = kind.to_jwk(self.private.public_key(), as_dict=True)
        self.jwk = {**public, "kid": kid, "use": "sig", "alg": algorithm}

    def sign(self, claims: Claims, **headers: object) -> str:
        return jwt.encode(claims, self.private, self.algorithm, headers={"kid": self.kid, **headers})


RSA_KEY, EC_KEY = SigningKey("first", "RS256"), SigningKey("second", "ES256")


class Issuer(ThreadingHTTPServer):
    """Signs `person` in without asking; `sign`, `changed`, `described` and `answer` make it lie."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.redirect_uris = {"http://testserver/login/oidc/corp/callback"}
        self.keys, self.key = [RSA_KEY, EC_KEY], RSA_KEY
        self.person: Claims = dict(ANN_THERE)
        self.changed: Claims = {}  # of the id_token; None leaves a claim out
        self.described: Claims = {}  # likewise, of the discovery document
        self.answer: dict[str, str] = {}  # of the redirect back
        self.sign: Callable[[Claims], str] = self.sign_well
        self.padding = ""  # in the answer with the keys
        self.trickles, self.left = False, Event()
        self.asked: list[str] = []  # paths
        self.authorized: list[dict[str, str]] = []  # what browsers brought
        self._codes: dict[str, dict[str, str]] = {}

    @classmethod
    @contextmanager
    def listening(cls) -> Iterator[Issuer]:
        server = cls()
        thread = Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.left.set()
            server.shutdown()
            server.server_close()
            thread.join()

    def provider(self, **fields: object) -> IdentityProvider:
        """How an operator names this issuer."""
        usual = {"slug": "corp", "name": "Corp", "client_id": CLIENT, "client_secret": SECRET}
        return IdentityProvider(issuer=self.url, **{**usual, **fields})

    def discovery(self) -> Claims:
        usual = {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/jwks",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256", "ES256"],
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": True,
        }
        return {name: value for name, value in {**usual, **self.described}.items() if value is not None}

    def authorize(self, asked: dict[str, str]) -> str:
        """Returns where the browser goes from here."""
        self.authorized.append(asked)
        assert asked["client_id"] == CLIENT
        assert asked["redirect_uri"] in self.redirect_uris
        assert (asked["response_type"], asked["code_challenge_method"]) == ("code", "S256")
        assert "openid" in asked["scope"].split()
        code = secrets.token_urlsafe(16)
        self._codes[code] = asked
        brought = {"code": code, "state": asked["state"], "iss": self.url, **self.answer}
        return f"{asked['redirect_uri']}?{urlencode({name: value for name, value in brought.items() if value})}"

    def redeem(self, form: dict[str, str], authorization: str) -> tuple[int, Claims]:
        """Returns the answer of the token endpoint."""
        scheme, _space, pair = authorization.partition(" ")
        name, _colon, secret = base64.b64decode(pair).decode().partition(":")
        if (scheme, unquote(name), unquote(secret)) != ("Basic", CLIENT, SECRET):
            return 401, {"error": "invalid_client"}
        asked = self._codes.pop(form["code"], None)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(form["code_verifier"].encode()).digest()).rstrip(b"=")
        if asked is None or challenge.decode() != asked["code_challenge"]:
            return 400, {"error": "invalid_grant"}
        if form["grant_type"] != "authorization_code" or form["redirect_uri"] != asked["redirect_uri"]:
            return 400, {"error": "invalid_grant"}
        access_token = secrets.token_urlsafe(16)
        half = base64.urlsafe_b64encode(hashlib.sha256(access_token.encode()).digest()[:16]).rstrip(b"=").decode()
        told = self.claims(aud=CLIENT, nonce=asked["nonce"], auth_time=int(time.time()), at_hash=half)
        return 200, {"access_token": access_token, "token_type": "Bearer", "id_token": self.sign(told)}

    def job_token(self, audience: str, **more: object) -> str:
        """What a CI system says about one of its jobs, once."""
        about = {"sub": "repo:octo/model:environment:release", "repository": "octo/model", "environment": "release"}
        self.person = about
        return self.sign(self.claims(aud=audience, jti=secrets.token_hex(8), **more))

    def sign_well(self, claims: Claims) -> str:
        return self.key.sign(claims)

    def claims(self, **more: object) -> Claims:
        """What an id_token of this moment says about `person`."""
        now = int(time.time())
        told = {"iss": self.url, "iat": now, "exp": now + 300, **self.person, **more, **self.changed}
        return {name: value for name, value in told.items() if value is not None}


class _Handler(BaseHTTPRequestHandler):
    server: Issuer

    def do_GET(self) -> None:
        path, query = urlsplit(self.path).path, dict(parse_qsl(urlsplit(self.path).query))
        self.server.asked.append(path)
        if path == "/authorize":
            self._send(302, {}, {"Location": self.server.authorize(query)})
        elif path == "/job":  # what a runner of GitHub asks for; it names this address in its environment
            assert self.headers["Authorization"] == f"Bearer {SECRET}"
            self._send(200, {"value": self.server.job_token(query["audience"])})
        elif path == "/jwks":
            keys = [key.jwk for key in self.server.keys]
            self._send(200, {"keys": keys, "padding": self.server.padding})
        elif path == "/.well-known/openid-configuration":
            self._send(200, self.server.discovery())
        else:
            self._send(404, {})

    def do_POST(self) -> None:
        self.server.asked.append(self.path)
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        form = {name: values[0] for name, values in parse_qs(body).items()}
        self._send(*self.server.redeem(form, self.headers.get("Authorization", "")))

    def _send(self, status: int, told: Claims, headers: dict[str, str] | None = None) -> None:
        body = json.dumps(told).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        if self.server.trickles:
            self._trickle()
            return
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _trickle(self) -> None:
        """Never silent for long, and never done."""
        self.end_headers()
        self.close_connection = True
        try:
            while not self.server.left.wait(0.1):
                self.wfile.write(b" ")
        except OSError:
            self.server.left.set()

    def log_message(self, *_args: object) -> None:
        """Quiet."""
