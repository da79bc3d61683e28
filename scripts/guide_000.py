"""Guide 000, "How to Create Vault Identity Tokens": every block as printed, each result checked.

The guide leaves to its reader what every reader has: an entity, groups and a login. This script
makes those through the API first and then plays the guide from top to bottom against a fresh
server. A block that no check covers is a failure, so that a changed guide is noticed.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys

import jwt
import requests

import checks
import guide
import interop_cloud
from cluster import Cluster
from devserver import ROOT_TOKEN, DevServer, Refused, Workload
from guide import Shell, expected_json, table
from sts import Sts, verify

GUIDE = "000-identity-tokens.txt"
LIMIT_SECONDS = 300
EXAMPLE_ADDRESS = "https://vault.example.com"
AUDIT_LOG = "/var/log/vault/audit.log"
METADATA = {"environment": "production", "service": "payment-api", "team": "platform"}
GROUPS = ["developers", "payment-team"]
# What the workload may do while the guide has not yet written its own policy.
SETUP_POLICY = 'path "identity/oidc/token/*" { capabilities = ["read"] }'


class Flow:
    """What the blocks share: the server, the shell, the workload and its token."""

    def __init__(self, report, server, shell):
        self.report, self.server, self.shell = report, server, shell
        server.write("sys/policies/acl/setup", {"policy": SETUP_POLICY})
        # Without metadata: setting it is the guide's own step 4.
        self.workload = Workload(server, "my-app-entity", ["setup"], groups=GROUPS)
        self.token = self.workload.login()

    def run(self, block, token=ROOT_TOKEN, text=None, environment=None):
        """Runs a shell block, checks that it succeeds, and returns what it printed."""
        status, out, err = self.shell.run(text or block.text, token, environment)
        name = f"line {block.line}: {block.heading}"
        self.report.check(name, status == 0, f"exit status {status}\n{out}{err}".strip())
        return out

    def wrote(self, block, path, text=None):
        """Runs a block that writes `path` as the administrator."""
        out = self.run(block, text=text)
        self.report.check(f"it wrote {path}", f"Data written to: {path}" in out, out)

    def issue(self, role, token=None):
        """A token of this role for the workload, with its claims verified as any client would."""
        issued = self.server.read(f"identity/oidc/token/{role}", token=token or self.token)
        claims = verify(issued["token"], self.server.issuer, issued["client_id"])
        return issued, claims

    def claims(self, role, expected):
        """The claims named in `expected` of a fresh token."""
        _, claims = self.issue(role)
        found = {name: claims.get(name) for name in expected}
        self.report.equal(
            f"claims of a token of role {role}", comparable(found), comparable(expected)
        )


def comparable(claims):
    """Group names carry no order."""
    return {name: sorted(v) if isinstance(v, list) else v for name, v in claims.items()}


def secrets_list(flow, block):
    rows = table(flow.run(block))
    flow.report.check("identity/ is listed", rows.get("identity/", "").startswith("identity"), rows)


def key(flow, block):
    flow.wrote(block, "identity/oidc/key/workload-key")
    found = flow.server.read("identity/oidc/key/workload-key")
    expected = {
        "algorithm": "RS256",
        "allowed_client_ids": ["*"],
        "rotation_period": 24 * 3600,
        "verification_ttl": 48 * 3600,
    }
    flow.report.equal("the key is as written", {name: found[name] for name in expected}, expected)


def template_role(flow, block):
    flow.wrote(block, "identity/oidc/role/workload-role")


def entity_metadata(flow, block):
    out = flow.run(block)
    entity = flow.workload.entity_id
    flow.report.check("the entity is shown by its name", f" {entity}" in out, out)
    found = flow.server.read(f"identity/entity/id/{entity}")["metadata"]
    flow.report.equal("the repeated metadata=... are all kept", found, METADATA)


def request_token(flow, block):
    rows = table(flow.run(block, token=flow.token))
    flow.report.check("the ttl is an hour", rows.get("ttl") in ("3600", "1h"), rows)
    flow.report.equal("the token is a JWT of three parts", rows.get("token", "").count("."), 2)


def request_token_api(flow, block):
    if missing(flow, block, "curl", "jq"):
        return
    found = json.loads(flow.run(block, token=flow.token))["data"]
    expected = expected_json(block.text)["data"]
    flow.report.equal("the answer has the members shown", sorted(found), sorted(expected))
    flow.report.equal("its ttl is the one shown", found["ttl"], expected["ttl"])


def decoded(flow, block):
    expected = json.loads(block.text)
    issued, claims = flow.issue("workload-role")
    flow.report.check(
        "every claim shown is in the token", expected.keys() <= claims.keys(), sorted(claims)
    )
    expected["iss"] = flow.server.issuer
    expected["aud"] = issued["client_id"]
    expected["sub"] = flow.workload.entity_id
    for time in ("exp", "iat"):
        expected.pop(time)
    found = {name: claims.get(name) for name in expected}
    flow.report.equal("the claims are the ones shown", comparable(found), comparable(expected))
    flow.report.equal("it lives for an hour", claims["exp"] - claims["iat"], 3600)
    flow.report.equal("it is signed with RS256", header(issued)["alg"], "RS256")


def header(issued):
    return jwt.get_unverified_header(issued["token"])


def discovery(flow, block):
    if missing(flow, block, "curl", "jq"):
        return
    found = json.loads(flow.run(block, token=""))
    for name, value in expected_json(block.text).items():
        if isinstance(value, str):
            value = value.replace(EXAMPLE_ADDRESS, flow.server.address)
        # An endpoint that does not exist is shown as an empty string or not at all.
        flow.report.equal(f"discovery: {name}", found.get(name, ""), value)


def jwks(flow, block):
    if missing(flow, block, "curl", "jq"):
        return
    keys = json.loads(flow.run(block, token=""))["keys"]
    shown = expected_json(block.text)["keys"][0]
    flow.report.check("keys are published", keys, keys)
    for published in keys:
        flow.report.equal("a key has the members shown", sorted(published), sorted(shown))
    issued, _ = flow.issue("workload-role")
    kids = [published["kid"] for published in keys]
    flow.report.check("the key that signs is published", header(issued)["kid"] in kids, kids)
    # The guide's diagram names this address for the same document.
    other = requests.get(f"{flow.server.issuer}/.well-known/jwks.json", timeout=10)
    flow.report.equal("jwks.json answers too", other.status_code, 200)
    if other.status_code == 200:
        same = sorted(key["kid"] for key in other.json()["keys"]) == sorted(kids)
        flow.report.check("jwks.json has the same keys", same, other.text)


def aws(flow, block):
    role = {"key": "workload-key", "ttl": "1h"}
    flow.server.write("identity/oidc/role/aws-role", role)
    client_id = flow.server.read("identity/oidc/role/aws-role")["client_id"]
    with Sts(flow.server.issuer, client_id) as sts:
        if shutil.which("aws"):
            cloud = {
                "AWS_ENDPOINT_URL_STS": sts.address,
                "AWS_REGION": "us-east-1",
                "AWS_EC2_METADATA_DISABLED": "true",
            }
            answer = json.loads(flow.run(block, token=flow.token, environment=cloud) or "{}")
        else:
            flow.report.skip("aws sts assume-role-with-web-identity", "no aws here; boto3 instead")
            ours = block.text.split("# Assume an AWS role")[0] + 'printf %s "$VAULT_JWT"'
            answer = interop_cloud.assume_role(sts, flow.run(block, token=flow.token, text=ours))
        subject = answer.get("SubjectFromWebIdentityToken")
        flow.report.equal("the role is assumed as the entity", subject, flow.workload.entity_id)


def gcp(flow, block):
    flow.report.skip(f"line {block.line}: {block.heading}", "gcloud configures Google's side")
    issued, _ = flow.issue("workload-role")
    with Sts(flow.server.issuer, issued["client_id"]) as sts:
        exchanged = interop_cloud.exchange(sts, issued["token"])
        flow.report.equal("google-auth exchanges the token", exchanged, "worthless")
        mapped = {name: sts.accepted[0].get(name) for name in ("sub", "service")}
        expected = {"sub": flow.workload.entity_id, "service": "payment-api"}
        flow.report.equal("the attribute mapping finds its claims", mapped, expected)


def python(flow, block):
    issued, _ = flow.issue("workload-role")
    program = block.text
    for shown, real in [
        ('token = "eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9..."', f'token = "{issued["token"]}"'),
        (f'vault_addr="{EXAMPLE_ADDRESS}"', f'vault_addr="{flow.server.address}"'),
        ('expected_audience="abc123..."', f'expected_audience="{issued["client_id"]}"'),
    ]:
        flow.report.check(f"the block says {shown[:20]}...", shown in program, program)
        program = program.replace(shown, real)
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60
    )
    expected = "Service: payment-api\nEnvironment: production\n"
    flow.report.equal(
        f"line {block.line}: the Python block accepts our token", done.stdout, expected
    )
    wrong = program.replace(issued["client_id"], "another-audience")
    done = subprocess.run([sys.executable, "-c", wrong], capture_output=True, text=True, timeout=60)
    refused = "InvalidAudienceError" in done.stderr
    flow.report.check("the Python block refuses another audience", refused, done.stderr)


def go(flow, block):
    flow.report.skip(f"line {block.line}: {block.heading} (Go)", "its modules are not at hand")


def policy_file(flow, block):
    with open(os.path.join(flow.shell.folder, "policy.hcl"), "w") as file:
        file.write(block.text)


def policy(flow, block):
    ours, theirs = block.text.split("# Attach to an auth method")
    out = flow.run(block, text=ours)
    flow.report.check("the policy is uploaded", "Uploaded policy: workload-identity" in out, out)
    guarded = Workload(flow.server, "guarded-app", ["workload-identity"])
    token = guarded.login()
    own, other = guarded.entity_id, flow.workload.entity_id
    for path, allowed in [
        ("identity/oidc/token/workload-role", True),
        (f"identity/entity/id/{own}", True),
        ("auth/token/lookup-self", True),
        ("identity/oidc/token/aws-role", False),
        (f"identity/entity/id/{other}", False),
        ("identity/oidc/key/workload-key", False),
    ]:
        try:
            flow.server.read(path, token=token)
            status = 200
        except Refused as error:
            status = error.status
        what = path.replace(own, "<own id>").replace(other, "<other id>")
        flow.report.equal(f"the policy on {what}", status, 200 if allowed else 403)
    with Cluster() as cluster:
        attach(flow, block, theirs, cluster)


def attach(flow, block, text, cluster):
    """A pod logs in with the role of the guide and gets an identity token."""
    flow.server.write("sys/auth/kubernetes", {"type": "kubernetes"})
    flow.server.write("auth/kubernetes/config", cluster.config())
    flow.run(block, text=f"#{text}")
    role = flow.server.read("auth/kubernetes/role/my-app")
    bound = role["bound_service_account_namespaces"]
    flow.report.equal("the role is as written", bound, ["production"])
    jwt = cluster.token("production", "my-app")
    login = {"role": "my-app", "jwt": jwt}
    auth = flow.server.write("auth/kubernetes/login", login, token=None)["auth"]
    found = (auth["policies"], auth["lease_duration"])
    flow.report.equal("a pod logs in", found, (["default", "workload-identity"], 3600))
    _, claims = flow.issue("workload-role", token=auth["client_token"])
    flow.report.equal("it gets an identity token", claims["sub"], auth["entity_id"])
    try:
        login["jwt"] = cluster.token("staging", "my-app")
        flow.server.write("auth/kubernetes/login", login, token=None)
        status = 200
    except Refused as error:
        status = error.status
    flow.report.equal("a pod of another namespace does not", status, 403)


def with_groups(flow, block):
    flow.wrote(block, "identity/oidc/role/with-groups")
    flow.claims("with-groups", {"groups": GROUPS, "group_names": GROUPS})


def conditional(flow, block):
    flow.wrote(block, "identity/oidc/role/conditional-claims")
    production = {"env": "production", "pci_compliant": True, "audit_level": "full"}
    flow.claims("conditional-claims", production)
    staging = Workload(flow.server, "staging-app", ["setup"], metadata={"environment": "staging"})
    _, claims = flow.issue("conditional-claims", token=staging.login())
    expected = {"env": "staging", "pci_compliant": False, "audit_level": "basic"}
    found = {name: claims.get(name) for name in expected}
    flow.report.equal("the other branch for another environment", found, expected)


def with_auth_info(flow, block):
    flow.wrote(block, "identity/oidc/role/with-auth-info")
    flow.claims(
        "with-auth-info",
        {"entity_id": flow.workload.entity_id, "entity_name": "my-app-entity"},
    )
    _, claims = flow.issue("with-auth-info")
    aliases = claims.get("auth_method")
    known = isinstance(aliases, list) and flow.workload.role_id in json.dumps(aliases)
    flow.report.check("auth_method lists the alias of the login", known, aliases)


def short_lived(flow, block):
    flow.wrote(block, "identity/oidc/role/short-lived")
    _, claims = flow.issue("short-lived")
    flow.report.equal("a short-lived token lives 15 minutes", claims["exp"] - claims["iat"], 900)


def rotation(flow, block):
    flow.wrote(block, "identity/oidc/key/workload-key")
    found = flow.server.read("identity/oidc/key/workload-key")
    times = (found["rotation_period"], found["verification_ttl"], found["algorithm"])
    flow.report.equal("the key rotates as written", times, (6 * 3600, 12 * 3600, "RS256"))


def restricted(flow, block):
    flow.wrote(block, "identity/oidc/key/restricted-key")
    for client_id, allowed in [("client-id-1", True), ("client-id-2", True), ("other", False)]:
        role = {"key": "restricted-key", "client_id": client_id, "ttl": "10m"}
        flow.server.write(f"identity/oidc/role/for-{client_id}", role)
        try:
            flow.issue(f"for-{client_id}")
            status = 200
        except Refused as error:
            status = error.status
        flow.report.equal(f"the restricted key for {client_id}", status, 200 if allowed else 400)


def audit(flow, block):
    folder = os.path.dirname(AUDIT_LOG)
    made_folder, path, text = not os.path.exists(folder), AUDIT_LOG, block.text
    if os.path.exists(AUDIT_LOG) or not may_write(folder):
        path = os.path.join(flow.shell.folder, "audit.log")
        text = text.replace(AUDIT_LOG, path)
        flow.report.skip(AUDIT_LOG, f"it cannot be a fresh file here; {path} instead")
    try:
        out = flow.run(block, text=text)
        flow.report.check("the device is enabled", "Enabled the file audit device" in out, out)
        flow.issue("workload-role")
        with open(path) as file:
            entries = [json.loads(line) for line in file]
        shown = {"type": "response", "path": "identity/oidc/token/workload-role"}
        found = [{"type": e["type"], "path": e.get("request", {}).get("path")} for e in entries]
        flow.report.check("the token request is in the log", shown in found, found)
    finally:
        flow.server.call("DELETE", "sys/audit/file")
        if path == AUDIT_LOG:
            if os.path.exists(AUDIT_LOG):
                os.remove(AUDIT_LOG)
            if made_folder and os.path.isdir(folder):
                os.rmdir(folder)


def may_write(folder):
    while not os.path.exists(folder):
        folder = os.path.dirname(folder)
    return os.access(folder, os.W_OK)


def issuer(flow, block):
    rows = table(flow.run(block))
    flow.report.check("the issuer is shown", "issuer" in rows, rows)


def missing_claims(flow, block):
    text = block.text.replace("<entity-id>", flow.workload.entity_id)
    out = flow.run(block, text=text)
    for name, value in METADATA.items():
        flow.report.check(f"{name} is shown", f"{name}:{value}" in out, out)
    flow.report.check("the template is shown", "{{.entity.name | toJSON}}" in out, out)


def keys(flow, block):
    out = flow.run(block)
    names = [name for name in ("restricted-key", "workload-key") if name in out.splitlines()]
    flow.report.equal("the keys are listed", names, ["restricted-key", "workload-key"])
    flow.report.check("the algorithm is shown", table(out).get("algorithm") == "RS256", out)


def token_lookup(flow, block):
    out = flow.run(block)
    flow.report.check(
        "the token's policies are shown", "[root]" in table(out).get("policies", ""), out
    )
    with open(os.path.join(flow.shell.folder, "policy.hcl")) as file:
        flow.report.check("the policy is shown as written", file.read().strip() in out, out)


def missing(flow, block, *programs):
    """Whether a program that the block uses is not installed; says so."""
    absent = [program for program in programs if not shutil.which(program)]
    if absent:
        flow.report.skip(
            f"line {block.line}: {block.heading}", f"no {' and no '.join(absent)} here"
        )
    return bool(absent)


def illustration(flow, block):
    """A block that shows and does nothing."""


def unknown(flow, block):
    flow.report.check(f"line {block.line}: {block.heading} ({block.language})", False, "no play")


PLAYS = {
    ("How Identity Tokens Work", "mermaid"): illustration,
    ("Step 1: Enable the Identity Secrets Engine", "bash"): secrets_list,
    ("Step 2: Create an OIDC Key", "bash"): key,
    ("Step 3: Create a Token Template", "bash"): template_role,
    ("Step 4: Configure Entity Metadata", "bash"): entity_metadata,
    ("Request a Token Programmatically", "bash"): request_token,
    ("Using the Vault API", "bash"): request_token_api,
    ("Decoded Token Structure", "json"): decoded,
    ("Discovery Document", "bash"): discovery,
    ("JSON Web Key Set (JWKS)", "bash"): jwks,
    ("AWS STS AssumeRoleWithWebIdentity", "bash"): aws,
    ("AWS STS AssumeRoleWithWebIdentity", "json"): illustration,
    ("GCP Workload Identity Federation", "bash"): gcp,
    ("Custom Service Validation", "python"): python,
    ("Custom Service Validation", "go"): go,
    ("Token Flow in a Microservices Architecture", "mermaid"): illustration,
    ("Vault Policy for Identity Tokens", "hcl"): policy_file,
    ("Vault Policy for Identity Tokens", "bash"): policy,
    ("Include Group Memberships", "bash"): with_groups,
    ("Conditional Claims Based on Metadata", "bash"): conditional,
    ("Include Auth Method Information", "bash"): with_auth_info,
    ("Short Token Lifetimes", "bash"): short_lived,
    ("Rotate Keys Regularly", "bash"): rotation,
    ("Restrict Token Audiences", "bash"): restricted,
    ("Audit Token Generation", "bash"): audit,
    ("Token Validation Fails", "bash"): issuer,
    ("Missing Claims in Token", "bash"): missing_claims,
    ("Key Not Found in JWKS", "bash"): keys,
    ("Permission Denied", "bash"): token_lookup,
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--binary", required=True, help="our server and command line")
    parser.add_argument("--cli", choices=["vault", "bao"], default="vault")
    parser.add_argument("--server", help="another binary for the server")
    arguments = parser.parse_args()
    path = guide.path(GUIDE)
    if path is None:
        print(f"skipped: ../shared/guides/{GUIDE} is not here")
        return 0
    return checks.play("guide_000", LIMIT_SECONDS, lambda r: play(r, arguments, path))


def play(report, arguments, path):
    with DevServer(arguments.server or arguments.binary) as server:
        with Shell(arguments.cli, arguments.binary, server.address) as shell:
            play_blocks(Flow(report, server, shell), guide.blocks(path))


def play_blocks(flow, blocks):
    """All blocks in order; one that breaks does not keep the others from being seen."""
    for block in blocks:
        try:
            PLAYS.get(block.key(), unknown)(flow, block)
        except Exception as error:
            where = f"line {block.line}: {block.heading}"
            flow.report.check(where, False, f"{type(error).__name__}: {error}")
    found = {block.key() for block in blocks}
    flow.report.equal("every block has its play, and every play its block", found, set(PLAYS))


if __name__ == "__main__":
    sys.exit(main())
