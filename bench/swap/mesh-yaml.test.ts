import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { STANDALONE_FILES } from "@weft/control-plane/injection/identity-files";
import { createFileSource } from "@weft/control-plane/source/files";
import { createStore } from "@weft/control-plane/store/store";
import { expect, test } from "vitest";
import { meshYaml, pluginYaml } from "./mesh-yaml.js";

const SETTINGS = {
  trustDomain: "cluster.local",
  rootNamespace: "weft-system",
  publicRoots: "/etc/ssl/certs/ca-certificates.crt",
  identityFiles: STANDALONE_FILES,
};

test("the mesh is read without a diagnostic, and has what was asked for", async () => {
  const folder = await mkdtemp(join(tmpdir(), "weft-swap-test-"));
  const stop = new AbortController();
  try {
    await writeFile(
      join(folder, "mesh.yaml"),
      meshYaml({ appPorts: [40001, 40002, 40003], clients: 260, block: "127.3.9" }),
    );
    await writeFile(join(folder, "plugin.yaml"), pluginYaml("127.0.0.1:5000/plugins/swap:live"));
    const store = createStore(SETTINGS, "");
    const objects: { kind: string; value: unknown }[] = [];
    reading: for await (const batch of createFileSource({ folder }).watch(stop.signal))
      for (const event of batch) {
        if (event.kind === "apply") {
          objects.push(event.object);
          store.apply([{ kind: "apply", object: event.object }]);
        }
        if (event.kind === "diagnostics") expect(event.diagnostics).toEqual([]);
        if (event.kind === "ready") break reading;
      }
    expect(store.current.diagnostics).toEqual([]);
    const workloads = objects.flatMap((o) => (o.kind === "WorkloadEntry" ? [o.value as { address: string }] : []));
    expect(workloads.length).toBe(263);
    expect(new Set(workloads.map(({ address }) => address)).size).toBe(263);
    expect(workloads.filter(({ address }) => address.startsWith("127.")).length).toBe(3);
    expect(objects.filter(({ kind }) => kind === "Service").length).toBe(1 + 6);
    expect(objects.filter(({ kind }) => kind === "WasmPlugin").length).toBe(1);
  } finally {
    stop.abort();
    await rm(folder, { recursive: true, force: true });
  }
});
