// npm's `oidc-provider`, a certified OpenID provider, as an issuer on loopback: `node main.mjs`.
//
// Each line of JSON on the standard input has the keys to serve with, of which the first signs; the
// first line may have a port. On each line the provider starts over with those keys, as when its
// operator rotates them, and answers `{"ready": ISSUER}`. It tells of each request: `{"path": …}`.

import { createServer } from 'node:http';
import { createInterface } from 'node:readline';

import { Provider } from 'oidc-provider';

const SECRET = 'the secret of the workload';
const ACCESS_TOKEN_SECONDS = 300;

function tell(line) {
  process.stdout.write(`${JSON.stringify(line)}\n`);
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
    }],
    features: {
      clientCredentials: { enabled: true },
      devInteractions: { enabled: false },
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
    jwks: { keys },
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
