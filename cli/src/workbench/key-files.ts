import { loadSigningKey, loadVerificationKey, type SigningKey, type VerificationKey } from "@weft/registry";
import { readPassword } from "./read-password.js";
import { readTextFile } from "./registry-access.js";
import { WorkbenchError } from "./workbench-error.js";

const MAX_KEY_BYTES = 64 * 1024;
/** As cosign calls it. */
const PASSWORD_VARIABLE = "COSIGN_PASSWORD";

/** The private key in a file; the password of an encrypted one comes from `COSIGN_PASSWORD`, else it is asked for. */
export async function readSigningKey(path: string): Promise<SigningKey> {
  const pem = await readTextFile(path, "--key", MAX_KEY_BYTES);
  const isEncrypted = /ENCRYPTED/.test(pem);
  return loadSigningKey(pem, isEncrypted ? await passwordOf(path) : undefined, path);
}

export async function readVerificationKey(path: string): Promise<VerificationKey> {
  return loadVerificationKey(await readTextFile(path, "--key", MAX_KEY_BYTES), path);
}

/** A password for a new key, asked for twice. */
export async function newPassword(): Promise<string> {
  const given = process.env[PASSWORD_VARIABLE];
  if (given !== undefined) return given;
  const password = await askFor("password for the private key (empty: none)");
  if ((await askFor("the same again")) === password) return password;
  throw new WorkbenchError("bad-option", "the two passwords are not the same; nothing was made");
}

async function passwordOf(path: string): Promise<string> {
  return process.env[PASSWORD_VARIABLE] ?? (await askFor(`password of ${path}`));
}

async function askFor(what: string): Promise<string> {
  const { stdin, stderr } = process;
  if (stdin.isTTY) return readPassword(`${what}: `, stdin, stderr);
  throw new WorkbenchError("bad-option", `${what}: set ${PASSWORD_VARIABLE}, or run the command in a terminal`);
}
