"""Guide 001, JWT authentication: its three commands as printed, and logins that hold and do not.

The guide's issuer, https://your-oidc-provider.com/, is one on loopback here, with the same slash at
the end of its name. Everything else is as it stands there.
"""

import argparse
import json
import re
import sys
import time

import checks
import guide
import guide_text
from devserver import ROOT_TOKEN, DevServer, Refused, tampered
from guide import Shell
from issuer import KEYS, Issuer, Key

GUIDE = "001-jwt-auth.txt"
LIMIT_SECONDS = 180
SHOWN_ISSUER = "https://your-oidc-provider.com"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--binary", required=True, help="our server and command line")
    parser.add_argument("--cli", choices=["vault", "bao"], default="vault")
    arguments = parser.parse_args()
    path = guide.path(GUIDE)
    if path is None:
        print(f"skipped: ../shared/guides/{GUIDE} is not here")
        return 0
    return checks.play("guide_001", LIMIT_SECONDS, lambda r: play(r, arguments, path))


def play(report, arguments, path):
    with DevServer(arguments.binary) as server, Issuer(slash="/") as issuer:
        with Shell(arguments.cli, arguments.binary, server.address) as shell:
            for command in guide_text.commands(path):
                run(report, shell, command.replace(SHOWN_ISSUER, issuer.address))
        Logins(report, server, issuer, claims_of(path)).all()


def run(report, shell, command):
    status, out, err = shell.run(command, ROOT_TOKEN)
    report.check(command.splitlines()[0], status == 0, f"exit status {status}\n{out}{err}")


def claims_of(path):
    """The claims that the guide shows, without its times, which are long past."""
    with open(path) as file:
        shown = re.search(r"^\{.*?^\}", file.read(), re.DOTALL | re.MULTILINE).group(0)
    return {name: value for name, value in json.loads(shown).items() if name not in ("iat", "exp")}


class Logins:
    def __init__(self, report, server, issuer, claims):
        self.report, self.server, self.issuer = report, server, issuer
        # The guide's token, but from the issuer that stands for the guide's.
        self.claims = claims | {"iss": issuer.name}

    def log_in(self, jwt):
        login = {"role": "developer-role", "jwt": jwt}
        return self.server.write("auth/jwt/login", login, token=None)["auth"]

    def token(self, **changes):
        return self.issuer.token(self.claims | changes)

    def all(self):
        self.as_shown()
        self.external_group()
        self.rotated()
        fetched = len(self.issuer.fetched)
        self.refused()
        self.report.equal("for that nothing was fetched", len(self.issuer.fetched), fetched)

    def as_shown(self):
        auth = self.log_in(self.token())
        self.report.equal("the guide's token logs in", auth["policies"], ["default", "developer-policy"])
        entity = self.server.read(f"identity/entity/id/{auth['entity_id']}")
        alias = entity["aliases"][0]["name"]
        self.report.equal("as the identity user-12345", alias, "user-12345")
        again = self.log_in(self.token())
        self.report.equal("the next login is the same entity", again["entity_id"], auth["entity_id"])
        # The audience as a list, as other issuers write it.
        listed = self.log_in(self.token(aud=["other", "vault-aud-value"]))
        self.report.equal("one of several audiences", listed["entity_id"], auth["entity_id"])

    def external_group(self):
        accessor = self.server.read("sys/auth")["jwt/"]["accessor"]
        group = {"name": "developers", "type": "external", "policies": ["from-the-group"]}
        made = self.server.write("identity/group", group)["data"]["id"]
        alias = {"name": "developers", "mount_accessor": accessor, "canonical_id": made}
        self.server.write("identity/group-alias", alias)
        auth = self.log_in(self.token())
        held = auth["identity_policies"]
        self.report.equal("the groups claim joins groups", held, ["from-the-group"])

    def refused(self):
        now = int(time.time())
        stranger = Key(self.issuer.keys[0].kid)
        good = self.token()
        for name, jwt, part in [
            ("another audience", self.token(aud="other"), "audience"),
            ("an audience that only begins alike", self.token(aud="vault-aud-value2"), "audience"),
            ("no audience", self.token(aud=None), "audience"),
            ("the issuer without its slash", self.token(iss=self.issuer.address), "iss"),
            ("another issuer", self.token(iss="https://evil.example/"), "iss"),
            ("not in the group", self.token(groups=["ops"]), "groups"),
            ("a group that only begins alike", self.token(groups=["developers2"]), "groups"),
            ("no groups", self.token(groups=None), "groups"),
            ("expired", self.token(iat=now - 7200, exp=now - 3600), "exp"),
            ("not yet valid", self.token(nbf=now + 3600), "nbf"),
            ("no subject", self.token(sub=None), "sub"),
            ("a changed signature", tampered(good), "signature"),
            ("another key of the same id", self.issuer.token(self.claims, key=stranger), "signature"),
            ("no token", "x", ""),
        ]:
            self.refuses(name, jwt, part)

    def refuses(self, name, jwt, part):
        try:
            self.log_in(jwt)
        except Refused as error:
            holds = error.status == 400 and part in str(error)
            self.report.check(f"{name} is refused", holds, error)
        else:
            self.report.check(f"{name} is refused", False, "it logged in")

    def rotated(self):
        """The issuer changes its key; nothing has to be done here."""
        old, fetched = self.token(), len(self.issuer.fetched)
        self.issuer.rotate()
        self.report.check("a new key of the issuer is found", self.log_in(self.token()))
        keys = self.issuer.fetched[fetched:].count(KEYS)
        self.report.equal("by one fetch of its keys", keys, 1)
        self.refuses("a token of the key that is gone", old, "signature")


if __name__ == "__main__":
    sys.exit(main())
