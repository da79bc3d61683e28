"""People log in through npm's `oidc-provider`, a certified OpenID provider, with our command line and
with OpenBao's, and with ours to OpenBao's server.

A browser is not needed: this script opens the address that the command line prints, follows the
provider's redirects, and submits its forms, as far as the page that the command line shows. What the
provider knows of a person is in its userinfo endpoint, and each login is one of another person.
"""

import argparse
import html.parser
import json
import os
import subprocess
import sys
import tempfile
import threading
from urllib.parse import parse_qs, urljoin, urlsplit

import requests

import checks
import provider
from devserver import DevServer, free_port, openbao

LIMIT_SECONDS = 240
LOGIN_SECONDS = 30
FORMS_MAX = 6
SECRET = "the secret, of people: 100%"
MOUNT = "oidc"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--binary", required=True, help="our server and command line")
    arguments = parser.parse_args()
    return checks.play("interop_people", LIMIT_SECONDS, lambda r: interop(r, arguments.binary))


def interop(report, binary):
    with tempfile.TemporaryDirectory(prefix="issuer-node-") as folder:
        why_not = provider.install(folder)
        if why_not:
            report.skip("oidc-provider", why_not)
            return
        with DevServer(binary) as ours, provider.Provider(folder) as theirs:
            issuer = theirs.serve("one", "RS256")
            ours.write(f"sys/auth/{MOUNT}", {"type": "oidc"})
            for program in [os.path.abspath(binary), openbao()]:
                name = os.path.basename(program)
                configure(ours, issuer)
                play(report, name, Person(ours, program))
            log = open(ours.log).read()
            report.check("the secret of the client is not in the log", SECRET not in log)
            rotate(report, ours, theirs, Person(ours, os.path.abspath(binary)))
            with DevServer(openbao()) as other:
                other.write(f"sys/auth/{MOUNT}", {"type": "oidc"})
                configure(other, theirs.issuer)
                auth, _ = Person(other, os.path.abspath(binary)).log_in("ada")
                what = "our command line logs in to OpenBao's server"
                report.equal(what, auth["metadata"], {"role": "person"})
                configure(other, theirs.issuer, oidc_response_mode="form_post")
                auth, _ = Person(other, os.path.abspath(binary)).log_in("grace")
                report.equal(f"{what} by form_post", auth["metadata"], {"role": "person"})


def configure(server, issuer, **parameters):
    config = {
        "oidc_discovery_url": issuer,
        "oidc_client_id": "people",
        "oidc_client_secret": SECRET,
        "jwt_supported_algs": ["RS256", "ES256"],
        **parameters,
    }
    server.write(f"auth/{MOUNT}/config", config)
    role = {
        "role_type": "oidc",
        "user_claim": "email",
        "groups_claim": "groups",
        "bound_claims": {"groups": ["people"]},
        "allowed_redirect_uris": ["http://localhost:8250/oidc/callback"],
        "oidc_scopes": ["email", "groups"],
        "max_age": "1h",
        "token_policies": ["person"],
    }
    server.write(f"auth/{MOUNT}/role/person", role)
    server.write(f"auth/{MOUNT}/role/nobody", {**role, "bound_claims": {"groups": ["nobody"]}})


def play(report, name, person):
    auth, page = person.log_in("ada")
    report.equal(f"{name}: who logs in", auth["metadata"], {"role": "person"})
    report.equal(f"{name}: what for", auth["policies"], ["default", "person"])
    alias = person.server.read(f"identity/entity/id/{auth['entity_id']}")["aliases"][0]["name"]
    report.equal(f"{name}: as whom, by the userinfo endpoint", alias, "ada@people.example")
    report.equal(f"{name}: the page is one", page.status_code, 200)

    said, page = person.fail("ada", role="nobody")
    claims = 'error validating claims: claim "groups" does not match'
    report.check(f"{name}: whom the role does not let in", claims in said, said[-300:])

    said, page = person.fail("ada", role="person", agrees=False)
    refused = ["access_denied", "No code or id_token received"]
    report.check(f"{name}: who does not agree", any(word in said for word in refused), said[-300:])

    said = person.refused(role="person", callbackhost="evil.example")
    unable = 'Unable to authorize role "person" with redirect_uri "http://evil.example'
    report.check(f"{name}: a redirect URI that is not allowed", unable in said, said[-300:])

    issuer = person.server.read(f"auth/{MOUNT}/config")["oidc_discovery_url"]
    configure(person.server, issuer, oidc_response_mode="form_post")
    auth, page = person.log_in("grace")
    report.equal(f"{name}: by form_post", auth["metadata"], {"role": "person"})

    configure(person.server, issuer, oidc_client_secret="another")
    said, page = person.fail("ada", role="person")
    report.check(f"{name}: a wrong secret of the client", "invalid_client" in said, said[-300:])


def rotate(report, server, theirs, person):
    """A login that was begun before a rotation, and ends after it."""
    configure(server, theirs.issuer)
    theirs.serve("two", "ES256")
    auth, _ = person.log_in("ada")
    report.equal("after a rotation", auth["metadata"], {"role": "person"})
    state, code, nonce = person.browse_to_code("ada")
    answer = {"state": state, "code": code, "client_nonce": nonce}
    path = f"auth/{MOUNT}/oidc/callback"
    get = lambda query: requests.get(f"{server.address}/v1/{path}", params=query, timeout=10)
    report.equal("somebody else's client_nonce", get({**answer, "client_nonce": "x"}).status_code, 400)
    expired = {"errors": ["Vault login failed. Expired or missing OAuth state."]}
    report.equal("and then the right one", get(answer).json(), expired)


class Forms(html.parser.HTMLParser):
    """The first form of a page, and the links."""

    def __init__(self, text):
        super().__init__()
        self.action, self.fields, self.links = None, {}, []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if tag == "form" and self.action is None:
            self.action = attributes.get("action", "")
        elif tag == "input" and attributes.get("name"):
            self.fields[attributes["name"]] = attributes.get("value") or ""
        elif tag == "a":
            self.links.append(attributes.get("href", ""))


def browse(url, login, agrees=True, stop_at=None):
    """Opens an address and does what a person would, up to a page without a form."""
    session = requests.Session()
    answer = session.get(url, timeout=LOGIN_SECONDS, allow_redirects=False)
    for _ in range(4 * FORMS_MAX):
        if answer.is_redirect:
            target = urljoin(answer.url, answer.headers["location"])
            if stop_at and target.startswith(stop_at):
                return target
            answer = session.get(target, timeout=LOGIN_SECONDS, allow_redirects=False)
            continue
        forms = Forms(answer.text)
        if forms.action is None:
            return answer
        aborts = [link for link in forms.links if link.endswith("/abort")]
        if not agrees and aborts:
            target = urljoin(answer.url, aborts[0])
            answer = session.get(target, timeout=LOGIN_SECONDS, allow_redirects=False)
            continue
        fields = forms.fields
        if "login" in fields:
            fields = {**fields, "login": login, "password": "any"}
        target = urljoin(answer.url, forms.action)
        answer = session.post(target, fields, timeout=LOGIN_SECONDS, allow_redirects=False)
    raise AssertionError(f"no end of forms at {answer.url}")


class Person:
    """Somebody with a command line."""

    def __init__(self, server, program):
        self.server, self.program = server, program

    def start(self, **words):
        words = {"port": str(free_port()), "skip_browser": "true", **words}
        home = self.server.home
        address = self.server.address
        environment = {"HOME": home, "PATH": "/usr/bin:/bin", "VAULT_ADDR": address, "BAO_ADDR": address}
        arguments = [f"{name}={value}" for name, value in words.items()]
        flags = ["-method=oidc", f"-path={MOUNT}", "-no-store", "-format=json"]
        return subprocess.Popen(
            [self.program, "login", *flags, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
        )

    def run(self, login, agrees=True, **words):
        """A whole login; exit code, standard output, standard error and the page at its end."""
        process = self.start(**words)
        killer = threading.Timer(LOGIN_SECONDS, process.kill)
        killer.start()
        said, page = "", None
        for line in process.stderr:
            said += line
            if line.strip().startswith("http"):
                page = browse(line.strip(), login, agrees)
        out = process.stdout.read()
        code = process.wait()
        killer.cancel()
        return code, out, said, page

    def log_in(self, login):
        code, out, said, page = self.run(login, role="person")
        if code != 0:
            raise AssertionError(f"{self.program} login: {code} {out} {said}")
        return json.loads(out)["auth"], page

    def fail(self, login, agrees=True, **words):
        code, out, said, page = self.run(login, agrees, **words)
        if code != 2:
            raise AssertionError(f"{self.program} login: {code} {out} {said}")
        return said + out, page

    def refused(self, **words):
        """A login that can't begin."""
        process = self.start(**words)
        out, said = process.communicate(timeout=LOGIN_SECONDS)
        return out + said

    def browse_to_code(self, login):
        """Without a command line: what the provider sends to the redirect URI."""
        redirect_uri = "http://localhost:1/oidc/callback"
        body = {"role": "person", "redirect_uri": redirect_uri, "client_nonce": "n"}
        begun = self.server.write(f"auth/{MOUNT}/oidc/auth_url", body, token=None)
        target = browse(begun["data"]["auth_url"], login, stop_at=redirect_uri)
        query = parse_qs(urlsplit(target).query)
        return query["state"][0], query["code"][0], "n"


if __name__ == "__main__":
    sys.exit(main())
