"""OpenBao's unmodified command line does with our server, over TLS, what its keepers and users do.

From the first start to the last: init, unseal, login, kv, policy, token, wrap and unwrap, lease,
rotate, rekey, generate-root, seal; then the same data again after a restart and after a kill.
"""

import argparse
import json
import os
import subprocess
import sys

import checks
from devserver import openbao
from fileserver import FileServer

LIMIT_SECONDS = 300
COMMAND_SECONDS = 30
PASSWORD = "correct horse battery staple"
POLICY = """\
path "secret/data/app" { capabilities = ["read"] }
path "secret/data/mine/*" { capabilities = ["create", "read", "update"] }
"""
SHARES, THRESHOLD = 3, 2
NEW_SHARES, NEW_THRESHOLD = 4, 3
FAILED = 2


class Bao:
    """The command line of one person: what it stores (the token) is in a folder of its own."""

    def __init__(self, report, server, name):
        self.report = report
        home = os.path.join(server.home, name)
        os.mkdir(home)
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": home,
            "BAO_ADDR": server.address,
            "BAO_CACERT": server.authority,
        }

    def run(self, *words, given=None, **environment):
        return subprocess.run(
            [openbao(), *words],
            check=False,
            input=given or "",
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
            env={**self.environment, **environment},
        )

    def says(self, name, text, *words, status=0, **how):
        """Checks the exit status, and that `text` is in what the command prints; returns that."""
        ran = self.run(*words, **how)
        printed = ran.stdout + ran.stderr
        holds = ran.returncode == status and text in printed
        self.report.check(name, holds, f"exit status {ran.returncode}: {printed.strip()}")
        return ran.stdout.strip()

    def shows(self, name, expected, *words, status=0, **how):
        """Checks members (by dotted path) of the JSON that the command prints; returns the JSON.

        Without JSON the script ends, since what comes next is made from it.
        """
        ran = self.run(*words, BAO_FORMAT="json", **how)
        try:
            shown = json.loads(ran.stdout)
        except ValueError:
            said = f"exit status {ran.returncode}: {ran.stdout}{ran.stderr}"
            raise ValueError(f"{name}: no JSON from `bao {' '.join(words)}`, {said}") from None
        found = {path: member(shown, path) for path in expected}
        self.report.equal(name, (ran.returncode, found), (status, expected))
        return shown


def member(document, path):
    for step in path.split("."):
        if not isinstance(document, dict) or step not in document:
            return None
        document = document[step]
    return document


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--binary", required=True, help="our server")
    arguments = parser.parse_args()
    return checks.play("clients_bao", LIMIT_SECONDS, lambda r: live(r, arguments.binary))


def live(report, binary):
    with FileServer(binary) as server:
        root, user = Bao(report, server, "root"), Bao(report, server, "user")
        keys, token = initialize(root)
        unseal(root, keys)
        root.says("login with the root token", "authenticated", "login", "-", given=token)
        policies(root)
        log_in(root, user)
        key_value(root, user)
        tokens(root, user)
        wrapping(root, user)
        leases(root)
        rotate(root)
        operate(root, user)
        keys = rekey(root, "rekey", keys, NEW_SHARES, NEW_THRESHOLD)
        keys = rekey(root, "rotate-keys", keys, SHARES, THRESHOLD)
        generate_root(root, keys)
        seal(root, user, keys)
        restart(report, server, root, user, keys)
        kill(report, server, root, user, keys)


def initialize(root):
    root.says("init -status before", "is not initialized", "operator", "init", "-status", status=2)
    root.shows(
        "status before init",
        {"initialized": False, "sealed": True, "storage_type": "file"},
        "status",
        status=FAILED,
    )
    root.says(
        "a threshold above the shares is refused",
        "Code: 400",
        *["operator", "init", "-key-shares=2", "-key-threshold=3"],
        status=FAILED,
    )
    made = root.shows(
        "init",
        {"unseal_shares": SHARES, "unseal_threshold": THRESHOLD},
        *["operator", "init", f"-key-shares={SHARES}", f"-key-threshold={THRESHOLD}"],
    )
    keys = made["unseal_keys_b64"]
    root.report.equal("init gives each share", len(set(keys)), SHARES)
    root.says("a second init is refused", "already initialized", "operator", "init", status=FAILED)
    root.says("init -status after", "is initialized", "operator", "init", "-status")
    return keys, made["root_token"]


def unseal(root, keys):
    root.says("a sealed server serves nothing", "sealed", "kv", "get", "secret/app", status=FAILED)
    root.says("a share that is none", "Code: 400", *unsealing("not a share"), status=FAILED)
    root.shows(
        "the first share", {"sealed": True, "progress": 1, "t": 2, "n": 3}, *unsealing(keys[0])
    )
    root.shows("the same share again", {"sealed": True, "progress": 1}, *unsealing(keys[0]))
    root.shows("unseal -reset", {"sealed": True, "progress": 0}, "operator", "unseal", "-reset")
    root.shows("the first share anew", {"progress": 1}, *unsealing(keys[2]))
    spoiled = ("A" if keys[0][0] != "A" else "B") + keys[0][1:]
    root.says("a spoiled share opens nothing", "Code: 400", *unsealing(spoiled), status=FAILED)
    unseal_with(root, "the shares open the server", keys[1:])
    root.shows("status of an open server", {"initialized": True, "sealed": False}, "status")


def unsealing(share):
    return ["operator", "unseal", share]


def unseal_with(keeper, name, keys, threshold=THRESHOLD):
    for share in keys[: threshold - 1]:
        keeper.run(*unsealing(share))
    keeper.shows(name, {"sealed": False, "t": threshold}, *unsealing(keys[threshold - 1]))


def policies(root):
    root.says("policy write", "Uploaded policy", "policy", "write", "app", "-", given=POLICY)
    root.says("policy read", POLICY.strip(), "policy", "read", "app")
    root.says("policy list", "app\ndefault\nroot", "policy", "list")
    nonsense = 'path "a" { capabilities = ["fly"] }'
    root.says(
        *["a policy with nonsense is refused", "Code: 400", "policy", "write", "bad", "-"],
        given=nonsense,
        status=FAILED,
    )
    root.says("policy write another", "Uploaded", "policy", "write", "other", "-", given=POLICY)
    root.says("policy delete", "Deleted policy", "policy", "delete", "other")
    root.says("a deleted policy is gone", "No policy", "policy", "read", "other", status=FAILED)


def log_in(root, user):
    root.says("auth enable", "Enabled userpass", "auth", "enable", "userpass")
    root.says(
        "write a user",
        "Success!",
        *["write", "auth/userpass/users/ann", f"password={PASSWORD}", "policies=app"],
    )
    wrong = ["login", "-method=userpass", "username=ann", "password=wrong"]
    user.says("a wrong password is refused", "Code: 400", *wrong, status=FAILED)
    right = ["login", "-method=userpass", "username=ann", f"password={PASSWORD}"]
    user.shows(
        "login -method=userpass",
        {"auth.policies": ["app", "default"], "auth.metadata": {"username": "ann"}},
        *right,
    )
    user.shows("the token is remembered", {"data.display_name": "userpass-ann"}, "token", "lookup")


def key_value(root, user):
    root.says("secrets enable kv-v2", "Enabled", "secrets", "enable", "-path=secret", "kv-v2")
    root.says("secrets enable kv", "Enabled", "secrets", "enable", "-path=old", "-version=1", "kv")
    root.shows(
        "secrets list",
        {"secret/.options.version": "2", "old/.options.version": "1"},
        *["secrets", "list"],
    )
    put = ["kv", "put", "secret/app", "user=ann", "city=Köln"]
    root.shows("kv put", {"data.version": 1}, *put)
    root.shows("kv put -cas", {"data.version": 2}, "kv", "put", "-cas=1", "secret/app", "user=bob")
    root.says(
        "kv put -cas of an older version is refused",
        "check-and-set",
        *["kv", "put", "-cas=1", "secret/app", "user=eve"],
        status=FAILED,
    )
    root.shows("kv patch", {"data.version": 3}, "kv", "patch", "secret/app", "port=5432")
    latest = {"data.data": {"user": "bob", "port": "5432"}, "data.metadata.version": 3}
    user.shows("kv get", latest, "kv", "get", "secret/app")
    root.shows(
        "kv get -version",
        {"data.data": {"user": "ann", "city": "Köln"}, "data.metadata.version": 1},
        *["kv", "get", "-version=1", "secret/app"],
    )
    user.says("kv get -field", "bob", "kv", "get", "-field=user", "secret/app")
    user.says("what no policy grants is denied", "Code: 403", *put, status=FAILED)
    user.shows("kv put where granted", {"data.version": 1}, "kv", "put", "secret/mine/a", "b=c")
    root.says("kv list", "app\nmine/", "kv", "list", "secret")
    versions(root)
    root.says("kv put in version 1", "Success!", "kv", "put", "old/app", "user=ann")
    root.shows("kv get in version 1", {"data": {"user": "ann"}}, "kv", "get", "old/app")
    root.says("kv delete in version 1", "Success!", "kv", "delete", "old/app")
    root.says("it is gone", "No value found", "kv", "get", "old/app", status=FAILED)


def versions(root):
    path = "secret/versions"
    for number in (1, 2, 3):
        root.run("kv", "put", path, f"number={number}")
    root.says("kv delete", "Success!", "kv", "delete", "-versions=2", path)
    deleted = ["kv", "get", "-version=2", path]
    root.shows("a deleted version is not shown", {"data.data": None}, *deleted)
    root.says("kv undelete", "Success!", "kv", "undelete", "-versions=2", path)
    root.shows("an undeleted version", {"data.data": {"number": "2"}}, *deleted)
    root.says("kv destroy", "Success!", "kv", "destroy", "-versions=1", path)
    root.says(
        "kv metadata put",
        "Success!",
        *["kv", "metadata", "put", "-max-versions=5", "-custom-metadata=owner=ops", path],
    )
    root.shows(
        "kv metadata get",
        {
            "data.max_versions": 5,
            "data.custom_metadata": {"owner": "ops"},
            "data.versions.1.destroyed": True,
            "data.versions.2.destroyed": False,
        },
        *["kv", "metadata", "get", path],
    )
    root.shows("kv rollback", {"data.version": 4}, "kv", "rollback", "-version=2", path)
    root.shows("the version rolled back to", {"data.data": {"number": "2"}}, "kv", "get", path)
    root.says("kv metadata delete", "Success!", "kv", "metadata", "delete", path)
    root.says("nothing of it is left", "No value found", "kv", "get", path, status=FAILED)


def tokens(root, user):
    made = root.shows(
        "token create",
        {"auth.policies": ["app", "default"], "auth.lease_duration": 3600, "auth.renewable": True},
        *["token", "create", "-policy=app", "-ttl=1h", "-metadata=for=test", "-display-name=t"],
    )["auth"]
    token, accessor = made["client_token"], made["accessor"]
    by_token = ["token", "lookup", token]
    looked_up = {"data.meta": {"for": "test"}, "data.display_name": "token-t"}
    root.shows("token lookup", looked_up, *by_token)
    root.shows("token lookup -accessor", {"data.id": ""}, "token", "lookup", "-accessor", accessor)
    root.shows(
        "token renew", {"auth.lease_duration": 1800}, "token", "renew", "-increment=30m", token
    )
    capabilities = ["token", "capabilities", token, "secret/data/app"]
    root.says("token capabilities", "read", *capabilities)
    parent = root.shows("a parent", {}, "token", "create")["auth"]["client_token"]
    create = ["token", "create", "-policy=default"]
    child = root.shows("its child", {"auth.orphan": False}, *create, BAO_TOKEN=parent)
    child = child["auth"]["client_token"]
    looked_up = {"data.orphan": False, "data.path": "auth/token/create"}
    root.shows("lookup of the child", looked_up, "token", "lookup", child)
    root.says("token revoke of the parent", "Success!", "token", "revoke", parent)
    root.says("its child is refused", "Code: 403", "token", "lookup", child, status=FAILED)
    user.says("a user may not look up others", "Code: 403", *by_token, status=FAILED)
    root.says("token revoke", "Success!", "token", "revoke", token)
    root.says("a revoked token is refused", "Code: 403", *by_token, status=FAILED)
    once = root.shows("a token for one use", {}, "token", "create", "-use-limit=1")["auth"]
    use = {"BAO_TOKEN": once["client_token"]}
    root.shows("its first use", {"data.display_name": "token"}, "token", "lookup", **use)
    root.says("its second use", "Code: 403", "token", "lookup", status=FAILED, **use)


def wrapping(root, user):
    wrapped = root.shows(
        "kv get -wrap-ttl",
        {"wrap_info.ttl": 60, "wrap_info.creation_path": "secret/data/app", "data": None},
        *["kv", "get", "-wrap-ttl=60s", "secret/app"],
    )["wrap_info"]["token"]
    user.shows("unwrap", {"data.data.user": "bob"}, "unwrap", wrapped)
    user.says("a second unwrap is refused", "Code: 400", "unwrap", wrapped, status=FAILED)
    wrapped = root.shows(
        "token create -wrap-ttl",
        {"wrap_info.ttl": 300},
        *["token", "create", "-policy=app", "-wrap-ttl=5m"],
    )["wrap_info"]["token"]
    lookup = ["write", "sys/wrapping/lookup", f"token={wrapped}"]
    root.shows("wrapping lookup", {"data.creation_path": "auth/token/create"}, *lookup)
    user.shows("unwrap a token", {"auth.policies": ["app", "default"]}, "unwrap", wrapped)


def leases(root):
    logins = root.shows("list of leases", {}, "list", "sys/leases/lookup/auth/userpass/login/ann/")
    root.report.equal("a login has a lease", len(logins), 1)
    lease = f"auth/userpass/login/ann/{logins[0]}"
    root.shows("lease lookup", {"data.id": lease, "data.renewable": True}, "lease", "lookup", lease)
    root.says("a lease of nobody", "Code: 400", "lease", "lookup", "auth/none/1", status=FAILED)
    token = root.shows("a token to end", {}, "token", "create", "-policy=app")["auth"]
    created = ["list", "sys/leases/lookup/auth/token/create/"]
    root.shows("leases of created tokens", {}, *created)
    revoke = ["lease", "revoke", "-prefix", "auth/token/create/"]
    root.says("lease revoke -prefix", "queued successfully", *revoke)
    ended = {"BAO_TOKEN": token["client_token"]}
    root.says("its token is refused", "Code: 403", "token", "lookup", status=FAILED, **ended)
    root.says("no lease is left", "No value found", *created, status=FAILED)


def rotate(root):
    term = root.shows("operator key-status", {}, "operator", "key-status")["term"]
    root.shows("operator rotate", {"term": term + 1, "encryptions": 0}, "operator", "rotate")
    root.shows("what older terms encrypted", {"data.data.user": "bob"}, "kv", "get", "secret/app")
    root.shows("kv put under the new term", {"data.version": 1}, "kv", "put", "secret/new", "a=b")
    rule = ["sys/rotate/config"]
    root.says("a rule of rotation", "Success!", "write", *rule, "interval=24h")
    kept = {"data.enabled": True, "data.interval": "24h0m0s"}
    root.shows("it is kept", kept, "read", *rule)
    few = ["max_operations=999999"]
    root.says("a bound that is too low", "[1000000,3865470566]", "write", *rule, *few, status=FAILED)


def operate(root, user):
    nodes = root.shows("operator members", {}, "operator", "members")["Nodes"]
    root.report.equal("there is one node", [node["active_node"] for node in nodes], [True])
    root.says("operator step-down", "Stepped down", "operator", "step-down")
    user.says("a user may not", "Code: 403", "operator", "step-down", status=FAILED)
    auth = ["sys/loggers/auth"]
    root.says("a logger is set", "Success!", "write", *auth, "level=debug")
    root.shows("it says so", {"data.auth": "debug"}, "read", *auth)
    root.says("no such level", "invalid level", "write", *auth, "level=loud", status=FAILED)
    root.says("it is reverted", "Success!", "delete", *auth)
    root.shows("to what it was", {"data.auth": "info"}, "read", *auth)
    root.shows("the machine", {"data.host.os": "linux"}, "read", "sys/host-info")
    sanitized = {"data.storage.type": "file", "data.seals": [{"disabled": False, "type": "shamir"}]}
    root.shows("the configuration", sanitized, "read", "sys/config/state/sanitized")


def rekey(root, command, keys, shares, threshold):
    """With the command's older or newer name; returns the new shares."""
    words = ["operator", command]
    begin = [*words, "-init", f"-key-shares={shares}", f"-key-threshold={threshold}"]
    begun = root.shows(f"{command} -init", {"started": True, "n": shares, "t": threshold}, *begin)
    root.says(f"{command} -init twice is refused", "in progress", *begin, status=FAILED)
    root.says(f"{command} -cancel", "Canceled", *words, "-cancel")
    root.shows(f"{command} -status after it", {"started": False}, *words, "-status")
    nonce = root.shows(f"{command} -init anew", {"progress": 0}, *begin)["nonce"]
    root.report.check(f"{command} has a new nonce", nonce != begun["nonce"], nonce)
    bring = [*words, f"-nonce={nonce}"]
    required = root.shows(f"{command} -status", {"nonce": nonce}, *words, "-status")["required"]
    for share in keys[: required - 1]:
        root.shows(f"{command} takes a share", {"complete": None}, *bring, share)
    done = root.shows(f"{command} is complete", {"complete": True}, *bring, keys[required - 1])
    fresh = done["keys_base64"]
    root.report.equal(f"{command} gives new shares", len(set(fresh) - set(keys)), shares)
    root.says("operator seal", "sealed", "operator", "seal")
    for share in keys[: threshold - 1]:
        root.run(*unsealing(share))
    old = unsealing(keys[threshold - 1])
    root.says("the old shares open nothing", "Code: 400", *old, status=FAILED)
    root.run("operator", "unseal", "-reset")
    unseal_with(root, "the new shares open the server", fresh, threshold)
    return fresh


def generate_root(root, keys):
    words = ["operator", "generate-root"]
    nobody = {"BAO_TOKEN": ""}
    begun = root.shows("generate-root -init", {"started": True}, *words, "-init", **nobody)
    bring = [*words, f"-nonce={begun['nonce']}"]
    for share in keys[: THRESHOLD - 1]:
        root.shows("generate-root takes a share", {"complete": False}, *bring, share, **nobody)
    done = root.shows("generate-root", {"complete": True}, *bring, keys[THRESHOLD - 1], **nobody)
    encoded = done["encoded_root_token"] or done["encoded_token"]
    decode = [*words, f"-decode={encoded}", f"-otp={begun['otp']}"]
    token = root.shows("generate-root -decode", {}, *decode)["token"]
    root.shows("a root token", {"data.policies": ["root"]}, "token", "lookup", BAO_TOKEN=token)


def seal(root, user, keys):
    user.says("a user may not seal", "Code: 403", "operator", "seal", status=FAILED)
    root.says("operator seal", "sealed", "operator", "seal")
    root.shows("status of a sealed server", {"sealed": True}, "status", status=FAILED)
    user.says("it serves nothing", "Code: 503", "kv", "get", "secret/app", status=FAILED)
    unseal_with(root, "it is opened again", keys)


def restart(report, server, root, user, keys):
    report.equal("the server ends when asked", server.stop(), 0)
    server.start()
    root.shows("it starts sealed", {"sealed": True, "initialized": True}, "status", status=FAILED)
    unseal_with(root, "unseal after a restart", keys)
    all_there(root, user, "after a restart")


def kill(report, server, root, user, keys):
    put = ["kv", "put", "secret/app", "user=bob", "port=1"]
    root.shows("the last write before a kill", {"data.version": 4}, *put)
    server.kill()
    server.start()
    unseal_with(root, "unseal after a kill", keys)
    all_there(root, user, "after a kill")
    root.shows("the last write", {"data.data.port": "1"}, "kv", "get", "secret/app")
    root.says("unsealed, it takes writes", "Success!", "kv", "put", "old/last", "a=b")


def all_there(root, user, when):
    user.shows(f"kv get {when}", {"data.data.user": "bob"}, "kv", "get", "secret/app")
    root.shows(f"the new key term {when}", {"data.data.a": "b"}, "kv", "get", "secret/new")
    root.says(f"policy read {when}", POLICY.strip(), "policy", "read", "app")
    user.shows(f"the token {when}", {"data.display_name": "userpass-ann"}, "token", "lookup")
    again = ["login", "-method=userpass", "username=ann", f"password={PASSWORD}"]
    user.shows(f"login {when}", {"auth.policies": ["app", "default"]}, *again)
    user.says(f"policies hold {when}", "Code: 403", "kv", "get", "old/app", status=FAILED)


if __name__ == "__main__":
    sys.exit(main())
