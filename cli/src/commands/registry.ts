import { join, resolve } from "node:path";
import { createSecureContext } from "node:tls";
import {
  type AnsweredRequest,
  type Authentication,
  createRegistryServer,
  parseHtpasswd,
  type RegistryServerOptions,
} from "@weft/registry/server";
import { Interrupted, interruptSignal, orInterrupted } from "../mesh/interrupt.js";
import { takeRunLock } from "../mesh/run-lock.js";
import { type OutputFormat, plainText, printJson } from "../workbench/print.js";
import { readTextFile } from "../workbench/registry-access.js";
import { WorkbenchError } from "../workbench/workbench-error.js";

export interface RegistryServeOptions {
  readonly host: string;
  readonly port: number;
  /** Where the content is kept; else in memory. */
  readonly dir?: string;
  /** File of users with bcrypt hashes; without it there is no authentication. */
  readonly htpasswd?: string;
  readonly auth: Authentication["scheme"];
  readonly anonymousPull: boolean;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  /** Prints each request. */
  readonly verbose: boolean;
  readonly output: OutputFormat;
}

const MAX_FILE_BYTES = 1024 * 1024;

/** `weft registry serve`: the embedded registry alone, until a signal ends it. Returns the exit code. */
export async function registryServe(options: RegistryServeOptions): Promise<number> {
  const { dir, output } = options;
  const signal = interruptSignal();
  const settings = { ...(await securityOf(options)), ...(await placeOf(options)) };
  // Two processes would take each other's unfinished files for left over.
  const lock = dir === undefined ? undefined : await takeRunLock(join(resolve(dir), "serve.json"));
  try {
    const server = await createRegistryServer(settings);
    try {
      tellReady(server.address, options);
      return await orInterrupted(new Promise<never>(() => {}), signal);
    } catch (error) {
      if (error instanceof Interrupted) return 0;
      throw error;
    } finally {
      await server.close();
      if (output === "text") console.log("ended");
    }
  } finally {
    await lock?.release();
  }
}

async function placeOf({ host, port, dir, output, verbose }: RegistryServeOptions): Promise<RegistryServerOptions> {
  const say = (level: string) => (message: string) => {
    if (output === "json") printJson({ kind: "log", level, message });
    else console.error(level === "info" ? message : `${level}: ${message}`);
  };
  const onRequest = (request: AnsweredRequest): void => {
    if (output === "json") printJson({ kind: "request", ...request });
    else console.log(requestLine(request));
  };
  return {
    host,
    port,
    ...(dir === undefined ? {} : { dir: resolve(dir) }),
    ...(verbose ? { onRequest } : {}),
    logger: { info: say("info"), warn: say("warning"), error: say("error") },
  };
}

async function securityOf(options: RegistryServeOptions): Promise<RegistryServerOptions> {
  const { htpasswd, auth: scheme, anonymousPull, tlsCert, tlsKey } = options;
  if ((tlsCert === undefined) !== (tlsKey === undefined))
    throw new WorkbenchError("bad-option", "TLS needs both --tls-cert and --tls-key");
  if (anonymousPull && htpasswd === undefined)
    throw new WorkbenchError("bad-option", "--anonymous-pull needs --htpasswd: without it anybody may push too");
  const tls = tlsCert !== undefined && tlsKey !== undefined ? await readTls(tlsCert, tlsKey) : undefined;
  if (htpasswd === undefined) return tls === undefined ? {} : { tls };
  const verify = parseHtpasswd(await readTextFile(htpasswd, "--htpasswd", MAX_FILE_BYTES), htpasswd);
  return { authentication: { scheme, verify, anonymousPull }, ...(tls === undefined ? {} : { tls }) };
}

async function readTls(certFile: string, keyFile: string) {
  const certificate = await readTextFile(certFile, "--tls-cert", MAX_FILE_BYTES);
  const privateKey = await readTextFile(keyFile, "--tls-key", MAX_FILE_BYTES);
  try {
    createSecureContext({ cert: certificate, key: privateKey });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new WorkbenchError("bad-option", `--tls-cert ${certFile} and --tls-key ${keyFile} cannot be used: ${reason}`);
  }
  return { certificate, privateKey };
}

function tellReady(address: string, { dir, tlsCert, output }: RegistryServeOptions): void {
  const url = `${tlsCert === undefined ? "http" : "https"}://${address}`;
  const place = dir === undefined ? "memory" : resolve(dir);
  if (output === "json") {
    printJson({ kind: "ready", address, url, keptIn: place });
    return;
  }
  console.log(`registry ${url}, kept in ${place}`);
  const flag = tlsCert === undefined ? ` --plain-http ${address}` : "";
  console.log(`push to it: weft plugin push DIR ${address}/plugins/NAME:VERSION${flag}`);
}

function requestLine({ from, method, url, status, isComplete, tookMs }: AnsweredRequest): string {
  const outcome = `${status ?? "no answer"}${isComplete || status === undefined ? "" : " (broken off)"}`;
  return `${new Date().toISOString()} ${from} ${method} ${plainText(url)} ${outcome} ${tookMs} ms`;
}
