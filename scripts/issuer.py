"""An OIDC issuer on loopback: discovery, keys, and tokens with any claims.

Whatever a guide's own issuer is called, this one stands for it: with the same path, and with or
without a slash at the end of its name.
"""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa

TOKEN_SECONDS = 600
CONFIGURATION = "/.well-known/openid-configuration"
KEYS = "/jwks"


class Issuer:
    """Use as a context manager. `slash` is what the issuer's name ends with: "" or "/"."""

    def __init__(self, slash=""):
        self.keys, self.fetched = [], []
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_):
                pass

            def do_GET(self):
                issuer.fetched.append(self.path)
                document = issuer.document(self.path)
                body = json.dumps(document or {"error": "not found"}).encode()
                self.send_response(404 if document is None else 200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.http.server_port}"
        self.name = self.address + slash
        self.rotate()

    def __enter__(self):
        threading.Thread(target=self.http.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.http.shutdown()
        self.http.server_close()

    def rotate(self, algorithm="RS256"):
        """Makes a key that signs from now on; the ones before are gone."""
        self.keys = [Key(f"key-{time.monotonic_ns()}", algorithm)]

    def document(self, path):
        if path == CONFIGURATION:
            return {
                "issuer": self.name,
                "jwks_uri": self.address + KEYS,
                "authorization_endpoint": f"{self.address}/authorize",
                "response_types_supported": ["id_token"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["RS256", "ES256"],
            }
        if path == KEYS:
            return {"keys": [key.public() for key in self.keys]}
        return None

    def token(self, claims, key=None):
        """A token with these claims; `iss` and the times are filled in, `None` leaves a claim out."""
        now = int(time.time())
        times = {"iss": self.name, "iat": now, "exp": now + TOKEN_SECONDS}
        claims = {name: value for name, value in (times | claims).items() if value is not None}
        return (key or self.keys[0]).sign(claims)


class Key:
    """A signing key with its id."""

    def __init__(self, kid, algorithm="RS256"):
        self.kid, self.algorithm = kid, algorithm
        if algorithm == "RS256":
            self.private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        else:
            self.private = ec.generate_private_key(ec.SECP256R1())

    def public(self):
        return self.document(self.private.public_key())

    def secret(self):
        return self.document(self.private)

    def document(self, key):
        algorithms = jwt.algorithms
        kind = algorithms.RSAAlgorithm if self.algorithm == "RS256" else algorithms.ECAlgorithm
        document = json.loads(kind.to_jwk(key))
        document.pop("key_ops", None)
        return document | {"kid": self.kid, "use": "sig", "alg": self.algorithm}

    def sign(self, claims):
        # Not through `jwt.encode`, which refuses claims that a server must refuse too.
        signer = jwt.PyJWS()
        payload = json.dumps(claims).encode()
        return signer.encode(payload, self.private, self.algorithm, {"kid": self.kid, "typ": "JWT"})
