import { setTimeout as sleep } from "node:timers/promises";
import type { Mesh, ProxyState } from "./standalone-mesh.js";

const POLL_MS = 50;

/** Whether a proxy has acknowledged all that it should have. */
export function isSynced({ types, slots }: ProxyState): boolean {
  const extension = types.find(({ type }) => type === "extension");
  return (
    types.every(({ inFlight, pending }) => !inFlight && pending === 0) &&
    slots.every(({ name, version }) => extension?.ackedVersions[name] === version)
  );
}

/** Waits until every workload's proxy is connected and in sync. Throws when that takes too long. */
export async function whenSynced(mesh: Mesh, limitMs = 120_000): Promise<readonly ProxyState[]> {
  const end = Date.now() + limitMs;
  for (;;) {
    const proxies = await mesh.proxies().catch(() => []);
    const wanted = mesh.workloads().filter(({ hasSidecar }) => hasSidecar);
    const synced = wanted.filter(({ namespace, name }) =>
      proxies.some((proxy) => proxy.proxyKey === `${namespace}/${name}` && isSynced(proxy)),
    );
    if (synced.length === wanted.length) return proxies;
    if (Date.now() > end) {
      const late = wanted.filter((workload) => !synced.includes(workload)).map(({ name }) => name);
      throw new Error(`after ${limitMs / 1000} s not in sync: ${late.join(", ")}; see envoy.log in their folders`);
    }
    await sleep(POLL_MS);
  }
}
