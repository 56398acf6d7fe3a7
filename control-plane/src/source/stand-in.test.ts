import { expect, it } from "vitest";
import type { MeshObject } from "../model/mesh-object.js";
import { readDocuments } from "./documents.js";
import { readingsOf } from "./in-force-file.js";
import { type FileEdits, ObjectFiles } from "./object-files.js";

const LIMITS = { maxFileBytes: 100_000, maxDocuments: 100 };
const reading = (spec: string) =>
  readDocuments(
    `apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: {name: p}\nspec: ${spec}\n`,
    "a.yaml",
    { standalone: true, limits: LIMITS },
  );
const WRONG = reading("{selector: {matchLabels: {app: a}}, rulez: []}");
const WRONG_ELSEWHERE = reading("{selector: {matchLabels: {app: b}}, rulez: []}");
const WRONG_EVERYWHERE = reading("{selector: {matchLables: {app: b}}}");
const RIGHT = reading("{action: DENY, rules: [{}]}");

/** What is in force after each edit: the action, and for whom a denial stands in. */
function inForce(files: ObjectFiles, ...readings: readonly (ReturnType<typeof reading> | "gone")[]): string[] {
  let now = "nothing";
  return readings.map((edit) => {
    for (const event of files.update(new Map([["a.yaml", edit]]) satisfies FileEdits)) {
      if (event.kind === "delete") now = "nothing";
      if (event.kind === "apply") now = shown(event.object);
    }
    return now;
  });
}

function shown({ kind, value }: MeshObject): string {
  if (kind !== "AuthorizationPolicy") return kind;
  return value.standIn ? `denied instead: ${value.selector?.app}` : value.action;
}

it.each<[string, Parameters<typeof inForce>[1][], string[]]>([
  ["is there as long as the object never was right", [WRONG, RIGHT], ["denied instead: a", "DENY"]],
  ["goes with the object", [WRONG, "gone"], ["denied instead: a", "nothing"]],
  ["is not for an object that was right once", [RIGHT, WRONG], ["DENY", "DENY"]],
  ["follows what the object is for", [WRONG, WRONG_ELSEWHERE], ["denied instead: a", "denied instead: b"]],
  [
    "stays where it cannot be read any more what the object is for",
    [WRONG, WRONG_EVERYWHERE],
    ["denied instead: a", "denied instead: a"],
  ],
  ["is not for an object of which nobody knows what it is for", [WRONG_EVERYWHERE], ["nothing"]],
])("a denial in the place of an object %s", (_name, readings, expected) => {
  expect(inForce(new ObjectFiles(), ...readings)).toEqual(expected);
});

it("stays across a restart, and gives way to what is right then", () => {
  const files = new ObjectFiles();
  const events = files.update(new Map([["a.yaml", WRONG]]));
  const [object] = events.flatMap((event) => (event.kind === "apply" ? [event.object] : []));
  const record = { objects: [{ file: "a.yaml", line: 1, object: object! }], virtualServices: [] };
  for (const [next, expected] of [
    [WRONG, "denied instead: a"],
    [WRONG_EVERYWHERE, "denied instead: a"],
    [RIGHT, "DENY"],
  ] as const) {
    const restarted = new ObjectFiles();
    const [first] = [...readingsOf(record as Parameters<typeof readingsOf>[0]).values()];
    expect(inForce(restarted, first!, next).at(-1)).toBe(expected);
  }
});
