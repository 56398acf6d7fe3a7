import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { TEST_TLS } from "../registry/test/test-certificate.js";
import { ROOT, type RunningWeft, runWeft, runWeftIn, startWeft } from "./support/weft.js";

// Registries, signatures and status, as the user of the command sees them.
let dir: string;
const servers: RunningWeft[] = [];

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "weft-e2e-"));
  // The credentials of whoever runs the tests are none of our business.
  vi.stubEnv("DOCKER_CONFIG", join(dir, "docker"));
  vi.stubEnv("REGISTRY_AUTH_FILE", "");
  vi.stubEnv("XDG_RUNTIME_DIR", "");
});
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.signal("SIGKILL");
    await server.ended;
  }
  vi.unstubAllEnvs();
  await rm(dir, { recursive: true, force: true });
});

/** `weft registry serve` on a free port; its address. */
async function serve(...args: string[]): Promise<RunningWeft & { readonly host: string }> {
  const server = startWeft("registry", "serve", "--port", "0", ...args);
  servers.push(server);
  const line = await server.printed(/^registry https?:\/\//);
  return { ...server, host: /\/\/(\S+), kept/.exec(line)?.[1] ?? "" };
}

async function copyHello(name: string): Promise<string> {
  const copy = join(dir, name);
  await cp(join(ROOT, "plugins", "hello"), copy, { recursive: true, filter: (path) => !path.endsWith("/build") });
  return copy;
}

/** Runs a command with `-o json` that must end well; what it printed. */
async function json(...args: string[]) {
  const { code, stdout, stderr } = await runWeft(...args, "-o", "json");
  expect([code, stderr]).toEqual([0, ""]);
  return JSON.parse(stdout);
}

describe("weft registry serve", () => {
  it("keeps what is pushed in its folder, alone, and ends at SIGTERM", async () => {
    const folder = join(dir, "registry");
    const first = await serve("--dir", folder, "--verbose");
    expect(first.output()).toContain(`push to it: weft plugin push DIR ${first.host}/plugins/NAME:VERSION`);
    const plain = ["--plain-http", first.host];
    const { digest } = await json("plugin", "push", await copyHello("hello"), `${first.host}/p:v1`, ...plain);
    expect(first.output()).toMatch(/^\S+Z 127\.0\.0\.1 PUT \/v2\/p\/manifests\/v1 201 \d+ ms$/m);

    const second = await runWeft("registry", "serve", "--port", "0", "--dir", folder);
    expect([second.code, second.stderr]).toEqual([1, expect.stringContaining("already runs this folder")]);
    const samePort = first.host.split(":")[1] ?? "";
    const taken = await runWeft("registry", "serve", "--port", samePort, "--memory");
    expect([taken.code, taken.stderr]).toEqual([1, expect.stringContaining(`port ${samePort}`)]);

    first.signal("SIGTERM");
    expect(await first.ended).toBe(0);
    expect(first.output()).toMatch(/^ended$/m);
    const again = await serve("--dir", folder);
    const found = await json("plugin", "inspect", `${again.host}/p:v1`, "--plain-http", again.host);
    expect(found.image.digest).toBe(digest);
    again.signal("SIGINT");
    expect(await again.ended).toBe(0);
  });

  it.each(["basic", "token"])("asks for passwords: %s", async (scheme) => {
    const bcrypt = createRequire(join(ROOT, "registry", "package.json"))("bcryptjs") as typeof import("bcryptjs");
    await writeFile(join(dir, "users"), `me:${await bcrypt.hash("s3cret", 4)}\n`);
    const server = await serve(
      "--memory",
      "--htpasswd",
      join(dir, "users"),
      "--auth",
      scheme,
      "--anonymous-pull",
      "--verbose",
    );
    const { host } = server;
    const hello = await copyHello("hello");
    const push = ["plugin", "push", hello, `${host}/p:v1`, "--plain-http", host];
    const refused = await runWeft(...push);
    expect([refused.code, refused.stderr]).toEqual([1, expect.stringMatching(/credentials.*\nFix: /)]);
    await mkdir(join(dir, "docker"));
    const auths = { [host]: { auth: Buffer.from("me:s3cret").toString("base64") } };
    await writeFile(join(dir, "docker", "config.json"), JSON.stringify({ auths }));
    await json(...push);
    await rm(join(dir, "docker"), { recursive: true });
    await json("plugin", "pull", `${host}/p:v1`, "--to", join(dir, "pulled"), "--plain-http", host);
    for (const secret of ["s3cret", auths[host]?.auth ?? ""]) expect(server.output()).not.toContain(secret);
  });

  it("speaks TLS", async () => {
    await writeFile(join(dir, "cert.pem"), TEST_TLS.certificate);
    await writeFile(join(dir, "key.pem"), TEST_TLS.privateKey);
    const tls = ["--tls-cert", join(dir, "cert.pem"), "--tls-key", join(dir, "key.pem")];
    const { host } = await serve("--memory", ...tls);
    const push = ["plugin", "push", await copyHello("hello"), `${host}/p:v1`];
    const refused = await runWeft(...push);
    expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining(host)]);
    const ca = ["--ca-file", join(dir, "cert.pem")];
    await json(...push, ...ca);
    expect((await json("plugin", "inspect", `${host}/p:v1`, ...ca)).ok).toBe(true);
    const bad = await runWeft(...push, "--ca-file", join(dir, "key.pem"));
    expect([bad.code, bad.stderr]).toEqual([1, expect.stringContaining("has no certificate")]);
  });

  it("says what is wrong with its options", async () => {
    await writeFile(join(dir, "users"), "me:plain\n");
    const cases: [number, RegExp, ...string[]][] = [
      [2, /--dir or --memory/],
      [2, /--dir or --memory/, "--memory", "--dir", dir],
      [2, /a port is 0 to 65535/, "--memory", "--port", "x"],
      [1, /users, line 1: the hash is not of bcrypt/, "--memory", "--htpasswd", join(dir, "users")],
      [1, /nowhere cannot be read/, "--memory", "--htpasswd", join(dir, "nowhere")],
      [1, /needs --htpasswd/, "--memory", "--anonymous-pull"],
      [1, /both --tls-cert and --tls-key/, "--memory", "--tls-cert", join(dir, "users")],
      [
        1,
        /--tls-key .*users cannot be used/,
        "--memory",
        "--tls-cert",
        join(dir, "users"),
        "--tls-key",
        join(dir, "users"),
      ],
    ];
    for (const [code, message, ...args] of cases) {
      const result = await runWeft("registry", "serve", ...args);
      expect([result.code, result.stderr]).toEqual([code, expect.stringMatching(message)]);
    }
  });
});

describe("weft plugin", () => {
  it("push gives the same digest wherever and whenever it is built; pull and oras write what is in the image", async () => {
    const { host } = await serve("--memory");
    const plain = ["--plain-http", host];
    const one = await copyHello("one");
    const two = await copyHello("other/place/with/a/longer/name");
    for (const file of await readdir(two, { recursive: true })) await utimes(join(two, file), 1, 1);
    const built = await json("plugin", "build", one);
    const digests = [];
    for (const [i, folder] of [one, two].entries())
      digests.push((await json("plugin", "push", folder, `${host}/p:v${i}`, ...plain)).digest);
    expect(digests).toEqual([built.imageDigest, built.imageDigest]);

    const pulled = await json("plugin", "pull", `${host}/p:v1`, "--to", join(dir, "pulled"), ...plain);
    expect(pulled).toMatchObject({
      digest: digests[0],
      reference: `${host}/p:v1@${digests[0]}`,
      layout: "oci-image",
      files: ["plugin.wasm", "plugin.yaml", "README.md"],
      annotations: {
        "org.opencontainers.image.title": "hello",
        "org.opencontainers.image.version": "0.1.0",
        "org.opencontainers.image.description": expect.stringContaining("header"),
        "mesh.weft.plugin.abi": "0.2.1",
        "mesh.weft.plugin.root-id": "hello",
        "mesh.weft.plugin.sdk": expect.stringMatching(/^@weft\/sdk@/),
        "mesh.weft.plugin.capabilities": expect.stringContaining("proxy_log"),
        "mesh.weft.plugin.wasm-sha256": pulled.wasmSha256,
      },
    });
    const same = async (name: string, from: string, to: string) =>
      expect((await readFile(join(to, name))).equals(await readFile(join(from, name)))).toBe(true);
    for (const name of ["plugin.wasm", "plugin.yaml"]) await same(name, join(one, "build"), join(dir, "pulled"));
    await same("README.md", one, join(dir, "pulled"));
    expect(await readFile(join(dir, "pulled", "plugin.yaml"), "utf8")).toContain("configSchema:");

    const again = await runWeft("plugin", "pull", `${host}/p:v1`, "--to", join(dir, "pulled"), ...plain);
    expect([again.code, again.stderr]).toEqual([1, expect.stringContaining("is not empty")]);
    const text = await runWeftIn(dir, "plugin", "pull", `${host}/p:v1`, ...plain);
    expect(text.stdout.split("\n")[0]).toBe(`${host}/p:v1@${digests[0]}`);
    expect(await readdir(join(dir, "p"))).toEqual(expect.arrayContaining(["plugin.wasm", "plugin.yaml"]));
    const absent = await runWeft("plugin", "pull", `${host}/q:v1`, ...plain);
    expect([absent.code, absent.stderr]).toEqual([1, expect.stringContaining(`${host}/q:v1: not found`)]);

    const oras = process.env.WEFT_ORAS;
    if (oras === undefined) return;
    await mkdir(join(dir, "oras"));
    await promisify(execFile)(oras, ["pull", "--plain-http", `${host}/p:v1`], { cwd: join(dir, "oras") });
    for (const name of ["plugin.wasm", "plugin.yaml", "README.md"])
      await same(name, join(dir, "pulled"), join(dir, "oras"));
  });

  it("sign and verify, with keys that generate-key-pair made, and copy takes the signatures along", async () => {
    vi.stubEnv("COSIGN_PASSWORD", "correct horse");
    const { host } = await serve("--memory");
    const plain = ["--plain-http", host];
    const reference = `${host}/team/hello:0.1.0`;
    const { digest } = await json("plugin", "push", await copyHello("hello"), reference, ...plain);
    const made = await json("plugin", "generate-key-pair", "--output-prefix", join(dir, "keys", "ours"));
    const [key, pub] = [join(dir, "keys", "ours.key"), join(dir, "keys", "ours.pub")];
    expect(made).toEqual({ ok: true, privateKey: key, publicKey: pub });
    expect((await stat(key)).mode & 0o777).toBe(0o600);
    const again = await runWeft("plugin", "generate-key-pair", "--output-prefix", join(dir, "keys", "ours"));
    expect([again.code, again.stderr]).toEqual([1, expect.stringContaining("is there already")]);
    await json("plugin", "generate-key-pair", "--output-prefix", join(dir, "other"));

    const verify = (...args: string[]) => runWeft("plugin", "verify", ...args, ...plain);
    const unsigned = await verify(reference, "--key", pub);
    expect([unsigned.code, unsigned.stderr]).toEqual([1, `${reference}@${digest} is not signed\n`]);
    const signed = await runWeft("plugin", "sign", reference, "--key", key, ...plain);
    expect(signed).toEqual({
      code: 0,
      stdout: `signed ${reference}@${digest} (bundle)\n`,
      stderr: `${reference} is ${digest} now; this is what gets signed\n`,
    });
    const held = await verify(reference, "--key", join(dir, "other.pub"), "--key", pub);
    expect([held.code, held.stdout]).toEqual([0, `${reference}@${digest}\n  signed by ${pub} (bundle)\n`]);
    const wrong = await verify(reference, "--key", join(dir, "other.pub"), "-o", "json");
    expect([wrong.code, JSON.parse(wrong.stdout)]).toMatchObject([
      1,
      { ok: false, digest, problems: [expect.any(String)] },
    ]);

    const copy = await json("plugin", "copy", reference, `${host}/copies/hello:v1`, ...plain);
    expect(copy).toMatchObject({ digest, referrers: 1, reference: `${host}/copies/hello:v1@${digest}` });
    await json("plugin", "sign", `${host}/copies/hello@${digest}`, "--key", key, "--form", "tag", ...plain);
    const both = await json("plugin", "verify", `${host}/copies/hello:v1`, "--key", pub, ...plain);
    expect(both.signatures.map(({ form, keyFile }: { form: string; keyFile: string }) => [form, keyFile])).toEqual([
      ["bundle", pub],
      ["tag", pub],
    ]);

    const swapped = await verify(reference, "--key", key);
    expect([swapped.code, swapped.stderr]).toEqual([1, expect.stringContaining("it is a private key")]);
    expect((await verify(reference)).code).toBe(2);
    vi.stubEnv("COSIGN_PASSWORD", "wrong");
    const locked = await runWeft("plugin", "sign", reference, "--key", key, ...plain);
    expect([locked.code, locked.stderr]).toEqual([1, expect.stringMatching(/the password is wrong/)]);
    vi.stubEnv("COSIGN_PASSWORD", undefined);
    const asked = await runWeft("plugin", "sign", reference, "--key", key, ...plain);
    expect([asked.code, asked.stderr]).toEqual([1, expect.stringContaining("set COSIGN_PASSWORD")]);
  });
});

describe("weft status plugins", () => {
  const PLUGIN = (name: string, phase: string) => `apiVersion: weft.mesh/v1alpha1
kind: WasmPlugin
metadata: { name: ${name} }
spec:
  url: oci://127.0.0.1:1/plugins/${name}:1.0.0
  phase: ${phase}
`;

  it("tells what the status files say, for people and as data", async () => {
    await writeFile(
      join(dir, "plugins.yaml"),
      ["good", "bad", "new"].map((name) => PLUGIN(name, "AUTHN")).join("---\n"),
    );
    const status = join(dir, ".weft", "status", "WasmPlugin");
    await mkdir(status, { recursive: true });
    const conditions = (programmed: string, message: string) => [
      { type: "Accepted", status: "True", reason: "Accepted", message: "", lastTransitionTime: "2026-01-01T00:00:00Z" },
      {
        type: "Programmed",
        status: programmed,
        reason: "Progressing",
        message,
        lastTransitionTime: "2026-01-01T00:00:00Z",
      },
    ];
    for (const [name, programmed] of [
      ["good", "True"],
      ["bad", "False"],
    ] as const) {
      const document = {
        kind: "WasmPlugin",
        metadata: { namespace: "default", name },
        status: {
          conditions: conditions(programmed, "1 of 2 proxies run it"),
          digest: `sha256:${"ab".repeat(32)}`,
          proxies: { matched: 2, acked: 1, rejected: 1, lastError: "no" },
        },
      };
      await writeFile(join(status, `default.${name}.yaml`), JSON.stringify(document));
    }
    await writeFile(join(status, "default.broken.yaml"), "{");

    const { code, stdout, stderr } = await runWeft("status", "plugins", "-f", dir);
    expect(code).toBe(0);
    expect(stderr).toContain("no mesh runs on");
    expect(stderr).toContain("default.broken.yaml cannot be read");
    expect(stdout.split("\n")).toEqual([
      expect.stringMatching(/^PLUGIN +PHASE +DIGEST +MATCHED +ACKED +REJECTED +STATE$/),
      expect.stringMatching(/^default\/bad +authn +abababababab +2 +1 +1 +Programmed=False$/),
      "    Programmed: Progressing: 1 of 2 proxies run it",
      expect.stringMatching(/^default\/good +authn +abababababab +2 +1 +1 +ok$/),
      expect.stringMatching(/^default\/new +authn +- +- +- +- +no status$/),
      "",
    ]);
    const data = JSON.parse((await runWeft("status", "plugins", "-f", dir, "-o", "json")).stdout);
    expect(data).toMatchObject({
      folder: dir,
      running: false,
      plugins: [
        { namespace: "default", name: "bad", phase: "authn", proxies: { lastError: "no" } },
        { name: "good", conditions: [{ type: "Accepted" }, { type: "Programmed", status: "True" }] },
        { name: "new", conditions: [] },
      ],
      unreadable: [expect.stringContaining("broken")],
    });
    const nowhere = await runWeft("status", "plugins", "-f", join(dir, "nowhere"));
    expect([nowhere.code, nowhere.stderr]).toEqual([1, expect.stringContaining("is no folder")]);
  });
});
