import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Answer, createRoutingMesh, type RoutingMesh } from "./routing-mesh.js";
import { GROUPS } from "./rows.js";

let routing: RoutingMesh;

const RULES = GROUPS.flatMap(({ name, spec, objects }) => {
  const hosts = spec.startsWith("hosts:") ? "" : `hosts: [${name}.test], `;
  const own = `apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: ${name}}\nspec: {${hosts}${spec}}\n`;
  return objects === undefined ? [own] : [own, objects.trim()];
}).join("\n---\n");

beforeAll(async () => {
  routing = await createRoutingMesh(RULES);
});

afterAll(() => routing?.stop());

/** What an answer says of the things that a row speaks of, written as the row writes them. */
function told(answer: Answer, expected: string): string {
  const [first = "", ...parts] = expected.split(" | ");
  const { seen, status, body } = answer;
  const start = /^\d{3}/.test(first)
    ? `${status}${first.length > 3 ? ` ${body.trimEnd()}` : ""}`
    : seen === undefined
      ? `${status} ${body}`
      : `${seen.name} ${seen.path}`;
  const headers = parts.map((part) => {
    const [side, name = ""] = part.split(" ");
    const key = name.replace(/:$/, "");
    const value = side === ">" ? seen?.headers[key] : answer.headers[key];
    return value === undefined ? `${side} ${key}` : `${side} ${key}: ${String(value)}`;
  });
  return [start, ...headers].join(" | ");
}

test("Envoy accepted all of it", () => {
  expect(routing.mesh.events.filter((event) => event.startsWith("nack"))).toEqual([]);
});

describe.each(GROUPS)("$name", ({ name, rows }) => {
  test.each(rows.map(([request, expected]) => ({ request, expected })))(
    "$request → $expected",
    async ({ request, expected }) => {
      expect(told(await routing.call(request, `${name}.test`), expected)).toBe(expected);
    },
  );
});
