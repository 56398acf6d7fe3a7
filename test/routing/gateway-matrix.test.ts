import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { GATEWAY_GROUPS } from "./gateway-rows.js";
import { createRoutingMesh, type RoutingMesh, told } from "./routing-mesh.js";

let routing: RoutingMesh;

const service = (name: string, selector: string, namespace = "default") =>
  `apiVersion: v1\nkind: Service\nmetadata: {name: ${name}, namespace: ${namespace}}\nspec: {selector: ${selector}, ports: [{name: http, port: 8080}]}\n`;

const OBJECTS = [
  service("a-v1", "{app: a, version: v1}"),
  service("a-v2", "{app: a, version: v2}"),
  ...GATEWAY_GROUPS.flatMap(({ name, rules, objects, namespace }) => [
    service(name, `{app: ${name}}`, namespace),
    ...(rules === undefined
      ? []
      : [
          `apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {name: ${name}}\nspec: {parentRefs: [{group: "", kind: Service, name: ${name}}], rules: ${rules}}\n`,
        ]),
    ...(objects === undefined ? [] : [objects.trim()]),
  ]),
].join("\n---\n");

/** Problems that the group `missing` is about. */
const EXPECTED = ["BackendNotFound", "InvalidKind", "RefNotPermitted"];

beforeAll(async () => {
  routing = await createRoutingMesh(OBJECTS, EXPECTED);
});

afterAll(() => routing?.stop());

test("Envoy accepted all of it", () => {
  expect(routing.mesh.events.filter((event) => event.startsWith("nack"))).toEqual([]);
});

describe.each(GATEWAY_GROUPS.filter(({ rows }) => rows.length > 0))(
  "$name",
  ({ name, namespace = "default", rows }) => {
    test.each(rows.map(([request, expected]) => ({ request, expected })))(
      "$request → $expected",
      async ({ request, expected }) => {
        expect(told(await routing.call(request, `${name}.${namespace}:8080`), expected)).toBe(expected);
      },
    );
  },
);

test("shares of a split are as their weights", async () => {
  // 9 to 1, within four standard deviations.
  const names = await Promise.all(
    Array.from({ length: 400 }, () =>
      routing.call("GET /split", "weighted.default:8080").then(({ seen }) => seen?.name),
    ),
  );
  const share = names.filter((name) => name === "a-v2").length / names.length;
  expect(names.every((name) => name === "a-v1" || name === "a-v2")).toBe(true);
  expect(Math.abs(share - 0.1)).toBeLessThan(0.06);
});
