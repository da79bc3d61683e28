"""Automatic seals against the real thing: OpenBao's transit engine keeps our unseal key.

Our server initialises through it, opens by itself after a restart, starts sealed while OpenBao
does not answer and opens when it does again, and is restored from a backup into an empty folder.
The same with a static key, which is rotated.
"""

import argparse
import os
import signal
import subprocess
import sys
import time

import requests

import checks
from devserver import DevServer, openbao
from fileserver import FileServer

LIMIT_SECONDS = 180
OPEN_SECONDS = 30
# What OpenBao's documentation grants to a server that unseals itself.
POLICY = """
path "transit/encrypt/autounseal" { capabilities = ["update"] }
path "transit/decrypt/autounseal" { capabilities = ["update"] }
"""
TRANSIT = """
seal "transit" {{
  address    = "{address}"
  token      = "file://{home}/token"
  key_name   = "autounseal"
  mount_path = "transit/"
}}
"""
STATIC = """
seal "static" {{
  current_key_id = "{current}"
  current_key    = "file://{home}/{current}.key"
{previous}}}
"""
PREVIOUS = """\
  previous_key_id = "{previous}"
  previous_key    = "file://{home}/{previous}.key"
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--binary", required=True, help="our server")
    arguments = parser.parse_args()
    return checks.play("interop_seal", LIMIT_SECONDS, lambda r: interop(r, arguments.binary))


def interop(report, binary):
    with DevServer(openbao()) as keeper:
        keeper.write("sys/mounts/transit", {"type": "transit"})
        keeper.write("transit/keys/autounseal")
        keeper.write("sys/policies/acl/autounseal", {"policy": POLICY})
        made = keeper.write(
            "auth/token/create", {"policies": ["autounseal"], "period": "24h", "no_parent": True}
        )
        transit(report, binary, keeper, made["auth"]["client_token"])
    static(report, binary)


class Sealed:
    """Our server with a `seal` stanza of its own."""

    def __init__(self, binary):
        self.server = FileServer(binary)
        with open(self.server.configuration) as file:
            self.plain = file.read()

    def configure(self, stanza):
        with open(self.server.configuration, "w") as file:
            file.write(self.plain + stanza)

    def write(self, name, content):
        path = os.path.join(self.server.home, name)
        with open(path, "wb") as file:
            file.write(content)

    def call(self, method, path, body=None, token=None):
        headers = {"X-Vault-Token": token} if token else {}
        url = f"{self.server.address}/v1/{path}"
        return requests.request(
            method, url, json=body, headers=headers, timeout=15, verify=self.server.authority
        )

    def status(self):
        return self.call("GET", "sys/seal-status").json()

    def opens(self):
        """Whether it opens by itself."""
        deadline = time.monotonic() + OPEN_SECONDS
        while time.monotonic() < deadline:
            if not self.status()["sealed"]:
                return True
            time.sleep(0.2)
        return False

    def log(self):
        with open(self.server.log) as log:
            return log.read()

    def run(self, *words, token=""):
        environment = {
            **os.environ,
            "HOME": self.server.home,
            "VAULT_ADDR": self.server.address,
            "VAULT_CACERT": self.server.authority,
            "VAULT_TOKEN": token,
        }
        command = [self.server.binary, *words]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=30)
        return done


def transit(report, binary, keeper, token):
    ours = Sealed(binary)
    ours.write("token", token.encode())
    stanza = TRANSIT.format(address=keeper.address, home=ours.server.home)
    ours.configure(stanza)
    with ours.server:
        body = {"recovery_shares": 1, "recovery_threshold": 1}
        made = ours.call("PUT", "sys/init", body).json()
        root = made["root_token"]
        report.equal("recovery keys are given", len(made["recovery_keys"]), 1)
        report.equal("no unseal keys are given", made["keys"], [])
        report.check("it opens when it is initialised", not ours.status()["sealed"])
        report.equal("its seal is OpenBao's transit engine", ours.status()["type"], "transit")
        ours.call("POST", "cubbyhole/x", {"a": "b"}, root)
        backup = os.path.join(ours.server.home, "backup.snapshot")
        done = ours.run("operator", "backup", backup, token=root)
        report.equal("it is backed up", done.returncode, 0)

        ours.server.stop()
        ours.server.start()
        report.check("it opens by itself after a restart", ours.opens())
        found = ours.call("GET", "cubbyhole/x", token=root).json()
        report.equal("it has what was stored", found.get("data"), {"a": "b"})

        ours.server.stop()
        os.kill(keeper.process.pid, signal.SIGSTOP)
        try:
            ours.server.start()
            time.sleep(7)
            report.check("it starts sealed while OpenBao does not answer", ours.status()["sealed"])
            told = "the server stays sealed" in ours.log()
            report.check("its log says why", told, ours.log()[-500:])
        finally:
            os.kill(keeper.process.pid, signal.SIGCONT)
        report.check("it opens when OpenBao answers again", ours.opens(), ours.log()[-500:])

        keeper.write("transit/keys/autounseal/rotate")
        ours.server.stop()
        ours.server.start()
        report.check("it opens after OpenBao has rotated its key", ours.opens())
        report.check("no token is in its log", token not in ours.log() and root not in ours.log())

        other = Sealed(binary)
        other.write("token", token.encode())
        other.configure(TRANSIT.format(address=keeper.address, home=other.server.home))
        with other.server:
            done = other.run("operator", "restore", backup)
            report.equal("an empty server is restored", done.returncode, 0)
            report.check("what was restored opens by itself", other.opens(), other.log()[-500:])
            found = other.call("GET", "cubbyhole/x", token=root).json()
            report.equal("what was restored has it all", found.get("data"), {"a": "b"})


def static(report, binary):
    ours = Sealed(binary)
    home = ours.server.home
    for name in ("first", "second"):
        ours.write(f"{name}.key", os.urandom(32))
    ours.configure(STATIC.format(home=home, current="first", previous=""))
    with ours.server:
        done = ours.run("operator", "init", "-recovery-shares=0", "-format=json")
        report.equal("the command line initialises it", done.returncode, 0)
        report.check("a static key opens it", ours.opens())
        previous = PREVIOUS.format(home=home, previous="first")
        for name, stanza in [
            ("both keys", STATIC.format(home=home, current="second", previous=previous)),
            ("the second key alone", STATIC.format(home=home, current="second", previous="")),
        ]:
            ours.server.stop()
            ours.configure(stanza)
            ours.server.start()
            report.check(f"it opens with {name}", ours.opens(), ours.log()[-500:])
        ours.server.stop()
        ours.configure("")
        try:
            ours.server.start()
            report.check("a configuration without its seal is refused", False, "it started")
        except SystemExit as error:
            named = 'configure `seal "static"`' in str(error)
            report.check("a configuration without its seal is refused", named, error)


if __name__ == "__main__":
    sys.exit(main())
