import { PassThrough } from "node:stream";
import { expect, test } from "vitest";
import { readPassword } from "./read-password.js";

/** A terminal on which the keys are typed; what became of it. */
async function type(...keys: (string | Buffer)[]) {
  const modes: boolean[] = [];
  const input = Object.assign(new PassThrough(), {
    setRawMode(isRaw: boolean) {
      modes.push(isRaw);
      return input;
    },
  });
  const shown: string[] = [];
  const read = readPassword("password: ", input as never, { write: (text: string) => shown.push(text) });
  for (const key of keys) input.write(key);
  const result = await read.then(
    (password) => ({ password }),
    (error: Error & { code?: string }) => ({ code: error.code }),
  );
  return { ...result, shown: shown.join(""), modes };
}

const EURO = Buffer.from("€");

test.each<[string, (string | Buffer)[], object]>([
  ["a line", ["sec", "ret", "\r"], { password: "secret" }],
  ["nothing", ["\n"], { password: "" }],
  ["a line that is corrected", ["secx\u007fre\btt\r"], { password: "secrtt" }],
  ["more corrections than characters", ["a\u007f\u007f\u007fb\r"], { password: "b" }],
  ["a character in two parts", [EURO.subarray(0, 1), EURO.subarray(1), "\r"], { password: "€" }],
  ["control characters", ["a\u001b\tb\r"], { password: "ab" }],
  ["Ctrl-C", ["sec\u0003"], { code: "interrupted" }],
  ["Ctrl-D", ["\u0004"], { code: "interrupted" }],
])("%s", async (_, keys, expected) => {
  const { shown, modes, ...result } = await type(...keys);
  expect(result).toEqual(expected);
  expect(shown).toBe("password: \n");
  expect(modes).toEqual([true, false]);
});
