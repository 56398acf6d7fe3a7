import { spawn } from "node:child_process";
import type { Credentials } from "./credentials.js";
import { RegistryError } from "./error.js";

const TIMEOUT_MS = 15_000;
const MAX_OUTPUT_BYTES = 64 * 1024;
/** Helpers of clouds give tokens of a few hours, and take a second or two. */
const KEEP_MS = 300_000;
const NOT_FOUND = /credentials not found/i;
const DOCKER_HUB_URL = "https://index.docker.io/v1/";

/**
 * Calls to `docker-credential-<name>` programs on the PATH; answers are kept for five minutes.
 * https://github.com/docker/docker-credential-helpers. Throws RegistryError `invalid-credentials`.
 */
export function createHelperCalls(): (helper: string, registry: string) => Promise<Credentials | undefined> {
  const kept = new Map<string, { readonly answer: Promise<Credentials | undefined>; readonly untilMs: number }>();
  return (helper, registry) => {
    const key = `${helper} ${registry}`;
    const found = kept.get(key);
    if (found !== undefined && found.untilMs > Date.now()) return found.answer;
    const answer = askHelper(helper, registry);
    kept.set(key, { answer, untilMs: Date.now() + KEEP_MS });
    // A failure may be over the next time.
    answer.catch(() => kept.delete(key));
    return answer;
  };
}

async function askHelper(helper: string, registry: string): Promise<Credentials | undefined> {
  const program = `docker-credential-${helper}`;
  const fail = (what: string): RegistryError =>
    new RegistryError("invalid-credentials", `${program} gives no credentials for ${registry}: ${what}`, {
      hint: `run it by hand: echo ${registry} | ${program} get`,
    });
  // The name becomes that of a program.
  if (!/^[A-Za-z0-9._-]+$/.test(helper)) throw fail("its name is not one of a program");
  const { code, output } = await run(program, registry === "docker.io" ? DOCKER_HUB_URL : registry, fail);
  if (code !== 0) {
    if (NOT_FOUND.test(output)) return undefined;
    // Only the failure's first line: the rest may hold what it read.
    throw fail(`it ended with ${code}: ${output.split("\n", 1)[0]?.slice(0, 200) ?? ""}`);
  }
  const { Username: username, Secret: secret } = parse(output, fail);
  if (typeof username !== "string" || typeof secret !== "string") throw fail("its answer has no Username and Secret");
  if (username === "<token>") return { kind: "identity-token", token: secret };
  return username === "" ? undefined : { kind: "basic", username, password: secret };
}

function parse(output: string, fail: (what: string) => RegistryError): Record<string, unknown> {
  try {
    const json: unknown = JSON.parse(output);
    if (typeof json === "object" && json !== null) return json as Record<string, unknown>;
  } catch {
    // The parser's own message quotes the text, which is secret.
  }
  throw fail("its answer is not a JSON object");
}

function run(
  program: string,
  input: string,
  fail: (what: string) => RegistryError,
): Promise<{ readonly code: number; readonly output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, ["get"], { stdio: ["pipe", "pipe", "ignore"], timeout: TIMEOUT_MS });
    let output = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      output += text;
      if (output.length > MAX_OUTPUT_BYTES) child.kill("SIGKILL");
    });
    child.on("error", (error: NodeJS.ErrnoException) =>
      reject(fail(error.code === "ENOENT" ? "it is not on the PATH" : error.message)),
    );
    child.on("close", (code, signal) => {
      if (code === null) reject(fail(`it was ended by ${signal}: too slow, or too much output`));
      else resolve({ code, output });
    });
    // A helper that ends without reading has said all it will.
    child.stdin.on("error", () => undefined);
    child.stdin.end(`${input}\n`);
  });
}
