"""Tokens of other people's issuers, known by nothing but their URL, log in here.

OpenBao's identity engine mints one, and so does npm's `oidc-provider`, a certified OpenID provider
(skipped where Node.js or the package can't be had). The provider then rotates its key, so that the old
one is gone: the new one is found by one fetch, and what was signed with the old one is refused.
"""

import argparse
import sys
import tempfile
import time

import hvac
import hvac.exceptions

import checks
import provider
from devserver import DevServer, Workload, openbao, tampered
from provider import AUDIENCE

LIMIT_SECONDS = 240
COOL_DOWN_SECONDS = 2
TOKEN_POLICY = 'path "identity/oidc/token/*" { capabilities = ["read"] }'


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--binary", required=True, help="our server")
    arguments = parser.parse_args()
    return checks.play("interop_issuers", LIMIT_SECONDS, lambda r: interop(r, arguments.binary))


def interop(report, binary):
    with DevServer(binary) as ours, DevServer(openbao()) as theirs:
        of_openbao(report, ours, theirs)
    with tempfile.TemporaryDirectory(prefix="issuer-node-") as folder:
        why_not = provider.install(folder)
        if why_not:
            report.skip("oidc-provider", why_not)
            return
        with DevServer(binary) as ours, provider.Provider(folder) as theirs:
            of_oidc_provider(report, ours, theirs)


def trust(server, mount, issuer, audience, subject):
    server.write(f"sys/auth/{mount}", {"type": "jwt"})
    config = {
        "oidc_discovery_url": issuer,
        "bound_issuer": issuer,
        # How long an unknown key is worth no other fetch; short, since there are two rotations.
        "keys_cool_down": f"{COOL_DOWN_SECONDS}s",
    }
    server.write(f"auth/{mount}/config", config)
    role = {
        "role_type": "jwt",
        "user_claim": "sub",
        "bound_audiences": [audience],
        "bound_subject": subject,
        "token_policies": ["app"],
    }
    server.write(f"auth/{mount}/role/app", role)


def log_in(server, mount, token):
    """Through hvac, as an application does."""
    client = hvac.Client(url=server.address, token="")
    return client.auth.jwt.jwt_login(role="app", jwt=token, path=mount)["auth"]


def refused(report, name, server, mount, token):
    try:
        log_in(server, mount, token)
        report.check(f"{name} is refused", False, "it logged in")
    except hvac.exceptions.InvalidRequest as error:
        report.check(f"{name} is refused", True, error)


def of_openbao(report, ours, theirs):
    theirs.write("sys/policies/acl/identity-token", {"policy": TOKEN_POLICY})
    workload = Workload(theirs, "workload", ["identity-token"])
    token = workload.login()
    for algorithm in ["RS256", "ES256", "ES384", "ES512", "EdDSA"]:
        name = algorithm.lower()
        key = {"algorithm": algorithm, "allowed_client_ids": ["*"]}
        theirs.write(f"identity/oidc/key/{name}", key)
        theirs.write(f"identity/oidc/role/{name}", {"key": name, "ttl": "10m"})
        issued = theirs.read(f"identity/oidc/token/{name}", token=token)
        trust(ours, name, theirs.issuer, issued["client_id"], workload.entity_id)
        auth = log_in(ours, name, issued["token"])
        found = ours.read(f"identity/entity/id/{auth['entity_id']}")["aliases"][0]["name"]
        what = f"OpenBao's {algorithm} token logs in as its entity"
        report.equal(what, found, workload.entity_id)
        changed = tampered(issued["token"])
        refused(report, f"OpenBao's {algorithm} token, changed,", ours, name, changed)


def of_oidc_provider(report, ours, theirs):
    issuer = theirs.serve("one", "RS256")
    trust(ours, "provider", issuer, AUDIENCE, "workload")
    old = theirs.token()
    auth = log_in(ours, "provider", old)
    report.equal("oidc-provider's access token logs in", auth["policies"], ["app", "default"])
    refused(report, "one for another audience", ours, "provider", theirs.token("https://other"))
    known = theirs.fetched()
    for _ in range(20):
        log_in(ours, "provider", theirs.token())
    report.equal("20 logins with a known key fetch nothing", theirs.fetched(), known)
    for algorithm in ["RS256", "ES256"]:
        before = theirs.fetched()
        old = theirs.token()
        theirs.serve(f"next-{algorithm}", algorithm)
        log_in(ours, "provider", theirs.token())
        count = theirs.fetched() - before
        what = f"after a rotation to {algorithm} the new key is found, by fetches of keys: {count}"
        report.equal(what, count, 1)
        refused(report, "a token of the key that is gone", ours, "provider", old)
        report.equal("which fetches nothing", theirs.fetched() - before, 1)
        time.sleep(COOL_DOWN_SECONDS)


if __name__ == "__main__":
    sys.exit(main())
