import { X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import {
  createRegistryClient,
  credentialFiles,
  loadCredentials,
  type RegistryClient,
  type Repository,
} from "@weft/registry";
import { plainText } from "./print.js";
import { WorkbenchError } from "./workbench-error.js";

/** How commands reach registries: their flags. */
export interface RegistryAccess {
  /** Registries (`host:port`) that are spoken to by plain HTTP. */
  readonly plainHttp: readonly string[];
  /** PEM file of authorities that the certificates of the registries may come from, besides those of the system. */
  readonly caFile?: string;
}

const MAX_CA_BYTES = 1024 * 1024;

/**
 * A client for the registries of these repositories, with the user's credentials: docker's, podman's, and those of
 * credential helpers. What registries want people to know is told on standard error.
 */
export async function openRegistries(
  { plainHttp, caFile }: RegistryAccess,
  repositories: readonly Repository[],
): Promise<RegistryClient> {
  const ca = caFile === undefined ? undefined : await readAuthorities(caFile);
  const names = repositories.map(({ registry }) => registry);
  return createRegistryClient({
    plainHttp,
    registries: ca === undefined ? {} : Object.fromEntries(names.map((name) => [name, settings(name, plainHttp, ca)])),
    credentials: await loadCredentials(credentialFiles(process.env, homedir())),
    onWarning: ({ registry, text }) => console.error(`${registry} says: ${plainText(text)}`),
  });
}

function settings(registry: string, plainHttp: readonly string[], ca: string) {
  return { plainHttp: plainHttp.includes(registry), ca };
}

async function readAuthorities(path: string): Promise<string> {
  const text = await readTextFile(path, "--ca-file", MAX_CA_BYTES);
  try {
    // It reads the first certificate, and TLS reads them all.
    new X509Certificate(text);
  } catch (error) {
    throw new WorkbenchError("bad-option", `--ca-file ${path} has no certificate in PEM`, { cause: error });
  }
  return text;
}

/** The text of a file that an option names. */
export async function readTextFile(path: string, option: string, maxBytes: number): Promise<string> {
  let bytes: Buffer;
  try {
    bytes = await readFile(path);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new WorkbenchError("bad-option", `${option} ${path} cannot be read: ${reason}`, { cause: error });
  }
  if (bytes.length <= maxBytes) return bytes.toString("utf8");
  throw new WorkbenchError("bad-option", `${option} ${path} has ${bytes.length} bytes; at most ${maxBytes} are read`);
}
