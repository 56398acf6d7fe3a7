import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { gather, untar } from "./untar.js";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
/** Not TypeScript: it runs before anything is built. */
const { writeImageArchive } = await import(join(ROOT, "scripts/oci-archive.mjs"));
const { ENVOY_VERSION } = await import(join(ROOT, "scripts/setup.mjs"));

function instructions(path: string): readonly (readonly [word: string, rest: string])[] {
  const text = readFileSync(join(ROOT, path), "utf8").replace(/\\\n/g, " ");
  const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return lines.map((line) => [line.slice(0, line.indexOf(" ")), line.slice(line.indexOf(" ") + 1)]);
}

describe.each(["images/control-plane/Dockerfile", "images/init/Dockerfile"])("%s", (path) => {
  it("is based on images with a version", () => {
    const bases = instructions(path).filter(([word]) => word === "FROM");
    for (const [, base] of bases) expect(base).toMatch(/^[\w./-]+:(?!latest)[\w.-]+( AS [a-z]+)?$/);
    expect(bases.length).toBeGreaterThan(0);
  });
});

it("the control plane's image runs as nobody, with the Envoy that the sidecars are", () => {
  const all = instructions("images/control-plane/Dockerfile");
  expect(all).toContainEqual(["USER", "65532:65532"]);
  expect(all).toContainEqual(["FROM", `envoyproxy/envoy:v${ENVOY_VERSION} AS envoy`]);
});

describe("an archive", () => {
  let scratch: string;
  beforeAll(() => {
    scratch = mkdtempSync(join(tmpdir(), "weft-archive-"));
  });
  afterAll(() => rmSync(scratch, { recursive: true, force: true }));

  async function archive(name: string, time: number): Promise<Buffer> {
    const layer = join(scratch, name);
    mkdirSync(join(layer, "etc"), { recursive: true });
    for (const file of ["passwd", "group"]) writeFileSync(join(layer, "etc", file), `${file}\n`);
    utimesSync(join(layer, "etc", "passwd"), time, time);
    const config = { User: "65532:65532", Entrypoint: ["/bin/x"] };
    const path = join(scratch, `${name}.tar`);
    await writeImageArchive({ path, name: "docker.io/library/x:1", layers: [layer], config });
    return readFileSync(path);
  }

  it("of the same files is the same", async () => {
    expect((await archive("a", 1)).equals(await archive("b", 1_000_000))).toBe(true);
  });

  it("holds an image whose every part has the digest that names it", async () => {
    const files = await gather(untar(await archive("c", 1)));
    const json = (name: string) => JSON.parse(files.get(name)?.toString() ?? "");
    const blob = (digest: string) => {
      const bytes = files.get(`blobs/${digest.replace(":", "/")}`)!;
      expect(`sha256:${createHash("sha256").update(bytes).digest("hex")}`).toBe(digest);
      return bytes;
    };
    const [entry] = json("index.json").manifests;
    expect(entry.annotations["io.containerd.image.name"]).toBe("docker.io/library/x:1");
    const manifest = JSON.parse(blob(entry.digest).toString());
    const image = JSON.parse(blob(manifest.config.digest).toString());
    expect(image.config).toEqual({ User: "65532:65532", Entrypoint: ["/bin/x"] });
    expect(image.rootfs.diff_ids).toEqual([manifest.layers[0].digest]);
    const layer = await gather(untar(blob(manifest.layers[0].digest)));
    expect(layer.get("./etc/passwd")?.toString()).toBe("passwd\n");
    expect(json("oci-layout")).toEqual({ imageLayoutVersion: "1.0.0" });
  });
});
