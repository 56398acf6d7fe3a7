import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { fileSourceContract } from "./file-source.contract.js";
import { createFileSource, type FileSourceOptions } from "./files.js";
import { sourceContract } from "./source.contract.js";
import { SourceProbe } from "./source-probe.js";

async function writeFiles(folder: string, texts: Readonly<Record<string, string | undefined>>): Promise<void> {
  for (const [file, text] of Object.entries(texts)) {
    const path = join(folder, file);
    await mkdir(dirname(path), { recursive: true });
    if (text === undefined) await rm(path);
    else await writeFile(path, text);
  }
}

for (const contract of [sourceContract, fileSourceContract])
  contract("files", async () => {
    const folder = await mkdtemp(join(tmpdir(), "weft-source-"));
    return {
      source: createFileSource({ folder }),
      write: (texts) => writeFiles(folder, texts),
      close: () => rm(folder, { recursive: true, force: true }),
    };
  });

const rule = (name: string, host = "backend") =>
  `apiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: {name: ${name}}\nspec: {host: ${host}}\n`;

describe("files", () => {
  let folder: string;
  const probes: SourceProbe[] = [];

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "weft-source-"));
  });
  afterEach(async () => {
    for (const probe of probes.splice(0)) await probe.close();
    await rm(folder, { recursive: true, force: true });
  });

  async function start(texts: Readonly<Record<string, string>>, options: Partial<FileSourceOptions> = {}) {
    await writeFiles(folder, texts);
    const probe = new SourceProbe(createFileSource({ folder, ...options }));
    probes.push(probe);
    await probe.next();
    return probe;
  }

  test("reads folders in folders, and leaves alone what is not its own", async () => {
    const probe = await start({
      "deep/er/a.yaml": rule("a"),
      "b.yml": rule("b"),
      ".weft/status/c.yaml": rule("c"),
      ".hidden.yaml": rule("d"),
      "node_modules/e/e.yaml": rule("e"),
      "f.json": rule("f"),
      "deep/.git/g.yaml": rule("g"),
    });
    expect(probe.names()).toEqual(["a", "b"]);
    expect(probe.fileOf("a")).toBe("deep/er/a.yaml");
    await writeFiles(folder, { ".weft/status/h.yaml": rule("h"), "later/i.yaml": rule("i") });
    await probe.until(() => probe.names().includes("i"));
    expect(probe.names()).toEqual(["a", "b", "i"]);
  });

  test("a folder that goes takes its objects with it", async () => {
    const probe = await start({ "sub/a.yaml": rule("a"), "sub/b.yaml": rule("b"), "c.yaml": rule("c") });
    await rm(join(folder, "sub"), { recursive: true });
    await probe.until(() => probe.names().length === 1);
    expect(probe.names()).toEqual(["c"]);
  });

  const saves: readonly (readonly [string, (path: string, text: string) => Promise<void>])[] = [
    ["in place", (path, text) => writeFile(path, text)],
    [
      "by a temporary file and a rename",
      async (path, text) => {
        await writeFile(`${path}.tmp`, text);
        await rename(`${path}.tmp`, path);
      },
    ],
    [
      "by moving the old one away and writing anew",
      async (path, text) => {
        await rename(path, `${path}~`);
        await writeFile(path, text);
        await rm(`${path}~`);
      },
    ],
    [
      "in three steps: empty, half, whole",
      async (path, text) => {
        await writeFile(path, "");
        await writeFile(path, text.slice(0, text.length / 2));
        await writeFile(path, text);
      },
    ],
  ];
  test.each(saves)("a file saved %s is never gone", async (_, save) => {
    const probe = await start({ "a.yaml": rule("a", "v0"), "b.yaml": rule("b") });
    for (let version = 1; version <= 8; version++) {
      await save(join(folder, "a.yaml"), rule("a", `v${version}`));
      await probe.until(() => probe.hostOf("a") === `v${version}.default.svc.cluster.local`);
    }
    expect(probe.deletes).toBe(0);
    expect(probe.names()).toEqual(["a", "b"]);
  });

  test("changes of one moment come in one batch", async () => {
    const probe = await start({ "a.yaml": rule("a") }, { settleMs: 1500 });
    const before = probe.batches;
    await writeFiles(folder, Object.fromEntries(["b", "c", "d", "e"].map((name) => [`${name}.yaml`, rule(name)])));
    await probe.until(() => probe.names().length > 1);
    expect(probe.names()).toEqual(["a", "b", "c", "d", "e"]);
    expect(probe.batches).toBe(before + 1);
  });

  test("keeps everything while the folder is away, and reads it again when it is back", async () => {
    const probe = await start({ "a.yaml": rule("a"), "sub/b.yaml": rule("b") });
    const away = `${folder}-away`;
    await rename(folder, away);
    try {
      await probe.until(() => probe.diagnostics.some(({ reason }) => reason === "FolderMissing"));
      expect(probe.names()).toEqual(["a", "b"]);
      await writeFile(join(away, "a.yaml"), rule("a", "changed"));
      await rm(join(away, "sub"), { recursive: true });
    } finally {
      await rename(away, folder);
    }
    await probe.until(() => probe.hostOf("a") === "changed.default.svc.cluster.local" && probe.names().length === 1);
    await probe.until(() => probe.diagnostics.length === 0);
    await writeFiles(folder, { "c.yaml": rule("c") });
    await probe.until(() => probe.names().includes("c"));
  });

  test("finds an empty folder again that was removed and made anew", async () => {
    const probe = await start({});
    await rm(folder, { recursive: true });
    await probe.until(() => probe.diagnostics.some(({ reason }) => reason === "FolderMissing"));
    await writeFiles(folder, { "a.yaml": rule("a") });
    await probe.until(() => probe.names().includes("a") && probe.diagnostics.length === 0);
  });

  test("reads no more files than the limit, the first by name, and the others when there is room", async () => {
    const probe = await start(
      { "c.yaml": rule("c"), "a.yaml": rule("a"), "b.yaml": rule("b") },
      { limits: { maxFiles: 2 } },
    );
    expect(probe.names()).toEqual(["a", "b"]);
    expect(probe.diagnostics).toMatchObject([{ reason: "TooManyFiles" }]);
    await rm(join(folder, "a.yaml"));
    await probe.until(() => probe.names().includes("c"));
    await probe.until(() => probe.diagnostics.length === 0);
    expect(probe.names()).toEqual(["b", "c"]);
  });

  test("says which file is no text", async () => {
    const probe = await start({ "b.yaml": rule("b") });
    await writeFile(join(folder, "a.yaml"), new Uint8Array([0x6e, 0x3a, 0xff, 0xfe]));
    await probe.until(() => probe.diagnostics.length > 0);
    expect(probe.diagnostics).toMatchObject([{ reason: "NotUtf8", file: "a.yaml" }]);
    expect(probe.names()).toEqual(["b"]);
  });

  test("keeps the objects of a file that it cannot read any more", async () => {
    const probe = await start({ "a.yaml": rule("a") });
    // A link to itself: no user can read it, not even root.
    await symlink("a.yaml", join(folder, "loop"));
    await rename(join(folder, "loop"), join(folder, "a.yaml"));
    await probe.until(() => probe.diagnostics.length > 0);
    expect(probe.diagnostics).toMatchObject([{ reason: "FileUnreadable", file: "a.yaml" }]);
    expect(probe.names()).toEqual(["a"]);
  });

  test("a link to nowhere does no harm", async () => {
    await symlink(join(folder, "nowhere"), join(folder, "link.yaml"));
    const probe = await start({ "a.yaml": rule("a") });
    expect(probe.names()).toEqual(["a"]);
  });

  test("says what is wrong with the folder itself", async () => {
    const missing = new SourceProbe(createFileSource({ folder: join(folder, "missing") }));
    await expect(missing.next()).rejects.toMatchObject({ code: "folder-missing" });
    await writeFile(join(folder, "file"), "");
    const file = new SourceProbe(createFileSource({ folder: join(folder, "file") }));
    await expect(file.next()).rejects.toMatchObject({ code: "not-a-folder" });
  });
});
