import { rm } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import type { ProxyState } from "../mesh/standalone-mesh.js";
import { whenSynced } from "../mesh/when-synced.js";
import type { Check } from "./check.js";
import type { DemoContext } from "./demo-context.js";
import { withHello } from "./plugin-checks.js";
import { send } from "./traffic.js";

/** How long the control plane is away. */
const AWAY_MS = 700;
/** A proxy's subscriptions are answered with nothing when it has everything; a few small answers are none to speak of. */
const MAX_BYTES_AGAIN = 4096;

export const restart: Check = {
  name: "restart",
  expected: `control plane killed and restarted under load: 0 failed, at most ${MAX_BYTES_AGAIN} bytes sent again`,
  run: (context) =>
    withHello(context, async (load) => {
      const first = totalBytes(await whenSynced(context.mesh));
      await context.mesh.killControlPlane();
      await sleep(AWAY_MS);
      await context.mesh.startControlPlane();
      const again = totalBytes(await whenSynced(context.mesh));
      await sleep(300);
      const { total, failed, failures } = await load.stop();
      return {
        observed: `${total} requests, ${failed} failed ${failures.join(", ")}; ${again} bytes sent again to all proxies (${first} before)`,
        ok: failed === 0 && total > 0 && again <= MAX_BYTES_AGAIN,
      };
    }),
};

export const registryDown: Check = {
  name: "registry-down",
  expected: "the same without registry and cache: no plugin changes at any proxy",
  run: (context) =>
    withHello(context, async (load) => {
      const before = await plugins(context);
      await context.mesh.killControlPlane();
      await context.mesh.stopRegistry();
      await rm(context.mesh.state.cache, { recursive: true, force: true });
      await sleep(AWAY_MS);
      await context.mesh.startControlPlane();
      const again = totalBytes(await whenSynced(context.mesh));
      await context.condition("hello", "Resolved", "False");
      await sleep(300);
      const after = await plugins(context);
      const { total, failed, failures } = await load.stop();
      await context.mesh.startRegistry();
      await context.condition("hello", "Resolved", "True");
      const same = JSON.stringify(before) === JSON.stringify(after);
      return {
        observed: `${total} requests, ${failed} failed ${failures.join(", ")}; ${again} bytes; ${same ? `all ${Object.keys(after.slots).length} slots and ${after.reloads} reloads as before` : "plugins changed"}`,
        ok: failed === 0 && total > 0 && same,
      };
    }),
};

function totalBytes(proxies: readonly ProxyState[]): number {
  return proxies.reduce((sum, { bytesSent }) => sum + bytesSent, 0);
}

/** What runs in every proxy: the slot versions that it acknowledged, and how often Envoy itself reloaded a slot. */
async function plugins(context: DemoContext): Promise<{ slots: Record<string, string>; reloads: number }> {
  const proxies = await whenSynced(context.mesh);
  const slots: Record<string, string> = {};
  for (const { proxyKey, types } of [...proxies].sort((a, b) => (a.proxyKey < b.proxyKey ? -1 : 1)))
    for (const [name, version] of Object.entries(
      types.find(({ type }) => type === "extension")?.ackedVersions ?? {},
    ).sort(([a], [b]) => (a < b ? -1 : 1)))
      slots[`${proxyKey} ${name}`] = version;
  let reloads = 0;
  for (const { address } of context.mesh.workloads()) {
    const { body } = await send({ host: address, port: 15000, path: "/stats?filter=config_reload$" });
    for (const [, count] of body.matchAll(/config_reload: (\d+)/g)) reloads += Number(count);
  }
  return { slots, reloads };
}
