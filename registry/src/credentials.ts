import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { createHelperCalls } from "./credential-helper.js";
import { RegistryError } from "./error.js";

/** What proves to a registry who we are. */
export type Credentials =
  | { readonly kind: "basic"; readonly username: string; readonly password: string }
  /** An OAuth2 refresh token, for the token server. */
  | { readonly kind: "identity-token"; readonly token: string }
  /** A bearer token, for the registry itself. */
  | { readonly kind: "registry-token"; readonly token: string }
  /** None to be had. The reason goes into the hint if the registry asks for them. */
  | { readonly kind: "none"; readonly reason: string };

/** Finds the credentials for a registry (`Reference.registry`); undefined means anonymous. */
export type CredentialSource = (registry: string) => Promise<Credentials | undefined>;

const DOCKER_HUB = "docker.io";
const DOCKER_HUB_KEYS: readonly string[] = ["index.docker.io", "registry-1.docker.io", DOCKER_HUB];
const MAX_CONFIG_BYTES = 1024 * 1024;

/** Where docker keeps its configuration: `$DOCKER_CONFIG/config.json`, else `~/.docker/config.json`. */
export function dockerConfigPath(env: Readonly<Record<string, string | undefined>>, home: string): string {
  return join(env.DOCKER_CONFIG || join(home, ".docker"), "config.json");
}

/**
 * Where credentials may be, in the order in which they are asked: `$REGISTRY_AUTH_FILE` alone, else docker's
 * configuration and that of podman and its kin, `$XDG_RUNTIME_DIR/containers/auth.json`.
 */
export function credentialFiles(env: Readonly<Record<string, string | undefined>>, home: string): readonly string[] {
  if (env.REGISTRY_AUTH_FILE) return [env.REGISTRY_AUTH_FILE];
  const runtime = env.XDG_RUNTIME_DIR;
  return [dockerConfigPath(env, home), ...(runtime ? [join(runtime, "containers", "auth.json")] : [])];
}

/** The credentials in several such files; the first that has some for a registry counts. */
export async function loadCredentials(paths: readonly string[]): Promise<CredentialSource> {
  const sources = await Promise.all(paths.map(loadDockerConfig));
  return async (registry) => {
    let none: Credentials | undefined;
    for (const source of sources) {
      const found = await source(registry);
      if (found !== undefined && found.kind !== "none") return found;
      none ??= found;
    }
    return none;
  };
}

/** The credentials in a docker `config.json`. A file that is not there means anonymous. It is read once. */
export async function loadDockerConfig(path: string): Promise<CredentialSource> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return async () => undefined;
    throw new RegistryError("invalid-credentials", `${path} cannot be read`, {
      hint: "check that it is a file that this user may read",
      cause: error,
    });
  }
  return parseDockerConfig(text, path, createHelperCalls());
}

/**
 * The credentials in the text of a docker `config.json`, which is also that of a Kubernetes Secret of type
 * `kubernetes.io/dockerconfigjson`. Reads `auths` (`auth`, `username` and `password`, `identitytoken`,
 * `registrytoken`), whose keys must name the registry's host exactly, `credHelpers` and `credsStore`, whose programs are
 * run by `askHelper`; without it they are not, and the error says so where that is not enough. `name` is how errors
 * call the text. Throws RegistryError `invalid-credentials`; no error holds a secret.
 */
export function parseDockerConfig(
  text: string,
  name: string,
  askHelper?: (helper: string, registry: string) => Promise<Credentials | undefined>,
): CredentialSource {
  const invalid = (what: string): RegistryError => {
    return new RegistryError("invalid-credentials", `${name} cannot be used: ${what}`, {
      hint: 'it must be a docker config.json, for example as "docker login" writes it',
    });
  };
  if (text.length > MAX_CONFIG_BYTES) throw invalid(`it has more than ${MAX_CONFIG_BYTES} characters`);
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    // The parser's own message quotes the text, which is secret.
    throw invalid("it is not JSON");
  }
  if (!isRecord(json)) throw invalid("it is not a JSON object");
  const { auths = {}, credHelpers = {}, credsStore } = json;
  if (!isRecord(auths)) throw invalid("auths is not an object");
  if (!isRecord(credHelpers)) throw invalid("credHelpers is not an object");

  const known = new Map<string, Credentials>();
  for (const [key, entry] of Object.entries(auths)) {
    const registry = registryOfKey(key);
    const credentials = decodeEntry(entry, (what) => invalid(`auths[${JSON.stringify(key)}]${what}`));
    if (registry !== undefined && credentials !== undefined) known.set(registry, credentials);
  }
  const helpers = new Map<string, string>();
  for (const [key, helper] of Object.entries(credHelpers)) {
    const registry = registryOfKey(key);
    if (registry !== undefined && typeof helper === "string") helpers.set(registry, helper);
  }
  const store = typeof credsStore === "string" && credsStore !== "" ? credsStore : undefined;
  return async (registry) => {
    // As docker does: the registry's own helper, else that for all, else what the file itself has.
    const helper = helpers.get(registry) ?? store;
    const inFile = known.get(registry);
    if (helper === undefined) return inFile;
    if (askHelper !== undefined) return (await askHelper(helper, registry)) ?? inFile;
    const reason = `${name} keeps them in the credential helper ${JSON.stringify(helper)}, which is not called`;
    return inFile ?? { kind: "none", reason };
  };
}

/** Undefined for keys below a host (`quay.io/acme`): what is meant for one namespace must not go to the others. */
function registryOfKey(key: string): string | undefined {
  const url = /^https?:\/\/([^/]+)/.exec(key);
  const host = (url?.[1] ?? key.replace(/\/(v[12]\/?)?$/, "")).toLowerCase();
  if (host === "" || host.includes("/")) return undefined;
  return DOCKER_HUB_KEYS.includes(host) ? DOCKER_HUB : host;
}

function decodeEntry(entry: unknown, invalid: (what: string) => RegistryError): Credentials | undefined {
  if (!isRecord(entry)) throw invalid(" is not an object");
  const field = (name: string): string => {
    const value = entry[name] ?? "";
    if (typeof value !== "string") throw invalid(`.${name} is not a string`);
    return value;
  };
  const registryToken = field("registrytoken");
  if (registryToken !== "") return { kind: "registry-token", token: registryToken };
  const identityToken = field("identitytoken");
  if (identityToken !== "") return { kind: "identity-token", token: identityToken };
  const auth = field("auth");
  if (auth === "") {
    const username = field("username");
    return username === "" ? undefined : { kind: "basic", username, password: field("password") };
  }
  const pair = Buffer.from(auth, "base64").toString("utf8");
  const colon = pair.indexOf(":");
  if (!/^[A-Za-z0-9+/_-]+={0,2}$/.test(auth.trim()) || colon < 1) {
    throw invalid('.auth is not the base64 form of "username:password"');
  }
  // Docker pads the password with zero bytes.
  return { kind: "basic", username: pair.slice(0, colon), password: pair.slice(colon + 1).replace(/\0+$/, "") };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
