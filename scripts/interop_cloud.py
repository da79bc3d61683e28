"""boto3 and google-auth trade our identity tokens for cloud credentials at a local token service.

The service (sts.py) learns our keys by discovery alone. Both clients are used as their makers
document it; the token must be accepted, and refused when it is changed, expired, for another
audience, or signed with a key that was retired.
"""

import argparse
import os
import sys
import tempfile
import time

import boto3
import botocore
import botocore.config
import google.auth.exceptions
import google.auth.identity_pool
import google.auth.transport.requests

import checks
from devserver import DevServer, Workload, tampered
from sts import Sts

ALGORITHMS = ["RS256", "ES256", "ES384"]
LIMIT_SECONDS = 180
CLIENT_ID = "sts.example.com"
TOKEN_POLICY = 'path "identity/oidc/token/*" { capabilities = ["read"] }'
PROVIDER = (
    "//iam.googleapis.com/projects/123456789012/locations/global"
    "/workloadIdentityPools/vault-pool/providers/vault-provider"
)


class AwsRefused(Exception):
    """The service's error code, such as `InvalidIdentityToken`."""


def assume_role(sts, token):
    """boto3's `AssumeRoleWithWebIdentity`; returns the answer or raises `AwsRefused`."""
    client = boto3.client(
        "sts",
        region_name="us-east-1",
        endpoint_url=sts.address,
        config=botocore.config.Config(
            signature_version=botocore.UNSIGNED, retries={"total_max_attempts": 1}
        ),
    )
    try:
        return client.assume_role_with_web_identity(
            RoleArn="arn:aws:iam::123456789012:role/VaultWorkloadRole",
            RoleSessionName="vault-workload",
            WebIdentityToken=token,
        )
    except botocore.exceptions.ClientError as error:
        raise AwsRefused(error.response["Error"]["Code"]) from error


def exchange(sts, token):
    """google-auth's workload identity federation, the token in a file; returns the access token."""
    with tempfile.NamedTemporaryFile("w", suffix=".jwt") as file:
        file.write(token)
        file.flush()
        credentials = google.auth.identity_pool.Credentials.from_info(
            {
                "type": "external_account",
                "audience": PROVIDER,
                "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
                "token_url": f"{sts.address}/v1/token",
                "credential_source": {"file": file.name},
                "universe_domain": "googleapis.com",
            },
            scopes=["https://www.googleapis.com/auth/cloud-platform"],
        )
        credentials.refresh(google.auth.transport.requests.Request())
        return credentials.token


def refused(sts, token):
    """How each cloud's client reports that the service refused this token."""
    try:
        assume_role(sts, token)
        aws = "accepted"
    except AwsRefused as error:
        aws = str(error)
    try:
        exchange(sts, token)
        gcp = "accepted"
    except google.auth.exceptions.OAuthError as error:
        gcp = "invalid_grant" if "invalid_grant" in str(error) else str(error)
    return aws, gcp


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--binary", required=True, help="our server")
    arguments = parser.parse_args()
    return checks.play("interop_cloud", LIMIT_SECONDS, lambda r: interop(r, arguments.binary))


def interop(report, binary):
    # Nothing of this machine's own cloud set-up may take part.
    for name in [name for name in os.environ if name.startswith(("AWS_", "GOOGLE_"))]:
        del os.environ[name]
    os.environ["AWS_EC2_METADATA_DISABLED"] = "true"
    with DevServer(binary) as ours, Sts(ours.issuer, CLIENT_ID) as sts:
        ours.write("sys/policies/acl/identity-token", {"policy": TOKEN_POLICY})
        workload = Workload(ours, "workload", ["identity-token"])
        token = workload.login()
        for algorithm in ALGORITHMS:
            accept(report, ours, sts, workload, token, algorithm)
        refuse(report, ours, sts, token)


def issue(ours, token, role, **settings):
    """A role on our server and a token from it."""
    ours.write(f"identity/oidc/role/{role}", {"client_id": CLIENT_ID, "ttl": "10m", **settings})
    return ours.read(f"identity/oidc/token/{role}", token=token)["token"]


def accept(report, ours, sts, workload, token, algorithm):
    name = algorithm.lower()
    key = {"algorithm": algorithm, "allowed_client_ids": ["*"]}
    ours.write(f"identity/oidc/key/{name}", key)
    issued = issue(ours, token, name, key=name)
    answer = assume_role(sts, issued)
    subject = answer["SubjectFromWebIdentityToken"]
    report.equal(f"boto3 assumes a role with a {algorithm} token", subject, workload.entity_id)
    report.equal(f"boto3 sees the audience of the {algorithm} token", answer["Audience"], CLIENT_ID)
    report.equal(f"google-auth exchanges a {algorithm} token", exchange(sts, issued), "worthless")
    report.equal(
        f"{algorithm} token with a changed character is refused",
        refused(sts, tampered(issued)),
        ("InvalidIdentityToken", "invalid_grant"),
    )


def refuse(report, ours, sts, token):
    ours.write("identity/oidc/key/retired", {"allowed_client_ids": ["*"]})
    expired = issue(ours, token, "short", key="retired", ttl="1s")
    elsewhere = issue(ours, token, "elsewhere", key="retired", client_id="another.example.com")
    report.equal(
        "token for another audience is refused",
        refused(sts, elsewhere),
        ("InvalidIdentityToken", "invalid_grant"),
    )
    time.sleep(2.1)
    report.equal(
        "expired token is refused",
        refused(sts, expired),
        ("ExpiredTokenException", "invalid_grant"),
    )
    valid = issue(ours, token, "plain", key="retired")
    report.equal("token of a key in use is accepted", exchange(sts, valid), "worthless")
    ours.write("identity/oidc/key/retired/rotate", {"verification_ttl": "0s"})
    report.equal(
        "token of a key that was rotated away is refused",
        refused(sts, valid),
        ("InvalidIdentityToken", "invalid_grant"),
    )


if __name__ == "__main__":
    sys.exit(main())
