import { pack } from "tar-stream";
import { expect, test } from "vitest";
import { noise } from "../test/fixtures.js";
import { RegistryError } from "./error.js";
import { isSafePath, packTar, unpackTar } from "./tar.js";

const text = (value: string): Uint8Array => new TextEncoder().encode(value);
type Header = Parameters<ReturnType<typeof pack>["entry"]>[0];

async function archiveOf(...entries: readonly [Header, string?][]): Promise<Buffer> {
  const archive = pack();
  for (const [header, content] of entries) archive.entry(header, content ?? "");
  archive.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of archive) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

test("what is packed comes back, sorted by name", async () => {
  const files = [
    { name: "z/b.txt", bytes: text("b") },
    { name: "a.txt", bytes: new Uint8Array(0) },
    { name: "m.bin", bytes: noise(100_000) },
  ];
  const archive = Buffer.from(await packTar(files));
  // Every folder has its own entry: oras makes none that the archive does not name.
  expect(archive.indexOf("z/\0")).toBeGreaterThan(0);
  expect(archive.indexOf("z/\0")).toBeLessThan(archive.indexOf("z/b.txt\0"));
  const back = await unpackTar(archive, 4);
  expect(back.map(({ name }) => name)).toEqual(["a.txt", "m.bin", "z/b.txt"]);
  expect(Buffer.compare(back[1]!.bytes, files[2]!.bytes)).toBe(0);
});

test("order of input, time and user do not matter", async () => {
  const files = [
    { name: "a", bytes: text("1") },
    { name: "b", bytes: text("2") },
  ];
  const one = Buffer.from(await packTar(files));
  expect(one.equals(await packTar([...files].reverse()))).toBe(true);
  expect(one.toString("latin1", 257, 263)).toBe("ustar\0");
  expect(one.toString("latin1", 136, 147)).toBe("00000000000");
  expect(one.toString("latin1", 108, 124)).toMatch(/^0+[ \0]+0+[ \0]+$/);
});

test("folders are skipped, and ./ is nothing", async () => {
  const archive = await archiveOf([{ name: "./", type: "directory" }], [{ name: "./x/y" }, "1"]);
  expect((await unpackTar(archive, 10)).map(({ name }) => name)).toEqual(["x/y"]);
});

test.each<[string, Header, string]>([
  ["a parent folder", { name: "../plugin.wasm" }, "leaves the archive"],
  ["a parent folder further in", { name: "a/../../b" }, "leaves the archive"],
  ["an absolute path", { name: "/etc/passwd" }, "leaves the archive"],
  ["a backslash", { name: "..\\x" }, "leaves the archive"],
  ["a drive", { name: "C:x" }, "leaves the archive"],
  ["a symbolic link", { name: "x", type: "symlink", linkname: "/etc/passwd" }, "is a symlink"],
  ["a hard link", { name: "x", type: "link", linkname: "y" }, "is a link"],
  ["a device", { name: "x", type: "character-device" }, "is a character-device"],
  ["a pipe", { name: "x", type: "fifo" }, "is a fifo"],
  ["a folder outside", { name: "../x", type: "directory" }, "leaves the archive"],
])("refuses %s", async (_, header, reason) => {
  const failure = await rejection(unpackTar(await archiveOf([{ name: "good" }, "1"], [header]), 10));
  expect(failure).toMatchObject({ code: "invalid-artifact", message: expect.stringContaining(reason) });
});

test("refuses the same path twice, however it is written", async () => {
  const archive = await archiveOf([{ name: "x" }, "1"], [{ name: "./x" }, "2"]);
  expect(await rejection(unpackTar(archive, 10))).toMatchObject({ code: "invalid-artifact" });
});

test("refuses too many entries", async () => {
  const archive = await archiveOf(...Array.from({ length: 11 }, (_, i): [Header] => [{ name: `f${i}` }]));
  expect(await rejection(unpackTar(archive, 10))).toMatchObject({ code: "too-large" });
  expect(await unpackTar(archive, 11)).toHaveLength(11);
});

test("refuses an archive that ends early, at whatever byte", async () => {
  const archive = await packTar([{ name: "x", bytes: noise(2_000) }]);
  for (const length of [1, 100, 511, 513, 1_000, 2_511]) {
    expect(await rejection(unpackTar(archive.subarray(0, length), 10)), `${length}`).toMatchObject({
      code: "invalid-artifact",
    });
  }
});

test("refuses what is no tar at all, and an entry that claims to be larger than the archive", async () => {
  expect(await rejection(unpackTar(noise(4_096), 10))).toMatchObject({ code: "invalid-artifact" });
  const archive = Buffer.from(await packTar([{ name: "x", bytes: noise(10) }]));
  archive.write("77777777777", 124, "latin1");
  restoreChecksum(archive);
  expect(await rejection(unpackTar(archive, 10))).toMatchObject({ code: "invalid-artifact" });
});

test("a damaged archive is read or refused, but never hangs or fails in another way", async () => {
  const archive = await archiveOf(
    [{ name: "plugin.wasm" }, "x".repeat(700)],
    [{ name: `${"long/".repeat(60)}x` }, "y"],
  );
  const random = noise(2_000, 7);
  for (let round = 0; round < 500; round += 1) {
    const copy = Buffer.from(archive);
    const at = ((random[round * 3]! << 8) | random[round * 3 + 1]!) % copy.length;
    copy[at] = random[round * 3 + 2]!;
    if (round % 2 === 0) restoreChecksum(copy);
    await unpackTar(copy, 10).catch((error: unknown) => expect(error).toBeInstanceOf(RegistryError));
  }
});

test.each([
  ["a/b", true],
  ["a..b", true],
  ["..", false],
  ["a/..", false],
  ["/", false],
  ["a\0b", false],
])("isSafePath(%j) is %s", (path, expected) => {
  expect(isSafePath(path)).toBe(expected);
});

function restoreChecksum(archive: Buffer): void {
  archive.fill(" ", 148, 156);
  const sum = archive.subarray(0, 512).reduce((total, byte) => total + byte, 0);
  archive.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
}

async function rejection(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => "it was accepted",
    (error: unknown) => error,
  );
}
