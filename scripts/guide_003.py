"""Guide 003, oidc.pub to Vault: its commands as printed, and logins that hold and do not.

The guide's issuer, https://k8s-prod.oidc.pub, is one on loopback here. Everything else is as it
stands there; `$OIDC_TOKEN` is a token of that issuer.
"""

import argparse
import sys

import checks
import guide
import guide_text
from devserver import ROOT_TOKEN, DevServer, Refused, tampered
from guide import Shell, table
from issuer import Issuer

GUIDE = "003-oidc-pub-to-vault.txt"
LIMIT_SECONDS = 180
SHOWN_ISSUER = "https://k8s-prod.oidc.pub"
POD = {"aud": "vault", "sub": "system:serviceaccount:default:my-app"}
JOB = {
    "aud": "https://gitlab.oidc.pub",
    "sub": "project_path:mygroup/myproject:ref_type:branch:ref:main",
}
ENTITY = {"aud": "vault", "sub": "vault-entity-id"}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--binary", required=True, help="our server and command line")
    parser.add_argument("--cli", choices=["vault", "bao"], default="vault")
    arguments = parser.parse_args()
    path = guide.path(GUIDE)
    if path is None:
        print(f"skipped: ../shared/guides/{GUIDE} is not here")
        return 0
    return checks.play("guide_003", LIMIT_SECONDS, lambda r: play(r, arguments, path))


def play(report, arguments, path):
    commands = guide_text.once(guide_text.commands(path))
    with DevServer(arguments.binary) as server, Issuer() as issuer:
        with Shell(arguments.cli, arguments.binary, server.address) as shell:
            flow = Flow(report, server, issuer, shell)
            for command in commands:
                flow.run(command.replace(SHOWN_ISSUER, issuer.address))
        flow.logins()
        flow.refusals()
        flow.second_issuer()


class Flow:
    def __init__(self, report, server, issuer, shell):
        self.report, self.server, self.issuer, self.shell = report, server, issuer, shell

    def run(self, command):
        is_login = command.startswith("vault write auth/jwt/login")
        token = "" if is_login else ROOT_TOKEN
        environment = {"OIDC_TOKEN": self.issuer.token(POD)}
        status, out, err = self.shell.run(command, token, environment)
        self.report.check(command.splitlines()[0], status == 0, f"exit {status}\n{out}{err}")
        if is_login:
            rows = table(out)
            held = rows.get("token_policies", "")
            self.report.equal("the login shows the policies", held, '["app-read" "default"]')
            self.report.equal("and the life of the token", rows.get("token_duration"), "1h")

    def log_in(self, role, jwt, mount="jwt"):
        login = {"role": role, "jwt": jwt}
        return self.server.write(f"auth/{mount}/login", login, token=None)["auth"]

    def logins(self):
        for role, claims, policy in [
            ("k8s-workload", POD, "app-read"),
            ("k8s-workload", POD | {"aud": ["other", "vault"]}, "app-read"),
            ("gitlab-main", JOB, "ci-read"),
            ("external-vault", ENTITY, "vault-federation"),
        ]:
            auth = self.log_in(role, self.issuer.token(claims))
            name = f"{role} logs in with aud={claims['aud']}"
            self.report.equal(name, auth["policies"], sorted(["default", policy]))
            entity = self.server.read(f"identity/entity/id/{auth['entity_id']}")
            alias = entity["aliases"][0]["name"]
            self.report.equal("its alias is the subject", alias, claims["sub"])

    def refusals(self):
        with Issuer() as stranger:
            for name, role, jwt in [
                ("another audience", "k8s-workload", self.issuer.token(POD | {"aud": "other"})),
                ("an empty audience", "k8s-workload", self.issuer.token(POD | {"aud": ""})),
                ("no audience", "k8s-workload", self.issuer.token(POD | {"aud": None})),
                ("another subject", "k8s-workload", self.issuer.token(POD | {"sub": POD["sub"] + "2"})),
                ("another branch", "gitlab-main", self.issuer.token(JOB | {"sub": JOB["sub"] + "2"})),
                ("another role", "external-vault", self.issuer.token(POD)),
                ("a role that is not there", "zz", self.issuer.token(POD)),
                ("a changed signature", "k8s-workload", tampered(self.issuer.token(POD))),
                ("another issuer", "k8s-workload", stranger.token(POD)),
                (
                    "another issuer under this name",
                    "k8s-workload",
                    stranger.token(POD | {"iss": self.issuer.name}),
                ),
            ]:
                self.refuses(name, role, jwt)

    def refuses(self, name, role, jwt, mount="jwt"):
        try:
            self.log_in(role, jwt, mount)
            status = 200
        except Refused as error:
            status = error.status
        self.report.equal(f"{name} is refused", status, 400)

    def second_issuer(self):
        """ "Mount separate JWT backends at different paths" to trust several issuers."""
        with Issuer() as other:
            self.server.write("sys/auth/jwt2", {"type": "jwt"})
            config = {"oidc_discovery_url": other.name, "bound_issuer": other.name}
            self.server.write("auth/jwt2/config", config)
            role = {"role_type": "jwt", "user_claim": "sub", "bound_audiences": "vault"}
            self.server.write("auth/jwt2/role/other", role)
            auth = self.log_in("other", other.token(POD), "jwt2")
            self.report.check("another issuer at another mount", auth["client_token"])
            first = self.log_in("k8s-workload", self.issuer.token(POD))
            apart = auth["entity_id"] != first["entity_id"]
            self.report.check("the same subject of another issuer is somebody else", apart)
            self.refuses("the first issuer's token there", "other", self.issuer.token(POD), "jwt2")
            self.refuses("the other's at the first mount", "k8s-workload", other.token(POD))


if __name__ == "__main__":
    sys.exit(main())
