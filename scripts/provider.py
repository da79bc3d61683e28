"""npm's `oidc-provider`, a certified OpenID provider, in a process of its own."""

import json
import os
import subprocess
import threading
from urllib.parse import quote

import requests

import node
from issuer import Key

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "issuer_node")
AUDIENCE = "https://vault.example"
SECRET = "the secret of the workload"
READY_SECONDS = 20


def install(folder):
    """Installs it into a folder; returns why not, if that can't be."""
    return node.install(FOLDER, folder)


class Provider:
    """Use as a context manager: npm's oidc-provider, in a process of its own."""

    def __init__(self, folder):
        self.folder, self.paths = folder, []
        self.ready, self.issuer = threading.Event(), None

    def __enter__(self):
        self.process = subprocess.Popen(
            ["node", "main.mjs"],
            cwd=self.folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        threading.Thread(target=self.listen, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait(READY_SECONDS)

    def listen(self):
        for line in self.process.stdout:
            # The provider's own notices are no JSON.
            if not line.startswith("{"):
                continue
            told = json.loads(line)
            if "ready" in told:
                self.issuer = told["ready"]
                self.ready.set()
            else:
                self.paths.append(told["path"])

    def serve(self, kid, algorithm):
        """Starts the provider over with a new key alone; returns the issuer."""
        self.ready.clear()
        line = {"keys": [Key(kid, algorithm).secret()]}
        self.process.stdin.write(json.dumps(line) + "\n")
        self.process.stdin.flush()
        if not self.ready.wait(READY_SECONDS):
            raise TimeoutError("oidc-provider does not start")
        return self.issuer

    def token(self, audience=AUDIENCE):
        """An access token of the workload for a resource, by its client credentials."""
        form = {"grant_type": "client_credentials", "resource": audience, "scope": "read"}
        answer = requests.post(
            f"{self.issuer}/token", auth=("workload", quote(SECRET)), data=form, timeout=10
        )
        answer.raise_for_status()
        return answer.json()["access_token"]

    def fetched(self):
        """How often somebody has asked for the keys."""
        return sum(path == "/jwks" for path in self.paths)
