import { execFileSync, spawn } from "node:child_process";
import { createPrivateKey, randomUUID, sign, X509Certificate } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { createInterface } from "node:readline";
import { type Cleanup, serve, tempFolder } from "./fixtures.js";
import { TEST_TLS } from "./test-certificate.js";

/** Docker's own registry, version 2.8, from `WEFT_DOCKER_REGISTRY` or the path; undefined without it. */
export function findDockerRegistry(): string | undefined {
  const candidate = process.env.WEFT_DOCKER_REGISTRY ?? "docker-registry";
  try {
    execFileSync(candidate, ["--version"], { stdio: "ignore" });
    return candidate;
  } catch {
    return undefined;
  }
}

export interface DockerRegistryOptions {
  /** The lines of an `htpasswd` file, for Basic authentication. */
  readonly htpasswd?: string;
  /** Address (`http://…`) of a token server that signs with the key of TEST_TLS. */
  readonly realm?: string;
  /** Whether it speaks TLS, with TEST_TLS. */
  readonly tls?: boolean;
}

export const SERVICE = "docker-registry";
const ISSUER = "weft-tests";

/** Starts the program on a free port, with a folder of its own. Returns `host:port`. */
export async function startDockerRegistry(cleanup: Cleanup, options: DockerRegistryOptions = {}): Promise<string> {
  const dir = await tempFolder(cleanup);
  const { htpasswd, realm, tls = false } = options;
  await writeFile(`${dir}/cert.pem`, TEST_TLS.certificate);
  await writeFile(`${dir}/key.pem`, TEST_TLS.privateKey);
  if (htpasswd !== undefined) await writeFile(`${dir}/htpasswd`, htpasswd);
  const config = {
    version: "0.1",
    log: { level: "info", formatter: "json" },
    storage: { filesystem: { rootdirectory: `${dir}/data` }, delete: { enabled: true } },
    http: {
      addr: "127.0.0.1:0",
      secret: randomUUID(),
      ...(tls ? { tls: { certificate: `${dir}/cert.pem`, key: `${dir}/key.pem` } } : {}),
    },
    ...(htpasswd === undefined ? {} : { auth: { htpasswd: { realm: "tests", path: `${dir}/htpasswd` } } }),
    ...(realm === undefined
      ? {}
      : { auth: { token: { realm, service: SERVICE, issuer: ISSUER, rootcertbundle: `${dir}/cert.pem` } } }),
  };
  // JSON is YAML.
  await writeFile(`${dir}/config.yml`, JSON.stringify(config));
  const child = spawn(findDockerRegistry() ?? "", ["serve", `${dir}/config.yml`], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { PATH: process.env.PATH },
  });
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  cleanup.add(async () => {
    child.kill("SIGKILL");
    await ended;
  });
  const said: string[] = [];
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code) => reject(new Error(`docker-registry ended (${code}):\n${said.join("\n")}`)));
    for (const stream of [child.stdout, child.stderr])
      createInterface({ input: stream }).on("line", (line) => {
        said.push(line);
        const address = /listening on (127\.0\.0\.1:\d+)/.exec(line)?.[1];
        if (address !== undefined) resolve(address);
      });
  });
}

/**
 * A token server as that registry trusts it: user `me` with the password `secret`, who may do what is asked for; others
 * may pull. Tokens live `lifeS` seconds.
 */
export async function startTokenServer(cleanup: Cleanup, lifeS = 300) {
  const server = await serve(cleanup, ({ url, headers }, response) => {
    const { searchParams } = new URL(url, "http://x");
    const isUser = headers.authorization === `Basic ${Buffer.from("me:secret").toString("base64")}`;
    if (headers.authorization !== undefined && !isUser) {
      response.writeHead(401).end();
      return;
    }
    const access = searchParams
      .getAll("scope")
      .flatMap((text) => text.split(" "))
      .flatMap((scope) => {
        const [, name, actions = ""] = /^repository:(.+):([a-z,]+)$/.exec(scope) ?? [];
        const allowed = actions.split(",").filter((action) => isUser || action === "pull");
        return name === undefined ? [] : [{ type: "repository", name, actions: allowed }];
      });
    const token = signToken({ access, sub: isUser ? "me" : "" }, lifeS);
    response.writeHead(200, { "content-type": "application/json" });
    response.end(JSON.stringify({ token, expires_in: lifeS, issued_at: new Date().toISOString() }));
  });
  return { realm: `http://${server.address}/token`, address: server.address, requests: server.requests };
}

/** https://distribution.github.io/distribution/spec/auth/jwt/ */
function signToken(claims: object, lifeS: number): string {
  const certificate = new X509Certificate(TEST_TLS.certificate).raw.toString("base64");
  const nowS = Math.floor(Date.now() / 1000);
  const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  const header = encode({ typ: "JWT", alg: "ES256", x5c: [certificate] });
  const times = { iss: ISSUER, aud: SERVICE, iat: nowS, nbf: nowS - 10, exp: nowS + lifeS, jti: randomUUID() };
  const signed = `${header}.${encode({ ...times, ...claims })}`;
  const key = { key: createPrivateKey(TEST_TLS.privateKey), dsaEncoding: "ieee-p1363" } as const;
  return `${signed}.${sign("sha256", Buffer.from(signed), key).toString("base64url")}`;
}
