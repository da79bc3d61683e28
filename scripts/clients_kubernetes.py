"""Logins with service account tokens: hvac, our command line and OpenBao's, with a cluster over TLS.

The cluster's API server has a certificate of a private authority, which is all that is trusted for
it. Besides the logins that hold: deleted pods, other audiences, another authority, no API server.
"""

import argparse
import contextlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import time

import hvac
import hvac.exceptions

import checks
from cluster import Cluster
from devserver import ROOT_TOKEN, DevServer, Refused, openbao

LIMIT_SECONDS = 120
# The server gives up after 10 s; the rest is for a slow machine.
GIVEN_UP_SECONDS = 14
ROLE = {
    "bound_service_account_names": ["app", "worker-*"],
    "bound_service_account_namespaces": ["prod"],
    "audience": "vault",
    "token_policies": ["app"],
    "token_ttl": "10m",
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--binary", required=True, help="our server and command line")
    arguments = parser.parse_args()
    return checks.play("clients_kubernetes", LIMIT_SECONDS, lambda r: play(r, arguments.binary))


def play(report, binary):
    with Cluster() as cluster, DevServer(binary) as server:
        server.write("sys/auth/kubernetes", {"type": "kubernetes"})
        server.write("auth/kubernetes/config", cluster.config())
        server.write("auth/kubernetes/role/app", ROLE)
        with_hvac(report, server, cluster)
        with_command_line(report, server, cluster, "vouchsafe", binary)
        with_command_line(report, server, cluster, "bao", openbao())
        refusals(report, server, cluster)
        selector(report, server, cluster)
        other_servers(report, server, cluster)


def log_in(server, token):
    return server.write("auth/kubernetes/login", {"role": "app", "jwt": token}, token=None)["auth"]


def status_of(server, token):
    try:
        log_in(server, token)
    except Refused as error:
        return error.status
    return 200


def with_hvac(report, server, cluster):
    root = hvac.Client(url=server.address, token=ROOT_TOKEN)
    kubernetes = root.auth.kubernetes
    role = kubernetes.read_role("app")
    report.equal("hvac: the role is read", role["bound_service_account_names"], ["app", "worker-*"])
    report.equal("hvac: the roles are listed", kubernetes.list_roles()["keys"], ["app"])
    config = kubernetes.read_config()
    report.equal("hvac: the address is read", config["kubernetes_host"], cluster.address)
    report.check("hvac: the reviewer's token is not", "reviewer" not in json.dumps(config).split('"'))
    client = hvac.Client(url=server.address, token="")
    token = cluster.token("prod", "app", "vault")
    auth = client.auth.kubernetes.login(role="app", jwt=token)["auth"]
    report.equal("hvac: login", auth["metadata"]["service_account_name"], "app")
    report.equal("hvac: its policies", auth["policies"], ["app", "default"])
    report.equal("hvac: its life", auth["lease_duration"], 600)
    report.check("hvac: the new token works", client.is_authenticated())
    asked = {"token": token, "audiences": ["vault"]}
    report.equal("the API server is asked for the role's audience", cluster.reviews[-1], asked)
    entity = server.read(f"identity/entity/id/{auth['entity_id']}")
    uid = auth["metadata"]["service_account_uid"]
    report.equal("the alias is the account's uid", entity["aliases"][0]["name"], uid)
    again = log_in(server, cluster.token("prod", "app", "vault"))
    report.equal("another pod is the same entity", again["entity_id"], auth["entity_id"])
    worker = log_in(server, cluster.token("prod", "worker-2", "vault"))
    report.check("another account is another", worker["entity_id"] != auth["entity_id"])


def with_command_line(report, server, cluster, name, program):
    with tempfile.TemporaryDirectory(prefix="clients-kubernetes-") as home:
        path = os.path.join(home, "token")
        with open(path, "w") as file:
            file.write(cluster.token("prod", "app", "vault") + "\n")
        environment = {"HOME": home, "VAULT_ADDR": server.address, "BAO_ADDR": server.address}
        words = ["write", "-format=json", "auth/kubernetes/login", "role=app", f"jwt=@{path}"]
        if name == "vouchsafe":
            words = ["login", "-format=json", "-method=kubernetes", "role=app", f"jwt=@{path}"]
        done = subprocess.run(
            [program, *words], capture_output=True, text=True, timeout=60, env=environment
        )
        if report.check(f"{name}: login", done.returncode == 0, done.stderr):
            metadata = json.loads(done.stdout)["auth"]["metadata"]
            report.equal(f"{name}: its account", metadata["service_account_name"], "app")


def refusals(report, server, cluster):
    good = cluster.token("prod", "app", "vault")
    asked = len(cluster.reviews)
    for name, token, status in [
        ("another audience", cluster.token("prod", "app", "other"), 403),
        ("another name", cluster.token("prod", "app2", "vault"), 403),
        ("another namespace", cluster.token("dev", "app", "vault"), 403),
        ("no token", "x", 400),
    ]:
        report.equal(f"{name} is refused", status_of(server, token), status)
    report.equal("for that the API server is not asked", len(cluster.reviews), asked)
    cluster.delete_pod(good)
    report.equal("the token of a deleted pod is refused", status_of(server, good), 403)
    report.equal("because the API server was asked", len(cluster.reviews), asked + 1)
    made_up = cluster.key.sign({"kubernetes.io": {"namespace": "prod", "serviceaccount": {"name": "app"}}})
    report.check("a token that somebody made is refused", status_of(server, made_up) in (400, 403))


def selector(report, server, cluster):
    cluster.labels = {"core-1": {"team": "core"}, "web-1": {"team": "web"}}
    labels = json.dumps({"matchLabels": {"team": "core"}})
    server.write("auth/kubernetes/role/app", {"bound_service_account_namespace_selector": labels})
    for namespace, status in [("core-1", 200), ("web-1", 403), ("prod", 200)]:
        found = status_of(server, cluster.token(namespace, "app", "vault"))
        report.equal(f"by the labels of its namespace: {namespace}", found, status)


def other_servers(report, server, cluster):
    """What may stand at the address instead of the API server."""
    token = cluster.token("prod", "app", "vault")
    with Cluster() as other:
        asked = len(cluster.reviews)
        mixed = cluster.config(kubernetes_ca_cert=other.authority)
        server.write("auth/kubernetes/config", mixed)
        report.equal("another authority is not trusted", status_of(server, token), 403)
        report.equal("and nothing was sent to it", len(cluster.reviews), asked)
    stranger = cluster.config(token_reviewer_jwt="worthless")
    server.write("auth/kubernetes/config", stranger)
    report.equal("a reviewer's token that is not known", status_of(server, token), 403)
    own = cluster.config(token_reviewer_jwt="")
    server.write("auth/kubernetes/config", own)
    report.equal("an account that may not ask", status_of(server, token), 403)
    cluster.delegators.add(token)
    report.equal("an account that may ask about itself", status_of(server, token), 200)
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as silent:
        address = f"https://127.0.0.1:{silent.getsockname()[1]}"
        server.write("auth/kubernetes/config", cluster.config(kubernetes_host=address))
        started = time.monotonic()
        report.equal("one that never answers", status_of(server, token), 403)
        seconds = time.monotonic() - started
        report.check("is given up", seconds < GIVEN_UP_SECONDS, f"{seconds:.1f} s")
    report.equal("one that is not there", status_of(server, token), 403)
    server.write("auth/kubernetes/config", cluster.config())
    report.equal("the right one again", status_of(server, token), 200)


if __name__ == "__main__":
    sys.exit(main())
