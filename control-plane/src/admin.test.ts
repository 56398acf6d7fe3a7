import { mkdtemp, rm, stat } from "node:fs/promises";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { serveAdmin } from "./admin.js";

let dir: string;
let socketPath: string;
let close: () => Promise<void>;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "weft-admin-"));
  socketPath = join(dir, "inner", "admin.sock");
  const echo = (body: unknown) => ({ ok: true, body });
  close = await serveAdmin(
    socketPath,
    { "/state": () => ({ a: 1 }) },
    { "/echo": echo, "/refuse": () => ({ ok: false }) },
  );
});
afterAll(async () => {
  await close?.();
  await rm(dir, { recursive: true, force: true });
});

function ask(method: string, path: string, body = ""): Promise<readonly [number | undefined, unknown]> {
  return new Promise((done, fail) => {
    const call = request({ socketPath, method, path }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (part: string) => {
        text += part;
      });
      response.on("end", () => done([response.statusCode, JSON.parse(text)]));
    });
    call.on("error", fail);
    call.end(body);
  });
}

it.each<[string, string, string, string, number, unknown]>([
  ["tells state", "GET", "/state", "", 200, { a: 1 }],
  ["does what it is asked for", "POST", "/echo", '{"plugin":"a/b"}', 200, { ok: true, body: { plugin: "a/b" } }],
  ["says when it cannot", "POST", "/refuse", "{}", 409, { ok: false }],
  ["takes JSON only", "POST", "/echo", "plugin=a", 400, { ok: false, message: "the request is not JSON" }],
  ["takes no large request", "POST", "/echo", `"${"x".repeat(70_000)}"`, 413, { ok: false }],
  ["does nothing by GET", "GET", "/echo", "", 404, {}],
  ["tells nothing by POST", "POST", "/state", "{}", 404, {}],
  ["names the paths that there are", "GET", "/x", "", 404, { error: expect.stringContaining("/state, POST /echo") }],
])("%s", async (_name, method, path, body, status, expected) => {
  const [code, value] = await ask(method, path, body);
  expect(code).toBe(status);
  expect(value).toMatchObject(expected as object);
});

it("is its owner's alone", async () => {
  expect((await stat(socketPath)).mode & 0o777).toBe(0o600);
});
