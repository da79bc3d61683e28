// node-vault against our server: `node main.mjs STAGE`, with the settings as JSON on the
// standard input. Each check is a line of JSON on the standard output; so is, at the end of the
// first stage, what the later stages need (`kept`). ../clients_libraries.py counts.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';

import vault from 'node-vault';

const POLICY = 'path "secret/data/app" { capabilities = ["read"] }';
const PASSWORD = 'correct horse battery staple';

const settings = JSON.parse(await text(process.stdin));
const authority = readFileSync(settings.authority);

function client(token) {
  const requestOptions = { agentOptions: { ca: authority } };
  return vault({ endpoint: settings.address, token, requestOptions });
}

function tell(line) {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

// Runs one check and returns what it returns. What fails ends the stage: the rest builds on it.
async function check(name, body) {
  try {
    const result = await body();
    tell({ name, holds: true });
    return result;
  } catch (error) {
    const answer = JSON.stringify(error.response ?? '');
    tell({ name, holds: false, detail: `${error.message} ${answer}` });
    process.exit(1);
  }
}

const refused = (name, status, body) =>
  check(name, () =>
    assert.rejects(body, (error) => {
      assert.equal(error.response?.statusCode, status, error.message);
      return true;
    }));

async function open(keeper, keys) {
  for (const key of keys.slice(0, -1)) assert.equal((await keeper.unseal({ key })).sealed, true);
  assert.equal((await keeper.unseal({ key: keys.at(-1) })).sealed, false);
}

async function first() {
  const root = client();
  await check('it is not initialized', async () =>
    assert.equal((await root.initialized()).initialized, false));
  const made = await check('init', () => root.init({ secret_shares: 3, secret_threshold: 2 }));
  await refused('a second init is refused', 400, () =>
    root.init({ secret_shares: 1, secret_threshold: 1 }));
  await check('status', async () => {
    const { sealed, t, n, progress } = await root.status();
    assert.deepEqual({ sealed, t, n, progress }, { sealed: true, t: 2, n: 3, progress: 0 });
  });
  await check('unseal', () => open(root, made.keys.slice(1)));
  root.token = made.root_token;
  const user = await login(root);
  await keyValue(root, user);
  await tokens(root);
  await wrapping(root);
  await leases(root);
  await check('rotate', async () => {
    const term = async () => (await root.read('sys/key-status')).data.term;
    const before = await term();
    await root.rotate();
    assert.equal(await term(), before + 1);
  });
  const keys = await rekey(root, made.keys);
  await generateRoot(root, keys);
  await check('seal', async () => {
    await root.seal();
    assert.equal((await root.status()).sealed, true);
  });
  await refused('a sealed server serves nothing', 503, () => root.read('secret/data/app'));
  tell({ kept: { keys, root: made.root_token, user: user.token } });
}

async function login(root) {
  await check('policies', async () => {
    await root.addPolicy({ name: 'app', policy: POLICY });
    assert.deepEqual((await root.policies()).data.keys, ['app', 'default', 'root']);
    assert.equal((await root.getPolicy({ name: 'app' })).data.rules, POLICY);
    await root.addPolicy({ name: 'other', policy: POLICY });
    await root.removePolicy({ name: 'other' });
  });
  await refused('a removed policy is gone', 404, () => root.getPolicy({ name: 'other' }));
  await check('enable userpass', async () => {
    await root.enableAuth({ mount_point: 'userpass', type: 'userpass' });
    await root.write('auth/userpass/users/ann', { password: PASSWORD, token_policies: 'app' });
    assert.equal((await root.auths()).data['userpass/'].type, 'userpass');
  });
  const user = client();
  const credentials = (password) => ({ username: 'ann', password });
  await refused('a wrong password is refused', 400, () => user.userpassLogin(credentials('wrong')));
  await check('userpass login', async () => {
    const { auth } = await user.userpassLogin(credentials(PASSWORD));
    assert.deepEqual(auth.policies, ['app', 'default']);
    assert.equal(user.token, auth.client_token);
  });
  return user;
}

async function keyValue(root, user) {
  await check('mount', async () => {
    await root.mount({ mount_point: 'secret', type: 'kv', options: { version: '2' } });
    await root.mount({ mount_point: 'old', type: 'kv', options: { version: '1' } });
    assert.equal((await root.mounts()).data['secret/'].options.version, '2');
  });
  await check('kv in version 2', async () => {
    await root.write('secret/data/app', { data: { user: 'ann', city: 'Köln' } });
    await root.update('secret/data/app', { data: { port: 5432 } });
    const { data } = (await user.read('secret/data/app')).data;
    assert.deepEqual(data, { user: 'ann', city: 'Köln', port: 5432 });
    assert.deepEqual((await root.list('secret/metadata')).data.keys, ['app']);
  });
  await check('versions', async () => {
    const at = (path) => `secret/${path}/versions`;
    for (const number of [1, 2]) await root.write(at('data'), { data: { number } });
    await root.delete(at('data'));
    await assert.rejects(root.read(at('data')), (error) => error.response.statusCode === 404);
    await root.write(at('undelete'), { versions: [2] });
    assert.equal((await root.read(at('data'))).data.data.number, 2);
    await root.destroySecretVersions({ path: 'versions', versions: [1] });
    assert.equal((await root.read(at('metadata'))).data.versions['1'].destroyed, true);
    await root.delete(at('metadata'));
  });
  await check('kv in version 1', async () => {
    await root.write('old/app', { user: 'ann' });
    assert.deepEqual((await root.read('old/app')).data, { user: 'ann' });
    await root.delete('old/app');
  });
  await refused('what is deleted is gone', 404, () => root.read('old/app'));
  await refused('what no policy grants is denied', 403, () => user.read('old/app'));
}

async function tokens(root) {
  // A client goes on with the token that it creates or renews: another one does, here and below.
  const made = await check('token create', async () => {
    const wanted = { policies: ['app'], ttl: '1h', meta: { for: 'test' } };
    const { auth } = await client(root.token).tokenCreate(wanted);
    assert.equal(auth.lease_duration, 3600);
    return auth;
  });
  const token = made.client_token;
  await check('token lookup', async () => {
    const { data } = await root.tokenLookup({ token });
    assert.deepEqual(data.meta, { for: 'test' });
    const byAccessor = await root.tokenLookupAccessor({ accessor: made.accessor });
    assert.equal(byAccessor.data.id, '');
    assert.ok((await root.tokenAccessors()).data.keys.includes(made.accessor));
  });
  await check('token renew', async () => {
    const { auth } = await client(root.token).tokenRenew({ token, increment: 1800 });
    assert.equal(auth.lease_duration, 1800);
  });
  await check('token renew-self', () => client(token).tokenRenewSelf());
  await check('token revoke', () => root.tokenRevoke({ token }));
  await refused('a revoked token is refused', 403, () => client(token).tokenLookupSelf());
}

async function wrapping(root) {
  const wrapped = await check('wrap', async () => {
    const headers = { 'X-Vault-Wrap-TTL': '60s' };
    const { wrap_info: info } = await root.read('secret/data/app', { headers });
    assert.equal(info.ttl, 60);
    return info.token;
  });
  await check('unwrap', async () => {
    const { data } = await root.unwrap({ token: wrapped });
    assert.equal(data.data.user, 'ann');
  });
  await refused('a second unwrap is refused', 400, () => root.unwrap({ token: wrapped }));
}

async function leases(root) {
  const prefix = 'auth/userpass/login/ann';
  const lease = await check('a login has a lease', async () => {
    const { keys } = (await root.list(`sys/leases/lookup/${prefix}`)).data;
    assert.equal(keys.length, 1);
    return `${prefix}/${keys[0]}`;
  });
  await check('lease lookup', async () => {
    const { data } = await root.write('sys/leases/lookup', { lease_id: lease });
    assert.equal(data.id, lease);
  });
  const { auth } = await client(root.token).tokenCreate({ policies: ['app'] });
  await check('lease revoke-prefix', () => root.revokePrefix({ path_prefix: 'auth/token/create' }));
  await refused('its token is refused', 403, () => client(auth.client_token).tokenLookupSelf());
}

async function rekey(root, keys) {
  return check('rekey', async () => {
    const wanted = { secret_shares: 2, secret_threshold: 2 };
    const { nonce } = await root.write('sys/rekey/init', wanted);
    const early = await root.write('sys/rekey/update', { nonce, key: keys[0] });
    assert.equal(early.progress, 1);
    const done = await root.write('sys/rekey/update', { nonce, key: keys[1] });
    assert.equal(done.complete, true);
    assert.equal(done.keys.length, 2);
    return done.keys;
  });
}

async function generateRoot(root, keys) {
  await check('generate-root', async () => {
    const { nonce, otp } = await root.generateRootInit();
    for (const key of keys.slice(0, -1)) await root.generateRootUpdate({ key, nonce });
    const done = await root.generateRootUpdate({ key: keys.at(-1), nonce });
    assert.equal(done.complete, true);
    const encoded = Buffer.from(done.encoded_token, 'base64');
    const token = Buffer.from(encoded.map((byte, i) => byte ^ otp.charCodeAt(i))).toString();
    const { data } = await client(token).tokenLookupSelf();
    assert.deepEqual(data.policies, ['root']);
  });
}

async function again() {
  const { keys, root, user } = settings.kept;
  const keeper = client(root);
  await check('it starts sealed', async () => assert.equal((await keeper.status()).sealed, true));
  await check('unseal', () => open(keeper, keys));
  await check('kv', async () => {
    const { data } = (await client(user).read('secret/data/app')).data;
    assert.deepEqual(data, { user: 'ann', city: 'Köln', port: 5432 });
  });
  await check('policy', async () =>
    assert.equal((await keeper.getPolicy({ name: 'app' })).data.rules, POLICY));
  await check('token', async () =>
    assert.equal((await client(user).tokenLookupSelf()).data.display_name, 'userpass-ann'));
  await check('login', () => client().userpassLogin({ username: 'ann', password: PASSWORD }));
  await check('kv takes writes', () => keeper.write('old/app', { user: 'ann' }));
}

await { first, again }[process.argv[2]]();
