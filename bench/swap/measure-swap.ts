import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { createRegistryClient } from "@weft/registry";
import { createPluginCompiler } from "weft/dist/mesh/plugin-compiler.js";
import { pushBuilt } from "weft/dist/mesh/plugin-publisher.js";
import { buildVersion } from "./built-versions.js";
import { clockMs } from "./clock.js";
import {
  FAULTS,
  type Fault,
  type FaultSample,
  faultSample,
  type Sighting,
  type SwapSample,
  swapSample,
} from "./samples.js";
import { LIVE_TAG, type SwapMesh, type SwapMeshOptions, startSwapMesh } from "./swap-mesh.js";

export interface MeasureSwapOptions extends Omit<SwapMeshOptions, "pushFirst"> {
  /** How many new versions are pushed. */
  readonly swaps: number;
  /** How long each fault lasts after the status told of it. */
  readonly faultSeconds: number;
}

export interface SwapResult {
  readonly moduleBytes: number;
  readonly swaps: readonly SwapSample[];
  readonly faults: readonly FaultSample[];
}

/** A swap that took longer is recorded as it stands then, with what is missing. */
const SWAP_LIMIT_MS = 60_000;
const STATUS_LIMIT_MS = 60_000;
/** After the last proxy applied: what fails late must be seen, too. */
const SETTLE_MS = 1000;
const POLL_MS = 50;

/** Pushes new versions of a plugin that all proxies run, then points it to tags that cannot be fetched. */
export async function measureSwap({ swaps, faultSeconds, ...options }: MeasureSwapOptions): Promise<SwapResult> {
  const { signal, onProgress } = options;
  const scratch = await mkdtemp(join(tmpdir(), "weft-swap-plugin-"));
  const compiler = createPluginCompiler();
  let swapMesh: SwapMesh | undefined;
  try {
    onProgress(`compiling ${swaps + 1} versions of the plugin`);
    const versions = [];
    for (let i = 0; i <= swaps; i++) {
      signal.throwIfAborted();
      versions.push({ name: String(i), built: await buildVersion(compiler, scratch, String(i)) });
    }
    const [first, ...later] = versions;
    if (first === undefined) throw new Error("no version was built");
    swapMesh = await startSwapMesh({
      ...options,
      pushFirst: async (reference) => {
        const client = createRegistryClient({ plainHttp: [reference.slice(0, reference.indexOf("/"))] });
        await pushBuilt(client, first.built, reference);
      },
    });
    const running = swapMesh;
    const swapSamples: SwapSample[] = [];
    for (const { name, built } of later) {
      const sample = await oneSwap(running, options, name, () =>
        pushBuilt(running.mesh.client, built, running.reference(LIVE_TAG)),
      );
      swapSamples.push(sample);
      onProgress(`swap ${name}: ${told(sample)}`);
    }
    const faults: FaultSample[] = [];
    for (const fault of FAULTS) {
      const sample = await oneFault(running, options, fault, String(swaps), faultSeconds);
      faults.push(sample);
      onProgress(
        `${fault}: told after ${sample.toldMs.toFixed(0)} ms, ${sample.failed} failed, ${sample.unfiltered} unfiltered, ${sample.envoysChanged + sample.clientsChanged} proxies changed`,
      );
    }
    return { moduleBytes: first.built.wasm.length, swaps: swapSamples, faults };
  } finally {
    await swapMesh?.stop();
    await compiler.close();
    await rm(scratch, { recursive: true, force: true });
  }
}

function told({ envoysApplied, lastEnvoyMs, clientsApplied, lastClientMs, failed, unfiltered }: SwapSample): string {
  const ms = (value: number | undefined): string => (value === undefined ? "never" : `${value.toFixed(0)} ms`);
  return `${envoysApplied} Envoys, last after ${ms(lastEnvoyMs)}; ${clientsApplied} simulated, last after ${ms(lastClientMs)}; ${failed} failed, ${unfiltered} unfiltered`;
}

/** What is seen while something happens. */
async function watching(
  { fleet, load, sent }: SwapMesh,
  version: string,
  happen: () => Promise<void>,
): Promise<Sighting> {
  const before = await sent();
  // What the question above made the control plane do must not count.
  await sleep(SETTLE_MS);
  await fleet.call("mark", undefined);
  await load.call("mark", version);
  await happen();
  await sleep(SETTLE_MS);
  const [loadReport, fleetReport] = [await load.call("report", undefined), await fleet.call("report", undefined)];
  return { load: loadReport, fleet: fleetReport, before, after: await sent() };
}

async function oneSwap(
  swapMesh: SwapMesh,
  { envoys, clients, signal }: Pick<MeasureSwapOptions, "envoys" | "clients" | "signal">,
  version: string,
  push: () => Promise<unknown>,
): Promise<SwapSample> {
  const { fleet, load, applied } = swapMesh;
  const known = applied.length;
  let pushedMs = 0;
  const sighting = await watching(swapMesh, version, async () => {
    await push();
    pushedMs = clockMs();
    while (clockMs() - pushedMs < SWAP_LIMIT_MS) {
      signal.throwIfAborted();
      await sleep(POLL_MS);
      const { targets } = await load.call("report", undefined);
      const { swapped } = await fleet.call("report", undefined);
      if (targets.every(({ firstNewMs }) => firstNewMs !== undefined) && swapped === clients && applied.length > known)
        return;
    }
  });
  const done = applied.slice(known).find(({ proxies }) => proxies === envoys + clients);
  return swapSample(pushedMs, sighting, done);
}

async function oneFault(
  swapMesh: SwapMesh,
  { signal }: Pick<MeasureSwapOptions, "signal">,
  fault: Fault,
  version: string,
  faultSeconds: number,
): Promise<FaultSample> {
  let toldMs = 0;
  const sighting = await watching(swapMesh, version, async () => {
    const repair = await breakRegistry(swapMesh, fault);
    try {
      const beganMs = clockMs();
      await swapMesh.point(`cannot-be-fetched-${fault}`);
      await swapMesh.resolved("False", STATUS_LIMIT_MS);
      toldMs = clockMs() - beganMs;
      await sleep(faultSeconds * 1000, undefined, { signal });
    } finally {
      await repair();
    }
    await swapMesh.point(LIVE_TAG);
    await swapMesh.resolved("True", STATUS_LIMIT_MS);
  });
  return faultSample(fault, toldMs, sighting);
}

/** Returns how to mend it. A tag that was never pushed needs nothing: the registry answers with 404. */
async function breakRegistry({ mesh }: SwapMesh, fault: Fault): Promise<() => Promise<void>> {
  if (fault === "not-found") return async () => {};
  await mesh.stopRegistry();
  if (fault === "down") return mesh.startRegistry;
  const [host, port] = mesh.registryAddress.split(":");
  const server = createServer((_, response) => response.writeHead(500).end());
  server.listen(Number(port), host);
  await once(server, "listening");
  return async () => {
    server.closeAllConnections();
    await new Promise((done) => server.close(done));
    await mesh.startRegistry();
  };
}
