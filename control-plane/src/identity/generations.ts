import { rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { readIfThere, writeAtomic } from "./atomic-file.js";
import {
  createAuthorityFolder,
  openAuthorityFolder,
  readRoot,
  removeAuthorityFiles,
  replaceIntermediate,
} from "./authority-folder.js";
import type { AuthorityOptions } from "./authority-material.js";
import type { CertificateAuthority } from "./certificate-authority.js";
import { IdentityError } from "./identity-error.js";
import { trustDomainProblem } from "./names.js";
import { certificateFacts } from "./pem.js";

/** A root of the mesh. */
export interface Generation {
  /** PEM. Others that are to be trusted with it may follow. */
  readonly rootPem: string;
  /** SHA-256 of the root. */
  readonly fingerprint: string;
  readonly hasRootKey: boolean;
  /** Absent: it cannot sign any more. */
  readonly authority?: CertificateAuthority;
}

/** The roots of a mesh: one that signs, and during a rotation the one that will, or the one that did. */
export interface Generations {
  readonly signing: Generation & { readonly authority: CertificateAuthority };
  readonly next?: Generation;
  readonly retiring?: Generation;
}

interface Record {
  readonly signing: string;
  readonly next?: string;
  readonly retiring?: string;
}

const RECORD_FILE = "generations.json";
const FIRST = ".";
const FOLDER = /^generation-([1-9]\d{0,8})$/;
const MAX_RECORD_BYTES = 4096;

/** The roots in a folder; makes the first when there is none. Throws an IdentityError. */
export async function loadGenerations(directory: string, options: AuthorityOptions): Promise<Generations> {
  const problem = trustDomainProblem(options.trustDomain);
  if (problem !== undefined) throw new IdentityError("trust-domain", problem);
  const root = resolve(directory);
  const record = await readRecord(root);
  if (record.signing === FIRST && (await openAuthorityFolder(root, options)) === undefined)
    await createAuthorityFolder(root, options);
  const signing = await openGeneration(root, record.signing, options);
  return {
    signing,
    ...(record.next === undefined ? {} : { next: await openGeneration(root, record.next, options) }),
    ...(record.retiring === undefined ? {} : { retiring: await openRetiring(root, record.retiring, options) }),
  };
}

/** Makes a root beside the one that signs. It is trusted from now on, and signs nothing yet. */
export async function addNext(directory: string, options: AuthorityOptions): Promise<void> {
  const record = await readRecord(directory);
  const [, number = "1"] = FOLDER.exec(record.signing) ?? [];
  const next = `generation-${Number(number) + 1}`;
  // What a rotation that was given up left is not used again.
  await rm(join(directory, next), { recursive: true, force: true });
  await createAuthorityFolder(join(directory, next), options);
  await writeRecord(directory, { signing: record.signing, next });
}

/** From now on the next root signs, and the one that did is retiring. */
export async function signWithNext(directory: string): Promise<void> {
  const { signing, next } = await readRecord(directory);
  if (next !== undefined) await writeRecord(directory, { signing: next, retiring: signing });
}

/** The retiring root is trusted no more; its keys are removed. */
export async function dropRetiring(directory: string): Promise<void> {
  const { signing, retiring } = await readRecord(directory);
  if (retiring === undefined) return;
  await writeRecord(directory, { signing });
  if (retiring === FIRST) await removeAuthorityFiles(directory);
  else await rm(join(directory, retiring), { recursive: true, force: true });
}

/** The next root is given up before it signed anything. */
export async function dropNext(directory: string): Promise<void> {
  const { signing, next } = await readRecord(directory);
  if (next === undefined) return;
  await writeRecord(directory, { signing });
  await rm(join(directory, next), { recursive: true, force: true });
}

/** A new intermediate for the root that signs. Throws an IdentityError when its key is kept elsewhere. */
export async function renewSigning(directory: string, options: AuthorityOptions): Promise<void> {
  await replaceIntermediate(join(directory, (await readRecord(directory)).signing), options);
}

async function openGeneration(root: string, folder: string, options: AuthorityOptions) {
  const path = join(root, folder);
  const opened = await openAuthorityFolder(path, options);
  if (opened === undefined) throw new IdentityError("damaged", `${path}: is missing; put back a copy of the folder`);
  const { rootPem } = opened.authority;
  return { rootPem, fingerprint: certificateFacts(rootPem).fingerprint, ...opened };
}

/** A root that ended while it was retiring only waits to be dropped. */
async function openRetiring(root: string, folder: string, options: AuthorityOptions): Promise<Generation> {
  try {
    return await openGeneration(root, folder, options);
  } catch (error) {
    const rootPem = await readRoot(join(root, folder));
    if (rootPem === undefined) throw error;
    return { rootPem, fingerprint: certificateFacts(rootPem).fingerprint, hasRootKey: false };
  }
}

async function readRecord(directory: string): Promise<Record> {
  const file = join(directory, RECORD_FILE);
  const text = await readIfThere(file, MAX_RECORD_BYTES);
  if (text === undefined) return { signing: FIRST };
  const damaged = new IdentityError(
    "damaged",
    `${file}: does not name the folders of the roots; put back a copy of it`,
  );
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw Object.assign(damaged, { cause: error });
  }
  if (typeof value !== "object" || value === null) throw damaged;
  const { signing, next, retiring } = value as { readonly [name: string]: unknown };
  if (!isFolder(signing)) throw damaged;
  for (const other of [next, retiring])
    if (other !== undefined && (!isFolder(other) || other === signing)) throw damaged;
  return {
    signing,
    ...(isFolder(next) ? { next } : {}),
    ...(isFolder(retiring) ? { retiring } : {}),
  };
}

function isFolder(value: unknown): value is string {
  return typeof value === "string" && (value === FIRST || FOLDER.test(value));
}

async function writeRecord(directory: string, record: Record): Promise<void> {
  try {
    await writeAtomic(join(directory, RECORD_FILE), `${JSON.stringify(record)}\n`, 0o600);
  } catch (error) {
    throw new IdentityError("io", `${join(directory, RECORD_FILE)}: cannot be written: ${String(error)}`, {
      cause: error,
    });
  }
}
