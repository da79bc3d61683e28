"""A security token service on loopback that trusts one OIDC issuer, as AWS and Google would.

It learns the issuer's keys only by discovery and refuses a token whose signature, issuer,
audience or time is wrong. It answers in the form of AWS's `AssumeRoleWithWebIdentity` on `/` and of
Google's token exchange (RFC 8693) on `/v1/token`. The credentials that it hands out are worthless.
"""

import json
import threading
import xml.sax.saxutils
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

import jwt
import requests

FETCH_SECONDS = 10
TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"


def verify(token, issuer, audience):
    """Verifies an ID token with nothing but the issuer's URL; returns its claims.

    Raises `jwt.InvalidTokenError` or `jwt.PyJWKClientError`.
    """
    discovery = requests.get(f"{issuer}/.well-known/openid-configuration", timeout=FETCH_SECONDS)
    document = discovery.json()
    if document["issuer"] != issuer:
        raise jwt.InvalidIssuerError(f"discovery names the issuer {document['issuer']}")
    key = jwt.PyJWKClient(document["jwks_uri"]).get_signing_key_from_jwt(token)
    return jwt.decode(
        token,
        key,
        algorithms=document["id_token_signing_alg_values_supported"],
        audience=audience,
        issuer=issuer,
        options={"require": ["iss", "sub", "aud", "iat", "exp"]},
    )


class Sts:
    """Use as a context manager; `accepted` holds the claims of every token it took."""

    def __init__(self, issuer, audience):
        self.issuer, self.audience, self.accepted = issuer, audience, []
        service = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_):
                pass

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                form = {name: values[0] for name, values in parse_qs(body).items()}
                if self.path == "/v1/token":
                    status, kind, answer = service.google(form)
                else:
                    status, kind, answer = service.aws(form)
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.http.server_port}"

    def __enter__(self):
        threading.Thread(target=self.http.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.http.shutdown()
        self.http.server_close()

    def accept(self, token):
        claims = verify(token, self.issuer, self.audience)
        self.accepted.append(claims)
        return claims

    def aws(self, form):
        if form.get("Action") != "AssumeRoleWithWebIdentity":
            return aws_error("InvalidAction", "only AssumeRoleWithWebIdentity is served")
        try:
            claims = self.accept(form["WebIdentityToken"])
        except jwt.ExpiredSignatureError as error:
            return aws_error("ExpiredTokenException", str(error))
        except (jwt.InvalidTokenError, jwt.PyJWKClientError) as error:
            return aws_error("InvalidIdentityToken", str(error))
        return 200, "text/xml", aws_answer(claims, form, self.issuer)

    def google(self, form):
        try:
            if form.get("grant_type") != TOKEN_EXCHANGE:
                raise jwt.InvalidTokenError("the grant type is not token exchange")
            self.accept(form["subject_token"])
        except (jwt.InvalidTokenError, jwt.PyJWKClientError) as error:
            refusal = {"error": "invalid_grant", "error_description": str(error)}
            return 400, "application/json", json.dumps(refusal).encode()
        answer = {
            "access_token": "worthless",
            "issued_token_type": "urn:ietf:params:oauth:token-type:access_token",
            "token_type": "Bearer",
            "expires_in": 3600,
        }
        return 200, "application/json", json.dumps(answer).encode()


AWS_NAMESPACE = "https://sts.amazonaws.com/doc/2011-06-15/"


def aws_answer(claims, form, issuer):
    role = form["RoleArn"].replace(":iam:", ":sts:").replace(":role/", ":assumed-role/")
    session = form["RoleSessionName"]
    values = {
        "SubjectFromWebIdentityToken": claims["sub"],
        "Audience": claims["aud"],
        "Provider": issuer,
    }
    plain = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in values.items())
    return f"""<AssumeRoleWithWebIdentityResponse xmlns="{AWS_NAMESPACE}">
<AssumeRoleWithWebIdentityResult>{plain}
<AssumedRoleUser><Arn>{escape(role)}/{escape(session)}</Arn>
<AssumedRoleId>AROAWORTHLESS:{escape(session)}</AssumedRoleId></AssumedRoleUser>
<Credentials><AccessKeyId>ASIAWORTHLESSWORTHLES</AccessKeyId>
<SecretAccessKey>worthless</SecretAccessKey><SessionToken>worthless</SessionToken>
<Expiration>2100-01-01T00:00:00Z</Expiration></Credentials>
</AssumeRoleWithWebIdentityResult>
<ResponseMetadata><RequestId>00000000-0000-0000-0000-000000000000</RequestId></ResponseMetadata>
</AssumeRoleWithWebIdentityResponse>""".encode()


def aws_error(code, message):
    body = f"""<ErrorResponse xmlns="{AWS_NAMESPACE}"><Error><Type>Sender</Type>
<Code>{code}</Code><Message>{escape(message)}</Message></Error></ErrorResponse>"""
    return 400, "text/xml", body.encode()


def escape(text):
    return xml.sax.saxutils.escape(text)
