import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { importsOf, type Layer, sourceFiles, violations } from "../../test/layers.js";

/** What would make the same input give different output, or wait. */
const IMPURE: Readonly<Record<string, RegExp>> = {
  "the clock": /\bDate\.now\b|\bnew Date\(\s*\)|\bperformance\.|\bhrtime\b/,
  chance: /\bMath\.random\b|\brandomUUID\b|\brandomBytes\b/,
  "the environment": /\bprocess\./,
  "the network": /\bfetch\s*\(/,
  "a timer": /\bset(Timeout|Interval|Immediate)\b/,
  await: /\bawait\b|\basync\b|\bPromise\b/,
  "the console": /\bconsole\./,
};

/** Only config of the composition root knows flags and environment. */
const EDGE = { "the environment": /\bprocess\.(env|argv)\b/, "the console": /\bconsole\./ };

/**
 * Which folder may know which, as ARCHITECTURE.md and the design have it: model ← decode, translate, status, store ←
 * source, modules, identity, injection, xds ← main. Pure folders also list the packages that they may use.
 */
const TABLE: Readonly<Record<string, Layer>> = {
  model: { packages: [], banned: IMPURE },
  decode: {
    folders: ["model"],
    packages: ["@bufbuild/cel", "yaml", "node:crypto", "node:net"],
    names: { "node:crypto": ["createHash", "X509Certificate"], "node:net": ["isIP", "isIPv4", "isIPv6"] },
    banned: IMPURE,
  },
  translate: {
    folders: ["model", "envoy-api"],
    packages: ["@bufbuild/protobuf", "node:crypto", "node:assert/strict"],
    names: { "node:crypto": ["createHash"] },
    banned: IMPURE,
  },
  status: { folders: ["model"], packages: [], banned: IMPURE },
  analysis: { folders: ["model"], packages: [], banned: IMPURE },
  // Reads back what translation makes.
  explain: {
    folders: ["model", "translate", "envoy-api"],
    packages: ["@bufbuild/protobuf", "node:net"],
    names: { "node:net": ["BlockList", "isIP"] },
    banned: IMPURE,
  },
  // The edge of status: what it makes becomes files.
  "status/writer.ts": {
    folders: ["model"],
    packages: ["yaml", "node:fs/promises", "node:path", "node:crypto"],
    banned: EDGE,
  },
  "status/event-file.ts": { folders: ["model"], packages: ["node:fs/promises", "node:path"], banned: EDGE },
  store: { folders: ["model"], packages: [], banned: IMPURE },
  source: {
    folders: ["model", "decode", "kubernetes"],
    packages: ["node:events", "node:fs", "node:path", "chokidar", "yaml"],
    banned: EDGE,
  },
  // The pre-flight runs the filter that translation makes, so that what is proven is what is served.
  modules: {
    folders: ["model", "translate"],
    packages: [
      "@grpc/grpc-js",
      "@weft/registry",
      "@weft/sdk",
      "ajv",
      "node:async_hooks",
      "node:events",
      "node:module",
      "node:worker_threads",
      "node:child_process",
      "node:crypto",
      "node:fs",
      "node:os",
      "node:path",
      "node:tls",
    ],
    banned: EDGE,
  },
  // Whether a rollout goes on or back is decided by values; only its two edges know the clock and proxies.
  rollout: { folders: ["model"], packages: [], banned: IMPURE },
  "rollout/rollouts.ts": { folders: ["model"], packages: [], banned: EDGE },
  "rollout/health-reader.ts": {
    folders: ["identity", "injection"],
    packages: ["node:https", "node:tls"],
    banned: EDGE,
  },
  handover: { folders: ["model"], packages: [], banned: IMPURE },
  "handover/handovers.ts": { folders: ["model"], packages: [], banned: EDGE },
  identity: {
    folders: ["model"],
    packages: [
      ...["@peculiar/x509", "reflect-metadata", "node:assert/strict", "node:crypto", "node:fs", "node:path"],
      ...["node:events", "node:http", "node:https", "node:timers", "node:tls", "node:util"],
    ],
    banned: EDGE,
  },
  injection: {
    folders: ["model", "decode", "identity", "envoy-api"],
    packages: ["node:net", "node:util"],
    banned: EDGE,
  },
  // The API server calls it.
  "injection/webhook-server.ts": {
    folders: ["injection", "model"],
    packages: ["node:crypto", "node:events", "node:http", "node:https", "node:net"],
    banned: EDGE,
  },
  xds: {
    folders: ["model", "translate", "identity", "envoy-api"],
    packages: ["@bufbuild/protobuf", "@grpc/grpc-js", "node:assert/strict", "node:crypto", "node:net", "node:tls"],
    banned: EDGE,
  },
  "envoy-api": { packages: ["@bufbuild/protobuf"] },
  metrics: {
    folders: ["model", "identity", "status", "xds"],
    packages: ["prom-client", "node:fs", "node:http", "node:net", "node:crypto"],
    names: { "node:crypto": ["X509Certificate"] },
    banned: EDGE,
  },
  "metrics/observed-series.ts": { folders: ["model", "identity", "xds"], packages: [], banned: IMPURE },
  journal: { folders: ["model", "status", "log"], packages: [], banned: EDGE },
  "mesh-status": { folders: ["model", "source", "status"], packages: [], banned: EDGE },
  "event-recorder": { folders: ["model", "status"], packages: [], banned: EDGE },
  "status-publisher": {
    folders: ["model", "status", "log", "mesh-status", "platform"],
    packages: [],
    banned: EDGE,
  },
  platform: {
    folders: ["model", "source", "status", "injection", "event-recorder", "identity-control"],
    packages: [],
    banned: EDGE,
  },
  "platform-folder": {
    folders: [...["config", "log", "platform", "event-recorder", "identity-control"], ...["source", "status"]],
    packages: ["node:path"],
    banned: EDGE,
  },
  "cluster-api": { folders: ["identity", "kubernetes", "source"], packages: ["node:timers"], banned: EDGE },
  "webhook-control": { folders: ["identity", "injection", "log", "platform"], packages: [], banned: EDGE },
  "cluster-identity": { folders: ["identity", "identity-control", "platform"], packages: [], banned: EDGE },
  "platform-kubernetes": {
    folders: [
      ...["cluster-api", "cluster-identity", "identity", "webhook-control"],
      ...["config", "log", "platform", "event-recorder", "identity-control"],
      ...["kubernetes", "model", "source", "status"],
    ],
    packages: [],
    banned: EDGE,
  },
  // The API server, for all who speak to it.
  kubernetes: {
    folders: ["model", "status", "source"],
    packages: ["@kubernetes/client-node", "node:crypto", "node:http", "node:https", "node:util", "node:zlib"],
    banned: EDGE,
  },
  // What replicas tell each other, over the protocol by which they give each other modules.
  replicas: { folders: ["modules"], packages: ["@grpc/grpc-js"], banned: EDGE },
  "replica-control": { folders: ["identity", "log", "modules", "replicas"], packages: ["node:dns"], banned: EDGE },
  "proxy-reports": {
    folders: ["model", "handover", "identity", "replicas", "rollout", "status", "translate", "xds"],
    packages: [],
    banned: EDGE,
  },
  "proxy-status": { folders: ["model", "translate", "xds"], packages: [], banned: EDGE },
  "mesh-report": { folders: ["model", "handover", "identity", "proxy-status"], packages: [], banned: IMPURE },
  "identity-control": { folders: ["config", "identity", "log"], packages: ["node:path"], banned: EDGE },
  "rollout-control": {
    folders: ["model", "modules", "replicas", "rollout", "status", "translate", "xds", "log", "proxy-reports"],
    packages: [],
    banned: EDGE,
  },
  "plugin-modules": {
    folders: ["config", "log", "model", "decode", "identity", "modules", "status"],
    packages: ["@weft/registry"],
    banned: EDGE,
  },
  "admin-questions": {
    folders: ["model", "identity", "mesh-report", "proxy-status", "translate", "xds"],
    packages: [],
    banned: EDGE,
  },
  admin: { packages: ["node:fs", "node:http", "node:path"], banned: EDGE },
  "plugin-review": { folders: ["model", "translate", "modules", "injection"], packages: [], banned: EDGE },
  config: { folders: ["model", "injection"], packages: [] },
  log: { packages: [] },
  "public-roots": { packages: ["node:tls"] },
  main: {
    folders: [
      ...[
        "admin",
        "config",
        "log",
        "journal",
        "mesh-status",
        "event-recorder",
        "status-publisher",
        "proxy-reports",
        "proxy-status",
        "admin-questions",
        "plugin-modules",
        "platform",
        "platform-folder",
        "platform-kubernetes",
      ],
      ...["replica-control", "rollout-control", "public-roots", "plugin-review"],
      ...["model", "decode", "translate", "status", "store", "handover"],
      ...["source", "modules", "rollout", "identity", "injection", "xds", "metrics"],
    ],
    packages: ["node:path"],
    banned: EDGE,
  },
};

const FILES = sourceFiles(fileURLToPath(new URL(".", import.meta.url)));

describe("the layers of the control plane", () => {
  it("are as the table says", () => {
    expect(violations(FILES, TABLE)).toEqual([]);
  });

  it("have no line in the table for what is not there", () => {
    const folders = new Set(FILES.flatMap(({ path }) => [path, path.replace(/\/.*|\.ts$/g, "")]));
    // Generated, and absent before the first build.
    expect(Object.keys(TABLE).filter((name) => name !== "envoy-api" && !folders.has(name))).toEqual([]);
  });

  it("keep the pure part of rollouts apart from its edges", () => {
    const edges = ["rollout/rollouts.ts", "rollout/health-reader.ts"];
    const pure = FILES.filter(({ path }) => path.startsWith("rollout/") && !edges.includes(path));
    const imports = pure.flatMap(({ text }) => importsOf(text).map(({ specifier }) => specifier));
    expect(imports.filter((specifier) => /\/(rollouts|health-reader)\.js$/.test(specifier))).toEqual([]);
  });

  it("keep the pure part of status apart from its edges", () => {
    const edges = ["status/writer.ts", "status/event-file.ts"];
    const pure = FILES.filter(({ path }) => path.startsWith("status/") && !edges.includes(path));
    const imports = pure.flatMap(({ path, text }) =>
      importsOf(text).flatMap(({ specifier }) => (/\/(writer|event-file)\.js$/.test(specifier) ? [path] : [])),
    );
    expect(imports).toEqual([]);
  });
});

describe("the check", () => {
  it.each([
    ["source/x.ts", 'import { a } from "../xds/server.js";', ["source/x.ts imports ../xds/server.js, of xds"]],
    ["model/x.ts", 'import type { A } from "../store/store.js";', ["model/x.ts imports ../store/store.js, of store"]],
    ["xds/x.ts", 'export { a } from "../main.js";', ["xds/x.ts imports ../main.js, of main"]],
    [
      "xds/x.ts",
      'const a = await import("../modules/modules.js");',
      ["xds/x.ts imports ../modules/modules.js, of modules"],
    ],
    ["decode/x.ts", 'import "../admin.js";', ["decode/x.ts imports ../admin.js, of admin"]],
    [
      "store/x.ts",
      'import {\n  a,\n  type B,\n} from "../envoy-api/gen/x_pb.js";',
      ["store/x.ts imports ../envoy-api/gen/x_pb.js, of envoy-api"],
    ],
    [
      "model/x.ts",
      'import { a } from "../../../cli/src/main.js";',
      ["model/x.ts imports ../../../cli/src/main.js, of ../../cli/src/main.js"],
    ],
    ["store/x.ts", 'import { readFile } from "node:fs/promises";', ["store/x.ts imports node:fs/promises"]],
    [
      "translate/x.ts",
      'import { createSign } from "node:crypto";',
      ["translate/x.ts imports createSign of node:crypto"],
    ],
    ["decode/x.ts", 'import * as net from "node:net";', ["decode/x.ts imports all of node:net"]],
    ["xds/x.ts", 'import { parseReference } from "@weft/registry";', ["xds/x.ts imports @weft/registry"]],
    ["translate/x.ts", "const now = Date.now();", ["translate/x.ts uses the clock"]],
    ["translate/x.ts", "const a = async () => await b();", ["translate/x.ts uses await"]],
    ["status/x.ts", "const path = process.env.HOME;", ["status/x.ts uses the environment"]],
    ["store/x.ts", "const answer = fetch(url);", ["store/x.ts uses the network"]],
    ["source/x.ts", "const path = process.env.HOME;", ["source/x.ts uses the environment"]],
    ["elsewhere/x.ts", "", ["elsewhere/x.ts: the table has no line for elsewhere"]],
  ])("finds a planted violation in %s: %s", (path, text, expected) => {
    expect(violations([{ path, text }], TABLE)).toEqual(expected);
  });

  it.each([
    [
      "translate/x.ts",
      "// Date.now() is not for here\n/* nor await */ const url = 'http://x'; const text = \"process.env\";",
    ],
    [
      "modules/x.ts",
      'import { a } from "../model/a.js";\nimport { b } from "./b.js";\nimport { c } from "@weft/registry";',
    ],
    ["decode/x.ts", 'import { isIPv4 } from "node:net";\nimport { parse } from "yaml";'],
    ["status/writer.ts", 'import { rm } from "node:fs/promises";\nawait rm("x");'],
  ])("lets pass what is allowed in %s", (path, text) => {
    expect(violations([{ path, text }], TABLE)).toEqual([]);
  });
});
