import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { HTTP_ROWS, SETS, TCP_ROWS } from "./matrix.js";
import { createPolicyMesh, type PolicyMesh } from "./policy-mesh.js";

let policies: PolicyMesh;

beforeAll(async () => {
  policies = await createPolicyMesh(SETS);
  await policies.mesh.settled();
});

afterAll(() => policies?.stop());

const lines = (request: string | readonly string[]) => (typeof request === "string" ? [request] : request);
const short = (text: string) => text.replace(/[\w-]{20,}\.[\w-]+\.[\w-]+/g, "<token>");

it("is refused by no proxy", () => {
  expect(policies.mesh.events.filter((event) => event.startsWith("nack"))).toEqual([]);
});

describe("HTTP", () => {
  it.each(HTTP_ROWS.map((row) => [...row, short(lines(row[2]).join(", "))] as const))("%s: %s", async (...row) => {
    const [set, caller, request, status] = row;
    expect((await policies.ask(set, caller, lines(request))).status, `${caller ?? "nobody"}: ${row[4]}`).toBe(status);
  });
});

describe("TCP", () => {
  it.each(TCP_ROWS)("%s: %s passes: %s", async (set, caller, passes) => {
    expect(await policies.send(set, caller, "hello")).toBe(passes ? "hello" : "");
  });
});
