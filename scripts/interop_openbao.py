"""OpenBao's `auth/jwt` accepts our identity tokens, knowing nothing but our issuer's URL.

For each signing algorithm: a key and a role on our server, a workload with an entity, its token
presented at OpenBao. The token must log in there; with one character changed it must not.
"""

import argparse
import sys

import jwt

import checks
from devserver import DevServer, Refused, Workload, openbao, tampered

ALGORITHMS = ["RS256", "ES256", "ES384", "ES512", "EdDSA"]
LIMIT_SECONDS = 180
TOKEN_POLICY = 'path "identity/oidc/token/*" { capabilities = ["read"] }'


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--binary", required=True, help="our server")
    arguments = parser.parse_args()
    return checks.play("interop_openbao", LIMIT_SECONDS, lambda r: interop(r, arguments.binary))


def interop(report, binary):
    with DevServer(binary) as ours, DevServer(openbao()) as theirs:
        ours.write("sys/policies/acl/identity-token", {"policy": TOKEN_POLICY})
        workload = Workload(ours, "workload", ["identity-token"])
        token = workload.login()
        theirs.write("sys/auth/jwt", {"type": "jwt"})
        theirs.write("auth/jwt/config", {"oidc_discovery_url": ours.issuer})
        for algorithm in ALGORITHMS:
            log_in(report, ours, theirs, workload, token, algorithm)


def log_in(report, ours, theirs, workload, token, algorithm):
    name = algorithm.lower()
    key = {"algorithm": algorithm, "allowed_client_ids": ["*"]}
    ours.write(f"identity/oidc/key/{name}", key)
    ours.write(f"identity/oidc/role/{name}", {"key": name, "ttl": "10m"})
    issued = ours.read(f"identity/oidc/token/{name}", token=token)
    report.equal(
        f"{algorithm} is the algorithm in the token's header",
        jwt.get_unverified_header(issued["token"])["alg"],
        algorithm,
    )
    role = {
        "role_type": "jwt",
        "user_claim": "sub",
        "bound_audiences": [issued["client_id"]],
        "token_policies": ["default"],
    }
    theirs.write(f"auth/jwt/role/{name}", role)
    credentials = {"role": name, "jwt": issued["token"]}
    try:
        auth = theirs.write("auth/jwt/login", credentials, token=None)["auth"]
        entity = theirs.read(f"identity/entity/id/{auth['entity_id']}")
        alias = entity["aliases"][0]["name"]
        report.equal(
            f"{algorithm} token logs in at OpenBao as its subject", alias, workload.entity_id
        )
    except Refused as error:
        report.check(f"{algorithm} token logs in at OpenBao as its subject", False, error)
    try:
        theirs.write("auth/jwt/login", {"role": name, "jwt": tampered(issued["token"])}, token=None)
        report.check(f"{algorithm} token with a changed character is refused", False, "accepted")
    except Refused as error:
        report.equal(f"{algorithm} token with a changed character is refused", error.status, 400)


if __name__ == "__main__":
    sys.exit(main())
