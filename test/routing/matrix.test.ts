import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createRoutingMesh, type RoutingMesh, told } from "./routing-mesh.js";
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
