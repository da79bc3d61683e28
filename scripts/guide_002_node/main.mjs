// What `@piiano/vault-client`, unmodified, does with a JWT as its API key. Prints one JSON object.
import { readFileSync } from "node:fs";
import { VaultClient } from "@piiano/vault-client";

const [vaultURL, apiKey, file] = process.argv.slice(2);
const client = new VaultClient({ vaultURL, apiKey });
const toml = readFileSync(file, "utf8");

const found = {
  version: await client.system.getVaultVersion(),
  controlHealth: await client.system.controlHealth(),
  before: await client.iam.getIamConf(),
  applied: (await client.iam.setIamConf({ requestBody: toml })) ?? null,
  after: await client.iam.getIamConf(),
};

try {
  await new VaultClient({ vaultURL, apiKey: "wrong" }).system.getVaultVersion();
} catch (error) {
  found.refusal = { status: error.status, body: error.body, printed: String(error) };
}
console.log(JSON.stringify(found));
