import { isDigest } from "./digest.js";
import { RegistryError } from "./error.js";

/** A repository in a registry. */
export interface Repository {
  /** Host, with the port if one was given; lower case. Docker Hub is always `docker.io`. */
  readonly registry: string;
  /** Path in the registry, for example `plugins/retry`. */
  readonly repository: string;
}

/** Where an artifact is. With neither tag nor digest it means the tag `latest`; a digest wins over a tag. */
export interface Reference extends Repository {
  readonly tag?: string;
  readonly digest?: string;
}

export type ReferenceCheck =
  | { readonly ok: true; readonly reference: Reference }
  | { readonly ok: false; readonly message: string; readonly hint: string };

const DOCKER_HUB = "docker.io";
const DOCKER_HUB_NAMES: readonly string[] = [DOCKER_HUB, "index.docker.io", "registry-1.docker.io"];
const MAX_NAME_LENGTH = 255;
const HOST_LABEL = "[a-zA-Z0-9]([a-zA-Z0-9-]*[a-zA-Z0-9])?";
const HOST = new RegExp(`^(${HOST_LABEL}(\\.${HOST_LABEL})*|\\[[0-9a-fA-F:.]+\\])(:[0-9]{1,5})?$`);
const REPOSITORY = /^[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(\/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*$/;
const TAG = /^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/;
const TAG_RULE = "a tag has at most 128 letters, digits, _ . and -, and does not start with . or -";
const NAME_RULE =
  "a repository name is lower-case letters and digits, separated by . _ __ - or /, at most 255 characters in all";
const EXAMPLE = "write it as [oci://]host[:port]/repository[:tag][@sha256:…], for example oci://ghcr.io/acme/retry:v1";

/** Whether `text` is a repository name (`<name>` of the distribution specification), of at most 255 characters. */
export function isRepositoryName(text: string): boolean {
  return text.length <= MAX_NAME_LENGTH && REPOSITORY.test(text);
}

export function isTag(text: string): boolean {
  return TAG.test(text);
}

/**
 * Reads `oci://host[:port]/repository[:tag][@digest]`, with or without the scheme. As with docker, a first part that
 * cannot be a host (no dot, no port, not `localhost`) means Docker Hub, and one word alone its `library/`.
 * Grammar: https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pulling-manifests
 */
export function checkReference(text: string): ReferenceCheck {
  const fail = (what: string, hint = EXAMPLE): ReferenceCheck => {
    return { ok: false, message: `${JSON.stringify(text.slice(0, 300))} is not an image reference: ${what}`, hint };
  };
  const scheme = /^([a-zA-Z][a-zA-Z0-9+.-]*):\/\//.exec(text);
  if (scheme !== null && scheme[1] !== "oci") return fail(`the scheme is ${scheme[1]}://, not oci://`);
  const rest = scheme === null ? text : text.slice(scheme[0].length);
  if (rest === "") return fail("it is empty");
  if (/[\s?#\\]/.test(rest)) return fail("it has a space, a backslash, a query or a fragment");

  const [named = "", digest, ...more] = rest.split("@");
  if (more.length > 0) return fail('it has more than one "@"');
  if (digest !== undefined && !isDigest(digest)) {
    return fail(`${quote(digest)} is not a digest`, "a digest is sha256: and 64 lower-case hexadecimal digits");
  }
  const colon = named.lastIndexOf(":");
  const hasTag = colon > named.lastIndexOf("/");
  const tag = hasTag ? named.slice(colon + 1) : undefined;
  if (tag !== undefined && !isTag(tag)) return fail(`${quote(tag)} is not a tag`, TAG_RULE);

  const { host, path } = splitHost(hasTag ? named.slice(0, colon) : named);
  if (path === "") return fail(`it names the host ${quote(host)}, but no repository`);
  if (!isHost(host)) return fail(`${quote(host)} is not a host[:port]`);
  const registry = DOCKER_HUB_NAMES.includes(host) ? DOCKER_HUB : host;
  const repository = registry === DOCKER_HUB && !path.includes("/") ? `library/${path}` : path;
  if (!isRepositoryName(repository)) return fail(`${quote(repository)} is not a repository name`, NAME_RULE);
  return {
    ok: true,
    reference: {
      registry,
      repository,
      ...(tag === undefined ? {} : { tag }),
      ...(digest === undefined ? {} : { digest }),
    },
  };
}

/** As `checkReference`, but throws RegistryError `invalid-reference`. */
export function parseReference(text: string): Reference {
  const check = checkReference(text);
  if (!check.ok) throw new RegistryError("invalid-reference", check.message, { hint: check.hint });
  return check.reference;
}

/** `host/repository[:tag][@digest]`, without a scheme; `parseReference` reads it back. */
export function formatReference({ registry, repository, tag, digest }: Reference): string {
  return `${registry}/${repository}${tag === undefined ? "" : `:${tag}`}${digest === undefined ? "" : `@${digest}`}`;
}

/** What to ask the registry for: the digest, else the tag, else `latest`. */
export function tagOrDigest({ tag, digest }: Reference): string {
  return digest ?? tag ?? "latest";
}

/** The host that serves the API of a registry. It differs from the name for Docker Hub only. */
export function apiHost(registry: string): string {
  return DOCKER_HUB_NAMES.includes(registry) ? "registry-1.docker.io" : registry;
}

function splitHost(name: string): { readonly host: string; readonly path: string } {
  const slash = name.indexOf("/");
  const first = slash < 0 ? name : name.slice(0, slash);
  const looksLikeHost = /[.:[]/.test(first) || first.toLowerCase() === "localhost";
  if (!looksLikeHost) return { host: DOCKER_HUB, path: name };
  return { host: first.toLowerCase(), path: slash < 0 ? "" : name.slice(slash + 1) };
}

function isHost(text: string): boolean {
  return HOST.test(text) && Number(/:(\d+)$/.exec(text)?.[1] ?? 0) <= 65535;
}

function quote(text: string): string {
  return JSON.stringify(text);
}
