import { test } from "vitest";
import { createMeshFolder } from "./support/mesh-folder.js";
import { get } from "./support/requests.js";
import { waitFor } from "./support/wait-for.js";
import { setTimeout as sleep } from "node:timers/promises";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
test("try", async () => {
  const mesh = await createMeshFolder();
  try {
    const t0 = Date.now();
    const up = mesh.up("--plugins", mesh.pluginsDir);
    await up.printed(/in sync/);
    console.log("ready", Date.now() - t0);
    const a = await waitFor("answer", () => get(mesh.requestFrom(mesh.v1)).then((x) => (x.headers["x-hello"] ? x : undefined), () => undefined));
    console.log("ok", Date.now() - t0, a);
    const cases: [string, string, string, string, string][] = [
      ["mesh/traffic.yaml", "hosts: [echo]", "hosts: [echo", "VirtualService", "echo"],
      ["mesh/traffic.yaml", "http:\n", "htpp:\n", "VirtualService", "echo"],
      ["mesh/traffic.yaml", "subset: v2", "subset: v3", "VirtualService", "echo"],
      ["mesh/traffic.yaml", "subset: v2 }\n          weight: 100", "subset: v2 }\n          weight: 70\n        - destination: { host: echo, subset: v1 }\n          weight: 40", "VirtualService", "echo"],
      ["mesh/hello.yaml", "hello:0.1.0", "hello:9.9.9", "WasmPlugin", "hello"],
    ];
    for (const [f, from, to, kind, name] of cases) {
      const back = await mesh.edit(f, from, to);
      await sleep(2000);
      console.log("BROKEN", to, await mesh.status(kind, name));
      const x = await get(mesh.requestFrom(mesh.v1));
      console.log(x.status, x.body, x.headers["x-hello"]);
      await back();
      await sleep(1500);
      console.log("MENDED", await mesh.status(kind, name));
    }
    await writeFile(join(mesh.folder, "a.yaml"), "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: { name: echo }\nspec:\n  hosts: [echo]\n  http:\n    - route: [{ destination: { host: echo, subset: v1 } }]\n");
    await sleep(1500);
    console.log(await mesh.status("VirtualService", "echo"));
    console.log(up.output());
  } finally {
    const t = Date.now();
    await mesh.remove();
    console.log("removed", Date.now() - t);
  }
});
