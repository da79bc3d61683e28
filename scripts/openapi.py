#!/usr/bin/env python3
"""The OpenAPI document is valid, and the server does what it says, whatever it is sent.

A validator reads the document of a development server with everything mounted; then schemathesis
makes requests from it, good and bad, and looks at the answers: none may be a 5xx, and each must be
one that the document describes. Bounded in time and in requests.
"""

import argparse
import os
import subprocess
import sys

from openapi_spec_validator import validate

from checks import play
from devserver import ROOT_TOKEN, DevServer, Refused

DOCUMENT = "sys/internal/specs/openapi"
MOUNTS = {
    "sys/auth": ["approle", "userpass", "jwt", "kubernetes"],
    "sys/mounts": ["kv"],
}
# Operations that would end the server, the token or this machine's peace, and why.
EXCLUDED = {
    "/sys/seal": "seals the server",
    "/auth/token/revoke-self": "revokes the token that all requests are made with",
    "/sys/audit/{path}": "writes files at the paths that it is sent, and its device may stop all others",
}
CHECKS = [
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
]
SECONDS = 120
SPARE_SECONDS = 120
EXAMPLES_MAX = 15
RESPONSE_SECONDS_MAX = 10


def mount_everything(server, report):
    for place, kinds in MOUNTS.items():
        for kind in kinds:
            try:
                server.write(f"{place}/{kind}", {"type": kind})
            except Refused as refused:
                report.skip(f"mount {kind}", refused)


def validated(server, report):
    whole = server.call("GET", DOCUMENT)
    generic = server.call("GET", f"{DOCUMENT}?generic_mount_paths=true")
    for name, document in [("the document", whole), ("the one for any server", generic)]:
        try:
            validate(document)
            report.check(f"{name} is valid ({len(document['paths'])} paths)", True)
        except Exception as fault:
            report.check(f"{name} is valid", False, fault)
    for path in EXCLUDED:
        if path not in whole["paths"]:
            report.skip(f"leave out {path}", "there is no such path")


def schemathesis(server, seconds, examples, only):
    """Runs it against the server; returns the exit status and what it printed."""
    program = os.path.join(os.path.dirname(sys.executable), "schemathesis")
    call = [program, "run", f"{server.address}/v1/{DOCUMENT}"]
    call += ["--url", f"{server.address}/v1", "--header", f"X-Vault-Token:{ROOT_TOKEN}"]
    call += ["--checks", ",".join(CHECKS), "--phases", "coverage,fuzzing"]
    call += ["--max-examples", str(examples), "--max-time", str(seconds)]
    call += ["--max-response-time", str(RESPONSE_SECONDS_MAX), "--continue-on-failure"]
    call += ["--suppress-health-check", "all", "--warnings", "off", "--no-color"]
    for path in EXCLUDED:
        call += ["--exclude-path", path]
    if only:
        call += ["--include-path-regex", only]
    ran = subprocess.run(
        call,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=seconds + SPARE_SECONDS,
        cwd=server.home,
        check=False,
    )
    return ran.returncode, ran.stdout


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binary", default="target/debug/vouchsafe")
    parser.add_argument("--seconds", type=int, default=SECONDS)
    parser.add_argument("--examples", type=int, default=EXAMPLES_MAX)
    parser.add_argument("--only", help="a regular expression for paths")
    arguments = parser.parse_args()

    def body(report):
        with DevServer(arguments.binary) as server:
            mount_everything(server, report)
            validated(server, report)
            seconds, examples = arguments.seconds, arguments.examples
            status, printed = schemathesis(server, seconds, examples, arguments.only)
            report.check("schemathesis finds nothing", status == 0, printed)
            print("\n".join(printed.splitlines()[-12:]))
            report.equal("the server still runs", server.process.poll(), None)
            report.check("the token still works", server.read("auth/token/lookup-self"))
            with open(server.log) as log:
                panics = [line for line in log if "panicked" in line]
            report.equal("nothing panicked", panics, [])

    return play("openapi", arguments.seconds + 2 * SPARE_SECONDS, body)


if __name__ == "__main__":
    sys.exit(main())
