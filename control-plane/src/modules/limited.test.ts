import { expect, it } from "vitest";
import { limited } from "./limited.js";

/** A function whose calls end when they are told to. */
function controlled() {
  const running: { name: string; end(result: string | Error): void }[] = [];
  const run = (name: string) =>
    new Promise<string>((resolve, reject) => {
      running.push({ name, end: (result) => (typeof result === "string" ? resolve(result) : reject(result)) });
    });
  return { running, run };
}
const turn = () => new Promise((resolve) => setImmediate(resolve));

it("lets so many calls run at a time, the others in their order, whether calls succeed or fail", async () => {
  const { running, run } = controlled();
  const call = limited(2, run);
  const results = ["a", "b", "c", "d"].map((name) => call(name).catch((error: Error) => error.message));
  await turn();
  expect(running.map(({ name }) => name)).toEqual(["a", "b"]);
  running[1]?.end(new Error("no"));
  await turn();
  expect(running.map(({ name }) => name)).toEqual(["a", "b", "c"]);
  for (const { end } of running) end("yes");
  await turn();
  running[3]?.end("yes");
  expect(await Promise.all(results)).toEqual(["yes", "no", "yes", "yes"]);
  const later = call("e");
  await turn();
  running[4]?.end("again");
  expect(await later).toBe("again");
});
