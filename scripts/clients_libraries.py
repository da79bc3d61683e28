"""The Python client `hvac` and the npm client `node-vault`, unmodified, live with our server.

Each does over TLS what keepers and users do, from init to seal; then finds the same data after a
restart and after a kill. What node-vault does is in clients_node/; it is skipped where Node.js or
the package can't be had.
"""

import argparse
import base64
import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile

import hvac
import hvac.exceptions

import checks
import node
from fileserver import FileServer

LIMIT_SECONDS = 300
STAGE_SECONDS = 60
NODE_FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "clients_node")
PASSWORD = "correct horse battery staple"
POLICY = 'path "secret/data/app" { capabilities = ["read"] }'
SECRET = {"user": "ann", "city": "Köln", "port": 5432}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--binary", required=True, help="our server")
    arguments = parser.parse_args()
    return checks.play("clients_libraries", LIMIT_SECONDS, lambda r: play(r, arguments.binary))


def play(report, binary):
    with FileServer(binary) as server:
        Hvac(report, server).live()
    with tempfile.TemporaryDirectory(prefix="clients-node-") as folder:
        why_not = node.install(NODE_FOLDER, folder)
        if why_not:
            report.skip("node-vault", why_not)
            return
        with FileServer(binary) as server:
            node_vault(report, server, folder)


class Hvac:
    """What hvac does; `root` and `user` are its clients with those tokens."""

    def __init__(self, report, server):
        self.report, self.server = report, server
        self.root, self.user = self.client(), self.client()

    def client(self, token=None):
        # A token is always given: hvac would look for one in the caller's home.
        return hvac.Client(url=self.server.address, token=token or "", verify=self.server.authority)

    def equal(self, name, found, expected):
        self.report.equal(f"hvac: {name}", found, expected)

    def refused(self, name, error, call, *arguments, **named):
        with contextlib.suppress(error):
            answer = call(*arguments, **named)
            self.report.check(f"hvac: {name}", False, f"accepted: {answer}")
            return
        self.report.check(f"hvac: {name}", True)

    def live(self):
        keys = self.initialize()
        self.policies()
        self.log_in()
        self.key_value()
        self.versions()
        self.tokens()
        self.wrapping()
        self.leases()
        self.rotate()
        keys = self.rekey(keys)
        self.generate_root(keys)
        self.seal(keys)
        self.equal("the server ends when asked", self.server.stop(), 0)
        self.again("after a restart", keys)
        self.server.kill()
        self.again("after a kill", keys)

    def initialize(self):
        sys = self.root.sys
        self.equal("not initialized", sys.is_initialized(), False)
        made = sys.initialize(secret_shares=3, secret_threshold=2)
        self.equal("init", (len(made["keys"]), sys.is_initialized()), (3, True))
        again = (sys.initialize, 1, 1)
        self.refused("a second init is refused", hvac.exceptions.InvalidRequest, *again)
        self.root.token = made["root_token"]
        self.refused("sealed", hvac.exceptions.VaultDown, self.root.auth.token.lookup_self)
        first = sys.submit_unseal_key(made["keys_base64"][0])
        self.equal("the first share", (first["sealed"], first["progress"]), (True, 1))
        self.equal("reset", sys.submit_unseal_key(reset=True)["progress"], 0)
        self.unseal("unseal", made["keys"][1:])
        self.equal("the root token", self.root.is_authenticated(), True)
        return made["keys"]

    def unseal(self, name, keys):
        self.equal(name, self.root.sys.submit_unseal_keys(keys)["sealed"], False)

    def policies(self):
        sys = self.root.sys
        sys.create_or_update_policy("app", POLICY)
        sys.create_or_update_policy("other", POLICY)
        sys.delete_policy("other")
        self.equal("policies", sys.list_policies()["data"]["keys"], ["app", "default", "root"])
        self.equal("policy read", sys.read_policy("app")["data"]["rules"], POLICY)
        gone = hvac.exceptions.InvalidPath
        self.refused("a deleted policy is gone", gone, sys.read_policy, "other")

    def log_in(self):
        self.root.sys.enable_auth_method("userpass")
        userpass = self.user.auth.userpass
        self.root.auth.userpass.create_or_update_user("ann", PASSWORD, "app")
        wrong = (userpass.login, "ann", "wrong")
        self.refused("a wrong password is refused", hvac.exceptions.InvalidRequest, *wrong)
        policies = userpass.login("ann", PASSWORD)["auth"]["policies"]
        self.equal("userpass login", policies, ["app", "default"])

    def key_value(self):
        sys, secrets = self.root.sys, self.root.secrets.kv
        sys.enable_secrets_engine("kv", path="secret", options={"version": "2"})
        sys.enable_secrets_engine("kv", path="old", options={"version": "1"})
        version = sys.list_mounted_secrets_engines()["data"]["secret/"]["options"]["version"]
        self.equal("secrets engines", version, "2")
        first = {"user": "ann", "city": "Köln"}
        secrets.v2.create_or_update_secret("app", first, cas=0)
        stale = (secrets.v2.create_or_update_secret, "app", {})
        self.refused("cas", hvac.exceptions.InvalidRequest, *stale, cas=0)
        secrets.v2.patch("app", {"port": 5432})
        self.equal("kv read", self.read(self.user), SECRET)
        older = secrets.v2.read_secret_version("app", version=1, raise_on_deleted_version=True)
        self.equal("kv read of a version", older["data"]["data"], first)
        self.equal("kv list", secrets.v2.list_secrets("")["data"]["keys"], ["app"])
        secrets.v1.create_or_update_secret("app", {"user": "ann"}, mount_point="old")
        old = secrets.v1.read_secret("app", mount_point="old")["data"]
        self.equal("kv in version 1", old, {"user": "ann"})
        denied = (self.user.secrets.kv.v1.read_secret, "app", "old")
        self.refused("no policy grants it", hvac.exceptions.Forbidden, *denied)

    def read(self, client):
        kv = client.secrets.kv.v2
        return kv.read_secret_version("app", raise_on_deleted_version=True)["data"]["data"]

    def versions(self):
        kv = self.root.secrets.kv.v2
        for number in (1, 2):
            kv.create_or_update_secret("versions", {"number": number})
        read = (kv.read_secret_version, "versions")
        kv.delete_latest_version_of_secret("versions")
        gone = {"raise_on_deleted_version": True}
        self.refused("a deleted version", hvac.exceptions.InvalidPath, *read, **gone)
        kv.undelete_secret_versions("versions", [2])
        self.equal("undelete", read[0]("versions", **gone)["data"]["data"], {"number": 2})
        kv.destroy_secret_versions("versions", [1])
        kv.update_metadata("versions", max_versions=5, custom_metadata={"owner": "ops"})
        metadata = kv.read_secret_metadata("versions")["data"]
        self.equal("destroy", metadata["versions"]["1"]["destroyed"], True)
        self.equal("metadata", metadata["custom_metadata"], {"owner": "ops"})
        kv.delete_metadata_and_all_versions("versions")
        self.refused("nothing is left", hvac.exceptions.InvalidPath, *read, **gone)

    def tokens(self):
        api = self.root.auth.token
        made = api.create(policies=["app"], ttl="1h", meta={"for": "test"})["auth"]
        token, accessor = made["client_token"], made["accessor"]
        self.equal("token create", made["lease_duration"], 3600)
        self.equal("token lookup", api.lookup(token)["data"]["meta"], {"for": "test"})
        self.equal("by accessor", api.lookup_accessor(accessor)["data"]["id"], "")
        self.equal("accessors", accessor in api.list_accessors()["data"]["keys"], True)
        self.equal("renew", api.renew(token, increment="30m")["auth"]["lease_duration"], 1800)
        api.revoke(token)
        self.refused("a revoked token", hvac.exceptions.Forbidden, api.lookup, token)
        api.create_or_update_role("ops", allowed_policies=["app"], orphan=True)
        made = api.create(policies=["app"], role_name="ops")["auth"]
        self.equal("token of a role", made["orphan"], True)
        capable = self.root.sys.get_capabilities(["secret/data/app"], token=made["client_token"])
        self.equal("capabilities", capable["data"]["capabilities"], ["read"])

    def wrapping(self):
        sys = self.root.sys
        wrapped = sys.wrap({"a": "b"}, ttl=60)["wrap_info"]["token"]
        self.equal("unwrap", self.user.sys.unwrap(wrapped)["data"], {"a": "b"})
        again = (self.user.sys.unwrap, wrapped)
        self.refused("a second unwrap", hvac.exceptions.InvalidRequest, *again)
        wrapped = self.root.auth.token.create(policies=["app"], wrap_ttl="60s")["wrap_info"]
        made = self.client(wrapped["token"]).sys.unwrap()["auth"]
        self.equal("a wrapped token", made["policies"], ["app", "default"])

    def leases(self):
        sys = self.root.sys
        prefix = "auth/userpass/login/ann/"
        keys = sys.list_leases(prefix)["data"]["keys"]
        self.equal("a login has a lease", len(keys), 1)
        lease = prefix + keys[0]
        self.equal("lease lookup", sys.read_lease(lease)["data"]["id"], lease)
        token = self.root.auth.token.create(policies=["app"])["auth"]["client_token"]
        sys.revoke_prefix("auth/token/create")
        lookup = self.client(token).auth.token.lookup_self
        self.refused("the token of an ended lease", hvac.exceptions.Forbidden, lookup)

    def rotate(self):
        sys = self.root.sys
        before = sys.get_encryption_key_status()["data"]["term"]
        sys.rotate_encryption_key()
        self.equal("rotate", sys.get_encryption_key_status()["data"]["term"], before + 1)
        self.equal("kv read after it", self.read(self.root), SECRET)

    def rekey(self, keys):
        sys = self.root.sys
        sys.start_rekey(secret_shares=1, secret_threshold=1)
        sys.cancel_rekey()
        self.equal("rekey is cancelled", sys.read_rekey_progress()["started"], False)
        nonce = sys.start_rekey(secret_shares=2, secret_threshold=2)["nonce"]
        self.equal("a share to rekey", sys.rekey(keys[0], nonce)["progress"], 1)
        done = sys.rekey(keys[1], nonce)
        self.equal("rekey", (done["complete"], len(done["keys"])), (True, 2))
        return done["keys"]

    def generate_root(self, keys):
        sys = self.root.sys
        begun = sys.start_root_token_generation()
        for key in keys:
            done = sys.generate_root(key, begun["nonce"])
        encoded = base64.b64decode(done["encoded_token"] + "==")
        token = bytes(a ^ b for a, b in zip(encoded, begun["otp"].encode(), strict=True)).decode()
        policies = self.client(token).auth.token.lookup_self()["data"]["policies"]
        self.equal("generate-root", policies, ["root"])

    def seal(self, keys):
        self.refused("a user may not seal", hvac.exceptions.Forbidden, self.user.sys.seal)
        self.root.sys.seal()
        self.equal("seal", self.root.sys.is_sealed(), True)
        self.refused("it serves nothing", hvac.exceptions.VaultDown, self.read, self.root)
        self.unseal("unseal again", keys)

    def again(self, when, keys):
        self.server.start()
        self.equal(f"sealed {when}", self.root.sys.is_sealed(), True)
        self.unseal(f"unseal {when}", keys)
        self.equal(f"kv read {when}", self.read(self.user), SECRET)
        policy = self.root.sys.read_policy("app")["data"]["rules"]
        self.equal(f"policy {when}", policy, POLICY)
        login = self.client().auth.userpass.login("ann", PASSWORD)["auth"]["policies"]
        self.equal(f"login {when}", login, ["app", "default"])
        self.root.secrets.kv.v2.create_or_update_secret("new", {"when": when})


def node_vault(report, server, folder):
    kept = node_stage(report, server, folder, "first", "")
    if kept is None:
        return
    report.equal("node-vault: the server ends when asked", server.stop(), 0)
    server.start()
    node_stage(report, server, folder, "again", " after a restart", kept)
    server.kill()
    server.start()
    node_stage(report, server, folder, "again", " after a kill", kept)


def node_stage(report, server, folder, stage, when, kept=None):
    """Counts the checks of a stage; returns what it hands to the next ones."""
    settings = {"address": server.address, "authority": server.authority, "kept": kept}
    done = subprocess.run(
        ["node", "main.mjs", stage],
        check=False,
        cwd=folder,
        input=json.dumps(settings),
        capture_output=True,
        text=True,
        timeout=STAGE_SECONDS,
    )
    handed = None
    for line in map(json.loads, done.stdout.splitlines()):
        if "kept" in line:
            handed = line["kept"]
        else:
            detail = line.get("detail", "")
            report.check(f"node-vault: {line['name']}{when}", line["holds"], detail)
    ended = f"exit status {done.returncode}: {done.stderr[-2000:]}"
    report.check(f"node-vault: it plays to its end{when}", done.returncode == 0, ended)
    return handed


if __name__ == "__main__":
    sys.exit(main())
