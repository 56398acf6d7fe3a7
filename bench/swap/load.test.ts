import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, test, vi } from "vitest";
import { startLoad } from "./load.js";

const cleanUp: (() => unknown)[] = [];
afterEach(() => {
  for (const end of cleanUp.splice(0).reverse()) end();
});

const POLL = { timeout: 60_000, interval: 10 };

/** Answers with this status and, unless undefined, this version. */
async function serve(answer: { status: number; version?: string }) {
  const sockets = new Set<unknown>();
  const server = createServer((request, response) => {
    sockets.add(request.socket);
    response.writeHead(answer.status, answer.version === undefined ? {} : { "x-swap": answer.version }).end("ok");
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  cleanUp.push(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const load = startLoad({ targets: [{ name: "t", host: "127.0.0.1", port }], connections: 2, rate: 200 });
  cleanUp.push(() => load.stop());
  return { load, sockets };
}

test("old and new answers are told apart, over the connections that were asked for", async () => {
  const answer = { status: 200, version: "1" };
  const { load, sockets } = await serve(answer);
  load.mark("2");
  await vi.waitUntil(() => load.report().targets[0]?.lastOldMs !== undefined, POLL);
  expect(load.report().targets[0]?.firstNewMs).toBeUndefined();
  answer.version = "2";
  await vi.waitUntil(() => load.report().targets[0]?.firstNewMs !== undefined, POLL);
  const { requests, failed, unfiltered } = load.report();
  expect(requests).toBeGreaterThan(1);
  expect({ failed, unfiltered }).toEqual({ failed: 0, unfiltered: 0 });
  expect(sockets.size).toBe(2);
  load.mark("2");
  expect(load.report().targets).toEqual([{ name: "t" }]);
});

test.each([
  [{ status: 503, version: "1" }, "failed", "t: status 503"],
  [{ status: 200 }, "unfiltered", "t: unfiltered"],
] as const)("%j counts as %s", async (answer, kind, failure) => {
  const { load } = await serve(answer);
  load.mark("1");
  await vi.waitUntil(() => load.report()[kind] > 1, POLL);
  expect(load.report().failures[0]).toBe(failure);
  expect(load.report().targets).toEqual([{ name: "t" }]);
});

test("no answer counts as failed", async () => {
  const load = startLoad({ targets: [{ name: "t", host: "127.0.0.1", port: 1 }], connections: 1, rate: 100 });
  cleanUp.push(() => load.stop());
  load.mark("1");
  await vi.waitUntil(() => load.report().failed > 0, POLL);
  expect(load.report().failures[0]).toContain("ECONNREFUSED");
});
