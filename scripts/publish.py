"""Private issuers are published, and OpenBao takes their tokens knowing the public name alone.

A Kubernetes-shaped issuer, a GitLab-shaped one, OpenBao's identity engine and our own; each by path and
by host (`NAME-prod.localhost`, which OpenBao reaches through the listener as its proxy); each by push with a service
account's token, by pull, and by `vouchsafe sync --once`; our own also as it is (`mount=identity/oidc`).
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import requests

import checks
from devserver import DevServer, REQUEST_SECONDS, Workload, free_port, openbao
from issuer import Key

LIMIT_SECONDS = 600
READY_SECONDS = 20
# A source is asked when the server next looks, which it does every 15 seconds.
PULL_SECONDS = 40
TOKEN_SECONDS = 600
AUDIENCE = "vault"
METADATA = "/.well-known/openid-configuration"
KEYS = "/.well-known/jwks.json"
TOKEN_POLICY = 'path "identity/oidc/token/*" { capabilities = ["read"] }'


class Publisher(DevServer):
    """Our server with two listeners: the API, and one for published documents only."""

    def __init__(self, binary):
        super().__init__(binary)
        self.port = free_port()

    def __enter__(self):
        api = self.address.removeprefix("http://")
        listeners = [
            f'listener "tcp" {{\naddress = "{api}"\ntls_disable = true\n}}',
            f'listener "tcp" {{\naddress = "127.0.0.1:{self.port}"\ntls_disable = true\n'
            'purpose = "publish"\n}',
        ]
        root = f'api_addr = "{self.address}"\ndisable_mlock = true\nstorage "inmem" {{}}'
        path = os.path.join(self.home, "server.hcl")
        with open(path, "w") as file:
            file.write("\n".join([root, *listeners]))
        with open(self.log, "w") as log:
            self.process = subprocess.Popen(
                [self.binary, "server", f"-config={path}"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        try:
            self.open()
        except BaseException:
            self.__exit__()
            raise
        return self

    def open(self):
        deadline = time.monotonic() + READY_SECONDS
        while True:
            try:
                shares = {"secret_shares": 1, "secret_threshold": 1}
                made = self.call("PUT", "sys/init", shares, token=None)
                break
            except requests.RequestException:
                if time.monotonic() > deadline or self.process.poll() is not None:
                    with open(self.log) as log:
                        raise SystemExit(f"error: the server did not start:\n{log.read()[-2000:]}")
                time.sleep(0.05)
        self.call("PUT", "sys/unseal", {"key": made["keys"][0]}, token=None)
        self.root = made["root_token"]

    def call(self, method, path, body=None, token="root"):
        return super().call(method, path, body, self.root if token == "root" else token)

    def served(self, issuer, path=KEYS):
        """What the world gets: the host is a header, so that no resolver is needed."""
        host, _, below = issuer.removeprefix("http://").partition("/")
        below = f"/{below}" if below else ""
        return requests.get(
            f"http://127.0.0.1:{self.port}{below}{path}",
            headers={"Host": host},
            timeout=REQUEST_SECONDS,
        )


class RelyingParty(DevServer):
    """An OpenBao for which the publish listener is the internet: names resolve to nothing else."""

    def __init__(self, binary, port):
        super().__init__(binary)
        self.way_out = {"HTTP_PROXY": f"http://127.0.0.1:{port}", "NO_PROXY": "127.0.0.1"}

    def __enter__(self):
        before = {name: os.environ.get(name) for name in self.way_out}
        os.environ.update(self.way_out)
        try:
            return super().__enter__()
        finally:
            for name, value in before.items():
                os.environ.pop(name)
                if value is not None:
                    os.environ[name] = value


class Shaped:
    """A private issuer over HTTP whose keys are where its product has them. Use as a context manager."""

    def __init__(self, keys_path):
        self.key, self.keys_path, self.public = Key("private-1"), keys_path, None
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_):
                pass

            def do_GET(self):
                documents = {METADATA: issuer.metadata, issuer.keys_path: issuer.keys}
                make = documents.get(self.path)
                body = json.dumps(make() if make else {}).encode()
                self.send_response(200 if make else 404)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.http.server_port}"
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.http.shutdown()
        self.http.server_close()

    def metadata(self):
        # Told its new name, an issuer takes the host for its own, where its keys are as well.
        host = "/".join(self.public.split("/")[:3])
        return {
            "issuer": self.public,
            "jwks_uri": f"{host}{self.keys_path}",
            "token_endpoint": f"{self.address}/token",
            "response_types_supported": ["id_token"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
        }

    def keys(self):
        return {"keys": [self.key.public()]}

    def name(self, base):
        self.public = base
        return base

    def documents(self):
        return self.metadata(), self.keys()

    def token(self):
        now = int(time.time())
        claims = {"iss": self.public, "aud": AUDIENCE, "sub": self.subject, "iat": now}
        return self.key.sign(claims | {"nbf": now, "exp": now + TOKEN_SECONDS})


class Kubernetes(Shaped):
    kind, subject = "k8s", "system:serviceaccount:default:app"

    def __init__(self):
        super().__init__("/openid/v1/jwks")


class GitLab(Shaped):
    kind, subject = "gitlab", "project_path:group/app:ref_type:branch:ref:main"

    def __init__(self):
        super().__init__("/oauth/discovery/keys")


class Engine:
    """The identity engine of a server that speaks Vault's API."""

    def __init__(self, kind, server):
        self.kind, self.server = kind, server
        self.address = server.issuer
        server.write("sys/policies/acl/identity-token", {"policy": TOKEN_POLICY})
        self.workload = Workload(server, "workload", ["identity-token"])
        self.subject = self.workload.entity_id
        server.write("identity/oidc/key/k", {"algorithm": "ES256", "allowed_client_ids": ["*"]})
        role = {"key": "k", "ttl": "10m", "client_id": AUDIENCE}
        server.write("identity/oidc/role/workload", role)

    def name(self, base):
        self.server.write("identity/oidc/config", {"issuer": base})
        self.public = f"{base}/v1/identity/oidc"
        return self.public

    def documents(self):
        def get(path):
            return requests.get(f"{self.address}/.well-known/{path}", timeout=REQUEST_SECONDS).json()

        return get("openid-configuration"), get("keys")

    def token(self):
        return self.server.read("identity/oidc/token/workload", token=self.workload.login())["token"]


def push(publisher, issuer, service, key):
    metadata, keys = issuer.documents()
    answer = requests.put(
        f"{publisher.address}/api/services/{service}/config",
        headers={"Authorization": f"Bearer {key}"},
        json={"openidConfiguration": metadata, "jwks": keys},
        timeout=REQUEST_SECONDS,
    )
    assert answer.status_code == 200, answer.text


def pull(publisher, issuer, service, _key):
    publisher.write(f"publish/services/{service}/source", {"url": issuer.address})
    deadline = time.monotonic() + PULL_SECONDS
    while publisher.served(issuer.public).status_code != 200:
        assert time.monotonic() < deadline, publisher.read(f"publish/services/{service}/source")
        time.sleep(0.2)


def sync(publisher, issuer, service, key):
    settings = {
        "OIDC_SOURCE_URL": issuer.address,
        "OIDCPUB_SERVICE_ID": service,
        "OIDCPUB_API_KEY": key,
        "OIDCPUB_URL": f"{publisher.address}/api",
    }
    done = subprocess.run(
        [publisher.binary, "sync", "--once"],
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def own(publisher, _issuer, service, _key):
    publisher.write(f"publish/services/{service}/source", {"mount": "identity/oidc"})


def log_in(relying, mount, issuer):
    """All that the relying party is told is the public name."""
    relying.write(f"sys/auth/{mount}", {"type": "jwt"})
    config = {"oidc_discovery_url": issuer.public, "bound_issuer": issuer.public}
    relying.write(f"auth/{mount}/config", config)
    role = {
        "role_type": "jwt",
        "user_claim": "sub",
        "bound_audiences": [AUDIENCE],
        "bound_subject": issuer.subject,
        "policies": "app",
    }
    relying.write(f"auth/{mount}/role/app", role)
    login = {"role": "app", "jwt": issuer.token()}
    return relying.write(f"auth/{mount}/login", login, token=None)["auth"]["policies"]


def case(report, publisher, relying, issuer, way, place):
    name = f"{issuer.kind}-{way.__name__}-{'host' if 'localhost' in place else 'path'}"
    public = issuer.name(place)
    publisher.write("publish/services", {"subdomain": name, "issuer": public})
    policy = {"kind": "static", "services": [name]}
    account = {"name": name, "policy": policy}
    key = publisher.write("publish/service-accounts", account)["data"]["token"]
    try:
        way(publisher, issuer, name, key)
        served = publisher.served(public, METADATA).json()
        report.equal(f"{name}: the metadata names the public issuer", served["issuer"], public)
        report.check(f"{name}: and no endpoint", "token_endpoint" not in served, served)
        found = log_in(relying, name, issuer)
        report.equal(f"{name}: its token logs in at OpenBao", found, ["app", "default"])
    except Exception as error:
        report.check(f"{name}: plays to its end", False, error)
    finally:
        publisher.call("DELETE", f"publish/services/{name}")
    report.equal(f"{name}: deleted, it is gone", publisher.served(public).status_code, 404)


def interop(report, binary):
    with Publisher(binary) as publisher, DevServer(openbao()) as theirs:
        relying = RelyingParty(openbao(), publisher.port)
        with relying as rp, Kubernetes() as kubernetes, GitLab() as gitlab:
            engines = [Engine("openbao", theirs), Engine("own", publisher)]
            for issuer in [kubernetes, gitlab, *engines]:
                by_path = f"http://127.0.0.1:{publisher.port}"
                if isinstance(issuer, Shaped):
                    # An engine's issuer is scheme and host, to which it adds a path of its own.
                    by_path += f"/{issuer.kind}-prod"
                by_host = f"http://{issuer.kind}-prod.localhost:{publisher.port}"
                ways = [push, pull, sync] + ([own] if issuer.kind == "own" else [])
                for place in [by_path, by_host]:
                    for way in ways:
                        case(report, publisher, rp, issuer, way, place)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--binary", required=True, help="our server")
    arguments = parser.parse_args()
    return checks.play("publish", LIMIT_SECONDS, lambda r: interop(r, arguments.binary))


if __name__ == "__main__":
    sys.exit(main())
