"""A private issuer is published by `vouchsafe sync`, and verified by who knows its public name alone.

The worker runs once, as a pipeline would run it; then a key is rotated and it runs again. What is
published is exported to files, checked by `publish check`, and read by PyJWT. A service account's
token that is not for the service publishes nothing. The manifests in contrib/ are parsed, and what
they name is compared with what the program has.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile

import jwt
import requests
import yaml

import checks
from devserver import ROOT_TOKEN, DevServer
from issuer import Issuer

LIMIT_SECONDS = 120
WORKER_SECONDS = 30
CONTRIB = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "contrib")
AUDIENCE = "https://verifier.example"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--binary", required=True, help="our server")
    arguments = parser.parse_args()
    return checks.play("interop_sync", LIMIT_SECONDS, lambda r: everything(r, arguments.binary))


def everything(report, binary):
    manifests(report, binary)
    with DevServer(binary) as server, Issuer() as source:
        publish(report, Program(binary, server), server, source)


class Program:
    """Our command line, with a server's address."""

    def __init__(self, binary, server):
        self.binary, self.server = os.path.abspath(binary), server

    def run(self, *words, stdin="", **environment):
        environment = {
            "HOME": self.server.home,
            "PATH": os.environ["PATH"],
            "VOUCHSAFE_ADDR": self.server.address,
            "VOUCHSAFE_TOKEN": ROOT_TOKEN,
        } | environment
        return subprocess.run(
            [self.binary, *words],
            input=stdin,
            capture_output=True,
            text=True,
            timeout=WORKER_SECONDS,
            env=environment,
            cwd=self.server.home,
        )


def publish(report, program, server, source):
    api = f"{server.address}/api"
    root = {"Authorization": f"Bearer {ROOT_TOKEN}"}
    # Published by path on the server itself, since there is no DNS here.
    public = f"{server.address}/public/shop"
    service = {"name": "Shop", "subdomain": "shop", "issuer": public}
    answer = requests.post(f"{api}/services", json=service, headers=root, timeout=10)
    report.check("a service is registered", answer.ok, answer.text)

    def account(services):
        body = {
            "name": "-".join(services),
            "policy": {"kind": "static", "services": services},
        }
        answer = requests.post(f"{api}/service-accounts", json=body, headers=root, timeout=10)
        report.check(f"a service account for {services} is made", answer.ok, answer.text)
        return answer.json()["token"]

    def sync(token):
        return program.run(
            "sync",
            CI="true",
            OIDC_SOURCE_URL=source.address,
            OIDCPUB_SERVICE_ID="shop",
            OIDCPUB_URL=api,
            OIDCPUB_API_KEY=token,
        )

    source.name = public
    token = account(["shop"])
    done = sync(account(["other"]))
    report.check("another service's account is refused", done.returncode == 2, done)
    done = sync(token)
    report.check("the worker publishes", done.returncode == 0, done)
    report.check("and says which key", source.keys[0].kid in done.stderr, done)
    report.check("and never its token", token not in done.stderr + done.stdout)

    report.check("a verifier takes a token", verifies(public, source.token({"aud": AUDIENCE})))
    source.rotate("ES256")
    done = sync(token)
    report.check("the worker publishes a rotated key", done.returncode == 0, done)
    report.check("a verifier takes its token", verifies(public, source.token({"aud": AUDIENCE})))

    export(report, program, public)
    check(report, program, public, source)


def verifies(issuer, token):
    """As a verifier that knows nothing but the issuer."""
    discovery = requests.get(f"{issuer}/.well-known/openid-configuration", timeout=10).json()
    keys = jwt.PyJWKClient(discovery["jwks_uri"])
    key = keys.get_signing_key_from_jwt(token)
    algorithms = ["RS256", "ES256"]
    claims = jwt.decode(token, key, algorithms, audience=AUDIENCE, issuer=discovery["issuer"])
    return claims["iss"] == issuer


def export(report, program, public):
    with tempfile.TemporaryDirectory() as folder:
        done = program.run("publish", "export", "-service=shop", folder)
        report.check("the documents are exported", done.returncode == 0, done)
        for name in ["openid-configuration", "jwks.json"]:
            with open(os.path.join(folder, ".well-known", name)) as file:
                exported = json.load(file)
            served = requests.get(f"{public}/.well-known/{name}", timeout=10).json()
            report.equal(f"the file {name} is what is served", exported, served)


def check(report, program, public, source):
    token = source.token({"aud": AUDIENCE})
    words = ["publish", "check", "-format=json", "-token=-", public]
    done = program.run(*words, stdin=token)
    found = json.loads(done.stdout)
    codes = {finding["code"] for finding in found["findings"]}
    # On loopback there is no https and a port; nothing else is to be found.
    allowed = {"issuer_not_https", "issuer_has_port", "issuer_has_path", "jwks_uri_not_https"}
    report.check("nothing but http and port is objected to", codes <= allowed, codes)
    report.check("the token is verified", found["token"]["verified"], found)
    other = source.token({"aud": AUDIENCE, "iss": f"{public}/"})
    done = program.run(*words, stdin=other)
    codes = {finding["code"] for finding in json.loads(done.stdout)["findings"]}
    report.check("another `iss` by one byte is told", "token_issuer_differs" in codes, codes)


def manifests(report, binary):
    helped = subprocess.run([binary, "sync", "-help"], capture_output=True, text=True, check=True)
    paths = ["kubernetes/sync.yaml", "ci/gitlab.yml", "ci/github.yml"]
    texts = {}
    for path in paths:
        with open(os.path.join(CONTRIB, path)) as file:
            texts[path] = file.read()
        documents = list(yaml.safe_load_all(texts[path]))
        report.check(f"{path} parses", all(isinstance(d, dict) for d in documents))
    objects = {o["kind"]: o for o in yaml.safe_load_all(texts[paths[0]])}
    role = objects["ClusterRoleBinding"]["roleRef"]["name"]
    report.equal("the worker's role", role, "system:service-account-issuer-discovery")
    pod = objects["Deployment"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    flags = [word.split("=")[0] for word in container["args"] if word.startswith("-")]
    flags += ["-once", "-token-path"]
    names = [variable["name"] for variable in container["env"]]
    for name in flags + names:
        report.check(f"the program has {name}", name in helped.stdout, helped.stdout)
    mounted = container["volumeMounts"][0]["mountPath"] + "/token"
    path = next(v["value"] for v in container["env"] if v["name"] == "OIDCPUB_OIDC_TOKEN_PATH")
    report.equal("the projected token is where the worker looks", path, mounted)


if __name__ == "__main__":
    sys.exit(main())
