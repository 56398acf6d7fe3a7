import { expect, test, vi } from "vitest";
import type { StatusDocument } from "./status/document.js";
import { createStatusPublisher } from "./status-publisher.js";

test("what is scheduled while a write goes on is one more write", async () => {
  const waiting: (() => void)[] = [];
  const writes: (readonly StatusDocument[])[] = [];
  const publisher = createStatusPublisher({
    store: {
      writer: {
        write: (documents) => {
          writes.push(documents);
          return new Promise((done) => waiting.push(done));
        },
      },
      events: { take: async () => {} },
      keepInForce: async () => {},
    },
    conditions: new Map(),
    collect: () => ({
      isAll: true,
      gone: [],
      objects: [],
      diagnostics: [],
      plugins: new Map(),
      modules: new Map(),
      rejected: () => [],
      rollout: () => undefined,
      counts: () => ({ matched: 0, acked: 0, rejected: 0 }),
    }),
    inForce: () => undefined,
    logger: { info() {}, warn() {}, error() {} },
  });
  publisher.schedule();
  await vi.waitFor(() => expect(writes).toHaveLength(1), 10_000);
  for (let i = 0; i < 20; i++) {
    publisher.schedule();
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  expect(writes).toHaveLength(1);
  waiting.shift()?.();
  await vi.waitFor(() => expect(writes).toHaveLength(2), 10_000);
  publisher.schedule();
  publisher.stop();
  waiting.shift()?.();
  const last = publisher.flush();
  await vi.waitFor(() => expect(writes).toHaveLength(3), 10_000);
  waiting.shift()?.();
  await last;
  publisher.schedule();
  await new Promise((resolve) => setTimeout(resolve, 120));
  expect(writes).toHaveLength(3);
});

test("what could not be written is written the next time, with what changed meanwhile", async () => {
  const service = (name: string) => ({ ref: { kind: "Service", namespace: "default", name } });
  const changes = [
    { isAll: true, objects: [service("a"), service("b")], gone: [] },
    { isAll: false, objects: [service("c")], gone: [service("b").ref] },
    { isAll: false, objects: [], gone: [] },
    { isAll: false, objects: [], gone: [service("a").ref] },
  ];
  const writes: string[] = [];
  let isBroken = true;
  const publisher = createStatusPublisher({
    store: {
      writer: {
        write: async (documents, gone) => {
          if (isBroken) throw new Error("no space left");
          const names = documents.map(({ object }) => object.name).sort();
          writes.push(`${names.join()} ${gone === undefined ? "all" : gone.map(({ name }) => `-${name}`).join()}`);
        },
      },
      events: { take: async () => {} },
      keepInForce: async () => {},
    },
    conditions: new Map(),
    collect: () => ({
      ...(changes.shift() ?? { isAll: false, objects: [], gone: [] }),
      diagnostics: [],
      plugins: new Map(),
      modules: new Map(),
      rejected: () => [],
      rollout: () => undefined,
      counts: () => ({ matched: 0, acked: 0, rejected: 0 }),
    }),
    inForce: () => undefined,
    logger: { info() {}, warn() {}, error() {} },
  });
  await publisher.flush();
  isBroken = false;
  await publisher.flush();
  await publisher.flush();
  await publisher.flush();
  expect(writes).toEqual(["a,c all", " -a"]);
});
