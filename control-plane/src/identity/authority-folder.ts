import { randomBytes } from "node:crypto";
import { chmod, mkdir, open, readFile, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import {
  type AuthorityMaterial,
  type AuthorityOptions,
  createAuthorityMaterial,
  createIntermediate,
} from "./authority-material.js";
import { type CertificateAuthority, openCertificateAuthority } from "./certificate-authority.js";
import { certificateValidity } from "./certificate-request.js";
import { IdentityError } from "./identity-error.js";

/** `root-key.pem` may be taken away and kept offline; the intermediate then has to be renewed elsewhere. */
const FILES = { root: "root.pem", rootKey: "root-key.pem", intermediate: "intermediate.pem" } as const;
const MAX_FILE_BYTES = 64 * 1024;
/** An intermediate with less than this left is replaced when the folder is loaded. */
export const RENEW_BEFORE_MS = 120 * 24 * 60 * 60 * 1000;
const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----\n?/;
const PRIVATE_KEY = /-----BEGIN PRIVATE KEY-----[^-]+-----END PRIVATE KEY-----\n?/;

/** A root with its intermediate, from one folder. */
export interface OpenedFolder {
  readonly authority: CertificateAuthority;
  /** The root's key is there too, so that intermediates can be renewed. */
  readonly hasRootKey: boolean;
}

/** Opens the authority in a folder; undefined when there is none. Throws an IdentityError. */
export async function openAuthorityFolder(
  folder: string,
  options: AuthorityOptions,
): Promise<OpenedFolder | undefined> {
  const material = await loadMaterial(folder);
  if (material === undefined) return undefined;
  const renewed = await renewIntermediate(folder, material, options);
  return { authority: await openFolder(folder, renewed, options), hasRootKey: renewed.rootKeyPem !== undefined };
}

/** Makes a folder with a new root and intermediate; one that is there already stays as it is. */
export async function createAuthorityFolder(folder: string, options: AuthorityOptions): Promise<void> {
  await createFolder(folder, await createAuthorityMaterial(options));
}

/** A new intermediate under the same root takes the place of the old one. Throws an IdentityError. */
export async function replaceIntermediate(folder: string, options: AuthorityOptions): Promise<void> {
  const material = await loadMaterial(folder);
  if (material === undefined) throw missing(folder, FILES.root);
  const { rootPem, rootKeyPem } = material;
  if (rootKeyPem === undefined)
    throw new IdentityError(
      "root-key",
      `the key of the root is not in ${folder}: put ${FILES.rootKey} back for as long as this takes`,
    );
  await writeIntermediate(folder, await createIntermediate({ rootPem, rootKeyPem }, options));
}

/** Removes root, keys and intermediate. */
export async function removeAuthorityFiles(folder: string): Promise<void> {
  for (const name of Object.values(FILES)) await rm(join(folder, name), { force: true });
}

/** The root that is in a folder, whatever else is there. */
export async function readRoot(folder: string): Promise<string | undefined> {
  return readPem(join(folder, FILES.root));
}

async function openFolder(
  folder: string,
  material: AuthorityMaterial,
  options: AuthorityOptions,
): Promise<CertificateAuthority> {
  const opened = await openCertificateAuthority(material, options);
  if (opened.ok) return opened.value;
  throw new IdentityError(
    "damaged",
    `${folder}: ${opened.message}. Put back a copy of the folder; or, if every workload may get a new identity, move it away and start again`,
  );
}

async function loadMaterial(folder: string): Promise<AuthorityMaterial | undefined> {
  if (!(await isPrivate(folder, 0o700))) return undefined;
  const [rootPem, rootKeyPem, bundle] = await Promise.all([
    readPem(join(folder, FILES.root)),
    readPem(join(folder, FILES.rootKey)),
    readPem(join(folder, FILES.intermediate)),
  ]);
  if (rootPem === undefined && rootKeyPem === undefined && bundle === undefined) return undefined;
  if (rootPem === undefined) throw missing(folder, FILES.root);
  if (bundle === undefined) throw missing(folder, FILES.intermediate);
  const intermediatePem = CERTIFICATE.exec(bundle)?.[0];
  const intermediateKeyPem = PRIVATE_KEY.exec(bundle)?.[0];
  if (intermediatePem === undefined || intermediateKeyPem === undefined)
    throw new IdentityError(
      "damaged",
      `${join(folder, FILES.intermediate)}: must hold a private key and a certificate in PEM. Put back a copy of it`,
    );
  return { rootPem, intermediatePem, intermediateKeyPem, ...(rootKeyPem !== undefined && { rootKeyPem }) };
}

function missing(folder: string, file: string): IdentityError {
  return new IdentityError("damaged", `${join(folder, file)}: is missing while other files of the authority are there`);
}

async function readPem(file: string): Promise<string | undefined> {
  if (!(await isPrivate(file, 0o600))) return undefined;
  const { size } = await stat(file);
  if (size > MAX_FILE_BYTES)
    throw new IdentityError("damaged", `${file}: has ${size} bytes, at most ${MAX_FILE_BYTES} make sense`);
  return readFile(file, "utf8");
}

/** Whether the path exists; throws when others may use it. */
async function isPrivate(path: string, mode: number): Promise<boolean> {
  try {
    const found = await stat(path);
    const expected = mode === 0o700 ? found.isDirectory() : found.isFile();
    if (!expected) throw new IdentityError("damaged", `${path}: is not a ${mode === 0o700 ? "directory" : "file"}`);
    if ((found.mode & 0o077) === 0) return true;
    throw new IdentityError(
      "exposed",
      `${path}: has mode ${(found.mode & 0o777).toString(8)}, so that others may use it. If nobody did, run: chmod ${mode.toString(8)} ${path}`,
    );
  } catch (error) {
    if (hasCode(error, "ENOENT")) return false;
    if (error instanceof IdentityError) throw error;
    throw new IdentityError("io", `${path}: ${String(error)}`, { cause: error });
  }
}

/** Writes all files aside and moves the directory into place, so that there is never a part of an authority. */
async function createFolder(folder: string, material: AuthorityMaterial): Promise<void> {
  const aside = `${folder}.new-${randomBytes(6).toString("hex")}`;
  try {
    await mkdir(dirname(folder), { recursive: true });
    await mkdir(aside, { mode: 0o700 });
    await chmod(aside, 0o700);
    await writeNew(join(aside, FILES.root), material.rootPem);
    if (material.rootKeyPem !== undefined) await writeNew(join(aside, FILES.rootKey), material.rootKeyPem);
    await writeNew(join(aside, FILES.intermediate), material.intermediateKeyPem + material.intermediatePem);
    await rename(aside, folder);
  } catch (error) {
    await rm(aside, { recursive: true, force: true });
    // Another process was first: its authority counts.
    if (hasCode(error, "ENOTEMPTY") || hasCode(error, "EEXIST")) return;
    throw new IdentityError("io", `${folder}: the certificate authority cannot be written: ${String(error)}`, {
      cause: error,
    });
  }
}

async function renewIntermediate(
  folder: string,
  material: AuthorityMaterial,
  options: AuthorityOptions,
): Promise<AuthorityMaterial> {
  const { rootPem, rootKeyPem } = material;
  if (rootKeyPem === undefined) return material;
  // Everything but the age must be right before anything is replaced: look at it as it was on its first day.
  const firstDay = { ...options, nowMs: intermediateBegin(material) ?? options.nowMs };
  const { notAfterMs } = await openFolder(folder, material, firstDay);
  if (notAfterMs - options.nowMs > RENEW_BEFORE_MS) return material;
  const renewed = await createIntermediate({ rootPem, rootKeyPem }, options);
  await writeIntermediate(folder, renewed);
  return renewed;
}

async function writeIntermediate(folder: string, renewed: AuthorityMaterial): Promise<void> {
  const file = join(folder, FILES.intermediate);
  const aside = `${file}.new-${randomBytes(6).toString("hex")}`;
  try {
    await writeNew(aside, renewed.intermediateKeyPem + renewed.intermediatePem);
    await rename(aside, file);
  } catch (error) {
    await rm(aside, { force: true });
    throw new IdentityError("io", `${file}: cannot be renewed: ${String(error)}`, { cause: error });
  }
}

function intermediateBegin(material: AuthorityMaterial): number | undefined {
  try {
    return certificateValidity(material.intermediatePem).notBeforeMs;
  } catch {
    return undefined; // Not readable: opening the folder says so.
  }
}

async function writeNew(file: string, text: string): Promise<void> {
  const handle = await open(file, "wx", 0o600);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && (error as NodeJS.ErrnoException).code === code;
}
