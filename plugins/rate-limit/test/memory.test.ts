import { cp, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { compilePlugin } from "@weft/sdk/build";
import { createHost, type Host } from "@weft/sdk/host";
import { afterEach, beforeAll, expect, test } from "vitest";
import { buildPlugin } from "../../../test/build-plugin.js";

const BATCH = 1000;
/* A million requests take about ten seconds, on a busy machine many times that. */
const LIMIT_MS = 600_000;

/* The plugin's limiter, asked for many descriptors in one callback: the header says which. */
const PROBE = `
import { Action, HttpContext, RootContext, registerRoot } from "@weft/sdk";
import { Config } from "./config";
import { Descriptor, Entry } from "./descriptor";
import { Limiter } from "./limiter";

class ProbeRoot extends RootContext<Config> {
  limiter: Limiter | null = null;
  onConfigure(): bool {
    this.limiter = new Limiter(this.config, "probe");
    return true;
  }
}
class Probe extends HttpContext<Config> {
  onRequestHeaders(endOfStream: bool): Action {
    const limiter = (this.root as ProbeRoot).limiter!;
    const first = I32.parseInt(this.request.headers.get("x-first")!);
    let admitted = 0;
    for (let i = first; i < first + ${BATCH}; i++) {
      const verdict = limiter.decide([new Descriptor(0, [new Entry("user", i.toString())])]);
      if (verdict.admitted) admitted++;
    }
    this.request.headers.set("x-admitted", admitted.toString());
    return Action.Continue;
  }
}
registerRoot<Probe, ProbeRoot>("probe");
`;

async function buildProbe(): Promise<Uint8Array> {
  const dir = await mkdtemp(join(tmpdir(), "weft-plugin-"));
  try {
    await cp(fileURLToPath(new URL("../assembly", import.meta.url)), join(dir, "assembly"), { recursive: true });
    await writeFile(join(dir, "plugin.yaml"), "name: probe\nversion: 1.0.0\n");
    await writeFile(join(dir, "assembly", "index.ts"), PROBE);
    const built = await compilePlugin({ dir });
    if (!built.ok) throw new Error(JSON.stringify(built.diagnostics));
    return built.wasm;
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

let probe: Uint8Array;
let plugin: Uint8Array;
let host: Host;

beforeAll(async () => {
  probe = await buildProbe();
  plugin = (await buildPlugin("rate-limit")).wasm;
});

afterEach(() => host.close());

async function batch(first: number): Promise<number> {
  const { upstreamRequest } = await host.request({ headers: { "x-first": String(first) } });
  return Number(new Map(upstreamRequest?.headers).get("x-admitted"));
}

const bucketKeys = () => host.sharedData.keys("v").filter((key) => key.includes("/limit/"));
const storedBytes = () =>
  bucketKeys().reduce((sum, key) => sum + key.length + (host.sharedData.get("v", key)?.value.length ?? 0), 0);
const metric = (name: string) => Number(host.metrics.value(`weft_rate_limit_${name}`) ?? 0n);

const limits = [{ name: "each", requests: 1, unit: "day", descriptor: [{ from: "header", name: "x-user" }] }];

test(
  "a million descriptors of which none is forgotten share what there is, and are counted",
  async () => {
    host = createHost(probe, { rootId: "probe", vmId: "v", config: { limits, slots: 4096 } });
    let admitted = await batch(0);
    for (let first = BATCH; first < 50_000; first += BATCH) admitted += await batch(first);
    const guest = host.memoryBytes();
    const stored = storedBytes();
    for (let first = 50_000; first < 1_000_000; first += BATCH) admitted += await batch(first);

    expect(host.memoryBytes()).toBe(guest);
    expect(storedBytes()).toBe(stored);
    expect(bucketKeys()).toHaveLength(512);
    expect(stored).toBeLessThan(100_000);
    // A bucket for each of the slots, and one that is shared in each set of eight: never more than their limit.
    expect(admitted).toBe(4096 + 512);
    expect(metric("descriptors_added")).toBe(4096);
    expect(metric("descriptors_replaced")).toBe(0);
    expect(metric("descriptors_shared")).toBe(1_000_000 - 4096);
  },
  LIMIT_MS,
);

test(
  "descriptors whose buckets are full again make room for others",
  async () => {
    const config = { limits: [{ ...limits[0], unit: "second" }], slots: 4096 };
    host = createHost(probe, { rootId: "probe", vmId: "v", config });
    let admitted = 0;
    for (let first = 0; first < 200_000; first += BATCH) {
      admitted += await batch(first);
      host.clock.advance(1000);
    }
    // A thousand at a time, two to a set of eight places on average.
    expect(admitted).toBeGreaterThan(199_900);
    expect(bucketKeys().length).toBeLessThanOrEqual(512);
    expect(metric("descriptors_replaced")).toBeGreaterThan(190_000);
    expect(metric("descriptors_added")).toBeLessThanOrEqual(4096);
    expect(metric("descriptors_shared")).toBeLessThan(100);
  },
  LIMIT_MS,
);

test(
  "requests with descriptors of their own do not make the plugin grow",
  async () => {
    host = createHost(plugin, { rootId: "rate-limit", vmId: "v", config: { limits, slots: 64 } });
    const send = async (from: number, to: number) => {
      for (let i = from; i < to; i++) await host.request({ headers: { "x-user": `user-${i}` } });
    };
    await send(0, 1000);
    const guest = host.memoryBytes();
    await send(1000, 3000);
    expect(host.memoryBytes()).toBe(guest);
    expect(bucketKeys()).toHaveLength(8);
  },
  LIMIT_MS,
);
