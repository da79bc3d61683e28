// npm's `oidc-provider`, a certified OpenID provider, as an issuer on loopback: `node main.mjs`.
//
// Each line of JSON on the standard input has the keys to serve with, of which the first signs; the
// first line may have a port. On each line the provider starts over with those keys, as when its
// operator rotates them, and answers `{"ready": ISSUER}`. It tells of each request: `{"path": …}`.
//
// Everybody who logs in is who they say they are. What the provider knows of them is in the userinfo
// endpoint, not in the ID token.

import { createServer } from 'node:http';
import { createInterface } from 'node:readline';

import { Provider } from 'oidc-provider';

const SECRET = 'the secret of the workload';
const PEOPLES_SECRET = 'the secret, of people: 100%';
const ACCESS_TOKEN_SECONDS = 300;

function tell(line) {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

function person(id) {
  return {
    accountId: id,
    claims: () => ({ sub: id, email: `${id}@people.example`, groups: ['people', id] }),
  };
}

function provider(issuer, keys) {
  return new Provider(issuer, {
    clients: [{
      client_id: 'workload',
      client_secret: SECRET,
      grant_types: ['client_credentials'],
      redirect_uris: [],
      response_types: [],
      id_token_signed_response_alg: keys[0].alg,
      token_endpoint_auth_method: 'client_secret_basic',
    }, {
      client_id: 'people',
      client_secret: PEOPLES_SECRET,
      application_type: 'native',
      grant_types: ['authorization_code'],
      redirect_uris: ['http://localhost:8250/oidc/callback'],
      response_types: ['code'],
      id_token_signed_response_alg: keys[0].alg,
      token_endpoint_auth_method: 'client_secret_basic',
    }],
    claims: { openid: ['sub'], email: ['email'], groups: ['groups'] },
    cookies: { keys: ['of a test'] },
    features: {
      clientCredentials: { enabled: true },
      devInteractions: { enabled: true },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: (_context, resource) => ({
          audience: resource,
          scope: 'read',
          accessTokenFormat: 'jwt',
          accessTokenTTL: ACCESS_TOKEN_SECONDS,
          jwt: { sign: { alg: keys[0].alg } },
        }),
      },
    },
    findAccount: (_context, id) => person(id),
    jwks: { keys },
    pkce: { required: () => true },
  });
}

let handle;
let server;
for await (const line of createInterface({ input: process.stdin })) {
  const { port, keys } = JSON.parse(line);
  if (server === undefined) {
    server = createServer((request, response) => {
      tell({ path: request.url });
      handle(request, response);
    });
    await new Promise((listening) => server.listen(port, '127.0.0.1', listening));
  }
  const issuer = `http://127.0.0.1:${server.address().port}`;
  handle = provider(issuer, keys).callback();
  tell({ ready: issuer });
}
process.exit(0);
