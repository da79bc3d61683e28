"""A Kubernetes API server on loopback, over TLS with a certificate authority of its own.

It serves what a login with a service account needs: `TokenReview` as the Kubernetes API documents
it (the audiences asked for are intersected with the token's; who asks needs the right to), and the
labels of namespaces.
"""

import json
import os
import shutil
import ssl
import tempfile
import threading
import time
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from fileserver import write_certificates
from issuer import Key

REVIEWS = "/apis/authentication.k8s.io/v1/tokenreviews"
NAMESPACES = "/api/v1/namespaces/"
API_AUDIENCE = "https://kubernetes.default.svc"
TOKEN_SECONDS = 600


class Cluster:
    """Use as a context manager. `reviews` holds the `spec` of every review that was asked for."""

    def __init__(self):
        self.home = tempfile.mkdtemp(prefix="cluster-")
        write_certificates(self.home)
        with open(os.path.join(self.home, "authority.pem")) as file:
            self.authority = file.read()
        self.key = Key("cluster", "ES256")
        self.tokens, self.delegators, self.labels, self.reviews = {}, {"reviewer"}, {}, []
        cluster = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_):
                pass

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                self.answer(*cluster.post(self.path, self.bearer(), json.loads(body)))

            def do_GET(self):
                self.answer(*cluster.get(self.path, self.bearer()))

            def bearer(self):
                return self.headers.get("Authorization", "").removeprefix("Bearer ")

            def answer(self, status, document):
                body = json.dumps(document).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        files = [os.path.join(self.home, name) for name in ("server.pem", "server.key")]
        tls.load_cert_chain(*files)
        self.http.socket = tls.wrap_socket(self.http.socket, server_side=True)
        self.address = f"https://127.0.0.1:{self.http.server_port}"

    def __enter__(self):
        threading.Thread(target=self.http.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.http.shutdown()
        self.http.server_close()
        shutil.rmtree(self.home, ignore_errors=True)

    def config(self, **changes):
        """What the auth method is configured with."""
        return {
            "kubernetes_host": self.address,
            "kubernetes_ca_cert": self.authority,
            "token_reviewer_jwt": "reviewer",
            "disable_local_ca_jwt": True,
        } | changes

    def token(self, namespace, name, audience=API_AUDIENCE):
        """The token that a kubelet projects into a pod of the account."""
        now = int(time.time())
        uid = str(uuid.uuid5(uuid.NAMESPACE_DNS, f"{name}.{namespace}"))
        username = f"system:serviceaccount:{namespace}:{name}"
        token = self.key.sign(
            {
                "aud": [audience],
                "exp": now + TOKEN_SECONDS,
                "iat": now,
                "nbf": now,
                "iss": f"{API_AUDIENCE}.cluster.local",
                "jti": str(uuid.uuid4()),
                "kubernetes.io": {
                    "namespace": namespace,
                    "pod": {"name": f"{name}-0", "uid": str(uuid.uuid4())},
                    "serviceaccount": {"name": name, "uid": uid},
                },
                "sub": username,
            }
        )
        user = {"username": username, "uid": uid, "groups": ["system:serviceaccounts"]}
        self.tokens[token] = (user, [audience])
        return token

    def delete_pod(self, token):
        """From now on the token is good for nothing."""
        del self.tokens[token]

    def refusal(self, bearer):
        if bearer in self.delegators:
            return None
        code = 403 if bearer in self.tokens else 401
        return code, {"kind": "Status", "status": "Failure", "message": "refused", "code": code}

    def post(self, path, bearer, body):
        refusal = self.refusal(bearer)
        if refusal:
            return refusal
        if path != REVIEWS:
            return 404, {"kind": "Status", "code": 404}
        self.reviews.append(body["spec"])
        return 201, {"kind": "TokenReview", "spec": body["spec"], "status": self.review(body["spec"])}

    def review(self, spec):
        if spec["token"] not in self.tokens:
            return {"user": {}, "error": "[invalid bearer token, token lookup failed]"}
        user, own = self.tokens[spec["token"]]
        asked = spec.get("audiences") or [API_AUDIENCE]
        common = [audience for audience in asked if audience in own]
        if not common:
            error = f"[token audiences {own} is invalid for the target audiences {asked}]"
            return {"user": {}, "error": error}
        return {"authenticated": True, "user": user, "audiences": common}

    def get(self, path, bearer):
        refusal = self.refusal(bearer)
        if refusal:
            return refusal
        name = path.removeprefix(NAMESPACES)
        if not path.startswith(NAMESPACES) or name not in self.labels:
            return 404, {"kind": "Status", "code": 404}
        metadata = {"name": name, "labels": self.labels[name]}
        return 200, {"kind": "Namespace", "metadata": metadata}
