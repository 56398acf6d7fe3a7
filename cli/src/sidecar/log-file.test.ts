import { mkdtemp, open, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { boundLog, lastLines } from "./log-file.js";

let folder: string;
let file: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "weft-log-"));
  file = join(folder, "envoy.log");
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe("boundLog", () => {
  it("empties a large log under its writer, and keeps what was in it", async () => {
    const writer = await open(file, "a");
    try {
      await writer.write("first\n");
      await boundLog(file, 6);
      expect(await readFile(file, "utf8")).toBe("first\n");
      await writer.write("second\n");
      await boundLog(file, 6);
      await writer.write("third\n");
    } finally {
      await writer.close();
    }
    expect(await readFile(file, "utf8")).toBe("third\n");
    expect(await readFile(`${file}.1`, "utf8")).toBe("first\nsecond\n");
  });

  it("has nothing to do without a log", async () => {
    await boundLog(file, 6);
    expect(await lastLines(file, 3)).toEqual([]);
  });
});

describe("lastLines", () => {
  it.each([
    ["", 2, []],
    ["a\n", 2, ["a"]],
    ["a\nb\n\nc\n", 2, ["b", "c"]],
    [`${"x".repeat(50_000)}\nend\n`, 1, ["end"]],
  ])("of %j", async (text, count, expected) => {
    await writeFile(file, text);
    expect(await lastLines(file, count)).toEqual(expected);
  });
});
