"""In-line login: the same headers for OpenBao and for us.

A `{name}` in a header is replaced by the player, so a field's JSON is encoded here, where nothing of
it is known only later.
"""

import base64
import json


def field(key, value):
    text = json.dumps({"key": key, "value": value}).encode()
    return base64.urlsafe_b64encode(text).decode().rstrip("=")


def headers(path, operation=None, **fields):
    sent = {"X-Vault-Inline-Auth-Path": path}
    if operation is not None:
        sent["X-Vault-Inline-Auth-Operation"] = operation
    for key, value in fields.items():
        sent[f"X-Vault-Inline-Auth-Parameter-{key}"] = field(key, value)
    return sent


def ask(method, path, inline, body=None, **more):
    S(method, path, body, token=None, headers=inline, **more)


APP = """
path "secret/*" { capabilities = ["create", "read", "update", "delete", "list"] }
path "sys/wrapping/*" { capabilities = ["update"] }
path "identity/*" { capabilities = ["read", "list"] }
"""
USER = "auth/userpass/login/bob"
BOB = headers(USER, password="correct")
TIMES = ["created_time", "deletion_time", "updated_time"]

S("POST", "sys/policies/acl/app", {"policy": APP})
S("POST", "sys/auth/userpass", {"type": "userpass"})
S("POST", "auth/userpass/users/bob", {"password": "correct", "token_policies": "app"})
S("POST", "sys/auth/approle", {"type": "approle"})
role = {"token_policies": "app", "bind_secret_id": False, "secret_id_bound_cidrs": "127.0.0.0/8"}
S("POST", "auth/approle/role/ci", role)
S("POST", "auth/approle/role/ci/role-id", {"role_id": "ci"})
S("POST", "sys/auth/jwt", {"type": "jwt"})
S("POST", "auth/jwt/config", {"oidc_discovery_url": idp.url})
role = {"role_type": "jwt", "user_claim": "sub", "bound_audiences": "app", "token_policies": "app"}
S("POST", "auth/jwt/role/ci", role)

# Each method, each operation on a secret.
ask("POST", "secret/data/a", BOB, {"data": {"x": "1"}}, skip=TIMES)
ask("GET", "secret/data/a", BOB, skip=TIMES)
ask("GET", "secret/data/a", headers("auth/approle/login", role_id="ci"), skip=TIMES)
JWT = idp.sign(sub="ci", aud="app")
ask("GET", "secret/data/a", headers("auth/jwt/login", role="ci", jwt=JWT), skip=TIMES)
ask("LIST", "secret/metadata/", BOB)
ask("GET", "secret/data/a", headers(USER, "update", password="correct"), skip=TIMES)
ask("GET", "secret/data/a", headers(USER, "create", password="correct"), skip=TIMES)
ask("DELETE", "secret/metadata/a", BOB)
ask("GET", "secret/data/a", BOB)
wrapped = {**BOB, "X-Vault-Wrap-TTL": "60s"}
ask("GET", "secret/config", wrapped, save={"w": "wrap_info.token"})
S("POST", "sys/wrapping/unwrap", {"token": "{w}"})
ask("GET", "sys/mounts", BOB)
ask("GET", "nothing/there", BOB)

# Logins that fail.
ask("GET", "secret/data/a", headers(USER, password="wrong"))
ask("GET", "secret/data/a", headers(USER))
ask("GET", "secret/data/a", headers(USER, "read", password="correct"))
ask("GET", "secret/data/a", headers(USER, "zz", password="correct"))
ask("GET", "secret/data/a", headers("auth/approle/login", role_id="no"))
ask("GET", "secret/data/a", headers("auth/jwt/login", role="ci", jwt="a.b.c"))
ask("GET", "secret/data/a", headers("auth/jwt/login", role="ci", jwt=idp.sign(sub="ci", aud="b")))
ask("GET", "secret/data/a", headers("auth/nothing/login", password="correct"))
ask("GET", "secret/data/a", headers("secret/data/a", "read"))
ask("GET", "secret/data/a", headers("auth/token/create"))
ask("POST", USER, headers(USER, password="wrong"), {"password": "correct"})
ask("GET", "sys/health", headers(USER, password="wrong"), skip=["version", "enterprise"])

# Headers that say no one thing.
S("GET", "secret/data/a", headers=BOB)
ask("GET", "secret/data/a", {**BOB, "Authorization": "Bearer root"})
ask("GET", "secret/data/a", {**BOB, "X-Vault-Inline-Auth-Namespace": "nothing"})
ask("GET", "secret/data/a", {**BOB, "X-Vault-Inline-Auth-Parameter-x": "@@@"})
ask("GET", "secret/data/a", {**BOB, "X-Vault-Inline-Auth-Parameter-x": "YWJj"})

# Nothing of it is a token.
ask("GET", "auth/token/lookup-self", BOB)
ask("POST", "auth/token/create", BOB, {})

# Failures count.
for _ in range(5):
    ask("GET", "secret/data/a", headers(USER, password="wrong"))
ask("GET", "secret/data/a", BOB)
S("POST", USER, {"password": "correct"}, token=None)
