import { readFile, writeFile } from "node:fs/promises";
import http from "node:http";
import http2 from "node:http2";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { packPlugin, parseReference, pushPlugin } from "@weft/registry";
import type { Check } from "./check.js";
import type { DemoContext } from "./demo-context.js";
import { type Reply, send, startLoad } from "./traffic.js";
import { flakyFailures } from "./traffic-checks.js";
import { waitFor } from "./wait.js";

export const retryRemoved: Check = {
  name: "retry-removed",
  expected: "20 of 60 fail without the retry plugin, none once it is back",
  async run(context) {
    const file = join(context.mesh.folder, "plugins", "retry.yaml");
    const yaml = await readFile(file, "utf8").catch(() => undefined);
    if (yaml === undefined) return { observed: "there is no retry plugin to remove", ok: false };
    await context.detach("retry");
    await pluginGone(context, "default/retry");
    const without = await flakyFailures(context);
    await context.attach("retry", yaml);
    await context.condition("retry", "Programmed", "True");
    const again = await flakyFailures(context);
    return { observed: `${without} of 60 failed, then ${again}`, ok: without >= 15 && again === 0 };
  },
};

async function pluginGone(context: DemoContext, key: string): Promise<void> {
  await waitFor(`no proxy to run ${key}`, async () => {
    const proxies = await context.mesh.proxies();
    const isGone = proxies.every(({ slots, types }) => {
      const acked = types.find(({ type }) => type === "extension")?.ackedVersions ?? {};
      return slots.every((slot) => !slot.plugins.includes(key) && acked[slot.name] === slot.version);
    });
    return isGone ? true : undefined;
  });
}

const HELLO = "hello";
const SOURCE = "assembly/greeting.ts";
const CONFIG_SOURCE = "assembly/index.ts";

function helloYaml(context: DemoContext): string {
  return `apiVersion: weft.mesh/v1alpha1
kind: WasmPlugin
metadata: { name: hello }
spec:
  url: oci://${context.mesh.registryAddress}/plugins/hello:0.1.0
  imagePullPolicy: Always
  selector: { matchLabels: { app: backend } }
  pluginConfig: { name: demo }
`;
}

async function attachHello(context: DemoContext): Promise<void> {
  await context.attach(HELLO, helloYaml(context));
  for (const workload of ["backend-v1", "backend-v2"])
    await waitFor(`the hello plugin on ${workload}`, async () => greeting(await send(context.target(workload, "/"))));
  await context.condition(HELLO, "Programmed", "True");
}

async function detachHello(context: DemoContext): Promise<void> {
  await context.detach(HELLO);
  await pluginGone(context, "default/hello");
}

/** Edits a source of the hello plugin, then compiles and pushes it under the same tag. Returns how to undo it. */
async function changeHello(
  context: DemoContext,
  source: string,
  from: string,
  to: string,
): Promise<() => Promise<void>> {
  const dir = join(context.pluginsDir, HELLO);
  const path = join(dir, source);
  const before = await readFile(path, "utf8");
  if (!before.includes(from)) throw new Error(`${source} has no ${from}`);
  const publish = async (text: string) => {
    await writeFile(path, text);
    const published = await context.mesh.publish(dir, HELLO);
    if (!published.ok) throw new Error(published.messages.join("; "));
  };
  await publish(before.replace(from, to));
  return () => publish(before);
}

const greeting = (reply: Reply) => reply.headers["x-hello"];

/** Every answer must have passed the plugin. */
function filtered(reply: Reply): string | undefined {
  if (reply.status !== 200) return `status ${reply.status}`;
  return greeting(reply) === undefined ? "unfiltered" : undefined;
}

export const swap: Check = {
  name: "swap",
  expected: "edit, build, push under load: 0 failed, 0 unfiltered",
  async run(context) {
    await attachHello(context);
    const load = startLoad(context.target("frontend", "/"), filtered);
    const old = await waitFor("the old greeting", async () => greeting(await context.frontend("/")));
    const undo = await changeHello(context, SOURCE, '"hello"', '"howdy"');
    const pushedMs = performance.now();
    await waitFor("the new greeting", async () =>
      greeting(await context.frontend("/")) === "howdy, demo" ? true : undefined,
    );
    const tookMs = Math.round(performance.now() - pushedMs);
    await context.condition(HELLO, "Programmed", "True");
    await sleep(300);
    const { total, failed, failures } = await load.stop();
    await undo();
    await waitFor("the old greeting again", async () =>
      greeting(await context.frontend("/")) === old ? true : undefined,
    );
    await detachHello(context);
    return {
      observed: `${total} requests, ${failed} failed or unfiltered ${failures.join(", ")}; "${old}" → "howdy, demo" ${tookMs} ms after the push`,
      ok: failed === 0 && total > 0 && old === "hello, demo",
    };
  },
};

export const attachLive: Check = {
  name: "attach-live",
  expected: "attach and detach take effect on open HTTP/1.1 and h2 connections",
  async run(context) {
    const target = context.target("backend-v1", "/");
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    const session = http2.connect(`http://${target.host}:${target.port}`);
    let goneAway = false;
    session.on("goaway", () => {
      goneAway = true;
    });
    session.on("error", () => {});
    const ports = new Set<number | undefined>();
    const h1 = async () => {
      const reply = await send({ ...target, agent });
      ports.add(reply.localPort);
      return greeting(reply);
    };
    const h2 = () => h2Greeting(session);
    try {
      const before = [await h1(), await h2()];
      await context.attach(HELLO, helloYaml(context));
      const attached = await waitFor("the plugin on the open connections", async () => {
        const seen = [await h1(), await h2()];
        return seen.every((value) => value === "hello, demo") ? seen : undefined;
      });
      await context.detach(HELLO);
      await waitFor("no plugin on the open connections", async () => {
        const seen = [await h1(), await h2()];
        return seen.every((value) => value === undefined) ? true : undefined;
      });
      const same = ports.size === 1 && !goneAway && !session.closed;
      return {
        observed: `without: ${before.map(String).join(", ")}; attached: ${attached.join(", ")}; detached again; ${same ? "on the same connections" : "on other connections"}`,
        ok: same && before.every((value) => value === undefined),
      };
    } finally {
      agent.destroy();
      session.destroy();
    }
  },
};

function h2Greeting(session: http2.ClientHttp2Session): Promise<string | undefined> {
  return new Promise((done, fail) => {
    const stream = session.request({ ":path": "/" });
    let value: string | undefined;
    stream.on("response", (headers) => {
      value = headers["x-hello"] as string | undefined;
    });
    stream.on("error", fail);
    stream.on("end", () => done(value));
    stream.resume();
    stream.end();
  });
}

/** Breaks the hello plugin while requests pass through it, and waits for the status to say so. */
async function refused(
  context: DemoContext,
  condition: string,
  text: string,
  breakIt: () => Promise<() => Promise<unknown>>,
): Promise<{ observed: string; ok: boolean }> {
  await attachHello(context);
  const load = startLoad(context.target("frontend", "/"), filtered);
  const mend = await breakIt();
  const message = await context.condition(HELLO, condition, "False", text);
  await sleep(300);
  const { total, failed, failures } = await load.stop();
  await mend();
  await context.condition(HELLO, condition, "True");
  await detachHello(context);
  return {
    observed: `${condition}=False: ${message.slice(0, 110)}; ${total} requests, ${failed} failed or unfiltered ${failures.join(", ")}`,
    ok: failed === 0 && total > 0,
  };
}

const TRAP = "the demo breaks this plugin";

export const refuseTrap: Check = {
  name: "refuse-trap",
  expected: "a plugin that traps in on_configure is refused, the good one serves on",
  run: (context) =>
    refused(context, "Validated", TRAP, () =>
      changeHello(
        context,
        CONFIG_SOURCE,
        'name: string = "mesh";',
        `name: string = "mesh";\n  validate(): string | null { throw new Error("${TRAP}"); }`,
      ),
    ),
};

export const refuseGarbage: Check = {
  name: "refuse-garbage",
  expected: "garbage instead of a module is refused, the good one serves on",
  run: (context) =>
    refused(context, "Verified", "", async () => {
      const reference = parseReference(`${context.mesh.registryAddress}/plugins/hello:0.1.0`);
      const wasm = Buffer.from("\0asm\x01\0\0\0 this is no module at all", "latin1");
      const artifact = await packPlugin({ wasm, pluginYaml: "name: hello\nrootId: hello\n" });
      await pushPlugin(context.mesh.client, reference, artifact);
      return () => context.mesh.publish(join(context.pluginsDir, HELLO), HELLO);
    }),
};

/** For the checks of faults: requests that must all pass the hello plugin. */
export async function withHello<T>(
  context: DemoContext,
  work: (load: ReturnType<typeof startLoad>) => Promise<T>,
): Promise<T> {
  await attachHello(context);
  const load = startLoad(context.target("frontend", "/"), filtered);
  try {
    return await work(load);
  } finally {
    await load.stop();
    await detachHello(context);
  }
}
