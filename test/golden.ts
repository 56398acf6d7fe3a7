/*
 * Golden tests: `<case>.in.yaml` beside `<case>.out.yaml`. With UPDATE_GOLDEN in the environment the outputs are written
 * instead of compared, and outputs without an input are deleted.
 */
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";

const INPUT = ".in.yaml";
const OUTPUT = ".out.yaml";

export interface GoldenCase {
  readonly name: string;
  /** The text of `<name>.in.yaml`. */
  readonly input: string;
  /** Path of `<name>.out.yaml`. */
  readonly outputFile: string;
}

/** Whether this run writes outputs. */
export function updatesGolden(env: NodeJS.ProcessEnv = process.env): boolean {
  return (env.UPDATE_GOLDEN ?? "") !== "";
}

/** The cases of a folder, by name. */
export function goldenCases(dir: string): GoldenCase[] {
  return readdirSync(dir)
    .filter((file) => file.endsWith(INPUT))
    .sort()
    .map((file) => {
      const name = file.slice(0, -INPUT.length);
      return { name, input: readFileSync(join(dir, file), "utf8"), outputFile: join(dir, name + OUTPUT) };
    });
}

/** Compares with what is on disk, or writes it. */
export function expectGolden({ name, outputFile }: GoldenCase, actual: string, update = updatesGolden()): void {
  if (update) {
    writeFileSync(outputFile, actual);
    return;
  }
  expect(existsSync(outputFile), `${name} has no output yet: npm run golden`).toBe(true);
  expect(actual, `${name} differs; if that is meant: npm run golden`).toBe(readFileSync(outputFile, "utf8"));
}

/** Outputs whose input is gone: deleted, or an error. */
export function expectNoOrphans(dir: string, update = updatesGolden()): void {
  const names = new Set(goldenCases(dir).map(({ name }) => name));
  const orphans = readdirSync(dir).filter((file) => file.endsWith(OUTPUT) && !names.has(file.slice(0, -OUTPUT.length)));
  if (update) for (const file of orphans) rmSync(join(dir, file));
  else expect(orphans, "outputs without an input; npm run golden deletes them").toEqual([]);
}
