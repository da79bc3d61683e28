"""Guide 002, "Configure JWT authentication": its table and its printed token, as they stand there.

The guide's own `[idps]` table is added to an IAM file that defines the role of its token; the token
then gets the version over HTTP, through `pvault --authtoken ... version`, and through the npm client
`@piiano/vault-client`, unmodified. The client is skipped where Node.js or the package can't be had.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

import requests

import checks
import guide
from devserver import REQUEST_SECONDS, ROOT_TOKEN, DevServer

GUIDE = "002-direct-jwt.txt"
LIMIT_SECONDS = 300
INSTALL_SECONDS = 120
COMMAND_SECONDS = 30
NODE_FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "guide_002_node")
# What the guide takes for granted: the role that its token asks for.
FILE = """
[users]

[roles.VaultAdminRole]
capabilities = ["*"]
policies = ["*"]

[policies]

"""
COLUMNS = ["vault_id", "vault_version", "cli_version", "db_schema_version"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--binary", required=True, help="our server")
    arguments = parser.parse_args()
    found = guide.path(GUIDE)
    if found is None:
        print(f"guide_002: the guide {GUIDE} is not beside the repository; 0 passed, 0 failed, 1 skipped")
        return 0
    with open(found) as file:
        text = file.read()
    return checks.play("guide_002", LIMIT_SECONDS, lambda r: play(r, arguments.binary, text))


def play(report, binary, text):
    table = between(text, "This results in an idps table like this:", "Add this content")
    token = re.search(r"^(eyJ\S+)$", text, re.MULTILINE).group(1)
    command = re.search(r"^(pvault --authtoken eyJ\S+ version)$", text, re.MULTILINE).group(1)
    with DevServer(binary) as server, tempfile.TemporaryDirectory(prefix="guide-002-") as folder:
        iam = os.path.join(folder, "iam.toml")
        with open(iam, "w") as file:
            file.write(FILE + table)
        program = os.path.join(folder, "pvault")
        os.symlink(os.path.abspath(binary), program)

        def pvault(script):
            return run(script, folder, {"PVAULT_ADDR": server.address})

        unknown = get(server, "system/info/version", token)
        report.equal("before the file is applied, the token is nothing", unknown.status_code, 401)
        status, out = pvault(f"pvault --authtoken {ROOT_TOKEN} iam apply --conf=@iam.toml")
        report.check("the administrator applies the file", status == 0, out)
        over_http(report, server, token, iam)
        status, out = pvault(command)
        report.check("the guide's command prints the guide's columns", columns(out) == COLUMNS, out)
        status, out = pvault("pvault --authtoken wrong version")
        refused = status == 1 and out.startswith("Error code: PV1005, Status code: 401, Message: ")
        report.check("a wrong key is refused in one line", refused, out)
        npm_client(report, server, token, iam, folder)


def over_http(report, server, token, iam):
    version = get(server, "system/info/version", token)
    report.equal("the printed token gets the version", version.status_code, 200)
    schema = version.json()["db_schema_version"]
    report.check("its schema version is a number", isinstance(schema, int), schema)
    with open(iam) as file:
        report.equal("the file comes back as it was applied", get(server, "ctl/iam/conf", token).text, file.read())
    header, payload, signature = token.split(".")
    forged = f"{header}.{payload}.{'A' * 10}{signature[10:]}"
    answer = get(server, "system/info/version", forged)
    expected = {"error_code": "PV1005", "message": "The request is unauthorized.", "context": {}}
    report.equal("a forged signature is refused", (answer.status_code, answer.json()), (401, expected))
    absent = get(server, "data/collections", token)
    report.equal("what is not there says so", (absent.status_code, absent.json()["error_code"]), (501, "PV2001"))


def npm_client(report, server, token, iam, folder):
    why_not = install(folder)
    if why_not:
        report.skip("@piiano/vault-client", why_not)
        return
    status, out = run(f"node main.mjs {server.address} {token} {iam}", folder, {})
    if not report.check("npm client: it runs to its end", status == 0, out):
        return
    found = json.loads(out)
    with open(iam) as file:
        text = file.read()
    report.check("npm client: getVaultVersion", isinstance(found["version"]["db_schema_version"], int))
    report.equal("npm client: controlHealth", found["controlHealth"], {"status": "pass"})
    report.equal("npm client: getIamConf", found["before"], text)
    report.equal("npm client: setIamConf", (found["applied"], found["after"]), (None, text))
    refusal = found["refusal"]
    code = refusal["body"]["error_code"]
    report.equal("npm client: a bad key is a 401", (refusal["status"], code), (401, "PV1005"))
    report.check("npm client: which it can print", "PV1005" in refusal["printed"], refusal["printed"])


def install(folder):
    """Installs the client beside its script; returns why not."""
    if not shutil.which("node") or not shutil.which("npm"):
        return "Node.js is not installed"
    for name in ("main.mjs", "package.json", "package-lock.json"):
        shutil.copy(os.path.join(NODE_FOLDER, name), folder)
    done = subprocess.run(
        ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"],
        cwd=folder, capture_output=True, text=True, timeout=INSTALL_SECONDS,
    )
    return None if done.returncode == 0 else f"npm: {done.stderr.strip()[-200:]}"


def get(server, path, token):
    """A call of the API, as `curl -H "Authorization: Bearer ..."` makes it."""
    headers = {"Authorization": f"Bearer {token}"}
    return requests.get(f"{server.address}/api/pvlt/1.0/{path}", headers=headers, timeout=REQUEST_SECONDS)


def run(script, folder, environment):
    """Runs a shell command in the folder, with the folder's programs; returns status and output."""
    done = subprocess.run(
        ["sh", "-c", script], cwd=folder, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=COMMAND_SECONDS,
        env={"PATH": f"{folder}:{os.environ['PATH']}", "HOME": folder, **environment},
    )
    return done.returncode, done.stdout


def columns(out):
    """The titles of a table with a frame."""
    lines = out.splitlines()
    return [title.strip() for title in lines[1].strip("|").split("|")] if len(lines) == 5 else None


def between(text, start, end):
    return text.split(start, 1)[1].split(end, 1)[0].strip() + "\n"


if __name__ == "__main__":
    sys.exit(main())
