import { afterEach, describe, expect, it, vi } from "vitest";
import { type ReplicaReport, type ReportedProxy, readReport } from "./replica-report.js";
import { createReplicas, type Replicas } from "./replicas.js";

const WAIT = { timeout: 60_000, interval: 5 };
const proxy = (key: string, over: Partial<ReportedProxy> = {}): ReportedProxy => ({
  ...{ key, version: "v1", acked: true, managers: ["inbound_8080"] },
  ...over,
});
const report = (replica: string, ...proxies: readonly ReportedProxy[]): ReplicaReport => ({
  replica,
  plugins: { "shop/p": proxies },
});

let replicas: Replicas | undefined;
afterEach(() => replicas?.close());

function world(answers: Map<string, ReplicaReport | Error | string>) {
  const changes: (readonly string[])[] = [];
  const problems: string[] = [];
  replicas = createReplicas({
    peers: ["peers.weft-system.svc:15012"],
    own: "weft-0",
    resolve: async () => [...answers.keys()],
    ask: async (peer) => {
      const answer = answers.get(peer.replace(/:15012$/, "").replace(/[[\]]/g, ""));
      if (answer instanceof Error) throw answer;
      return Buffer.from(typeof answer === "string" ? answer : JSON.stringify(answer));
    },
    onChange: (plugins) => void changes.push(plugins),
    onProblem: (peer, message) => void problems.push(`${peer} ${message}`),
    intervalMs: 5,
  });
  const keys = () => replicas?.proxies("shop/p").map(({ key }) => key);
  return { changes, problems, keys };
}
const until = (check: () => void) => vi.waitFor(check, WAIT);

describe("the proxies of other replicas", () => {
  it("are those of all that answer but this one, each once, where it acknowledged", async () => {
    const answers = new Map<string, ReplicaReport>([
      ["10.0.0.1", report("weft-0", proxy("shop/own"))],
      ["10.0.0.2", report("weft-1", proxy("shop/b"), proxy("shop/moves", { acked: false }))],
      ["fd00::3", report("weft-2", proxy("shop/a"), proxy("shop/moves"))],
    ]);
    const { keys, changes } = world(answers);
    await until(() => expect(keys()).toEqual(["shop/a", "shop/b", "shop/moves"]));
    expect(replicas?.proxies("shop/p").every(({ acked }) => acked)).toBe(true);
    expect(changes).toEqual([["shop/p"]]);
  });

  it("are none of a replica that is gone, until it is back", async () => {
    const there = report("weft-1", proxy("shop/a"));
    const answers = new Map<string, ReplicaReport | Error | string>([["10.0.0.2", there]]);
    const { keys, problems, changes } = world(answers);
    await until(() => expect(keys()).toEqual(["shop/a"]));
    answers.set("10.0.0.2", new Error("connection refused"));
    await until(() => expect(keys()).toEqual([]));
    answers.set("10.0.0.2", there);
    await until(() => expect(keys()).toEqual(["shop/a"]));
    expect(problems).toEqual(["10.0.0.2:15012 connection refused"]);
    expect(changes).toHaveLength(3);
  });

  it("are none of one that sends what cannot be read", async () => {
    const answers = new Map<string, ReplicaReport | string>([
      ["10.0.0.2", '{"replica": "weft-1", "plugins": {"shop/p": [{"key": 1}]}}'],
      ["10.0.0.3", report("weft-2", proxy("shop/a"))],
    ]);
    const { keys, problems } = world(answers);
    await until(() => expect(keys()).toEqual(["shop/a"]));
    expect(problems).toEqual(["10.0.0.2:15012 it sends no report that can be read"]);
  });
});

it.each(["", "[]", "{}", '{"replica":"a"}', '{"replica":"a","plugins":{"p":{}}}'])("is no report: %s", (text) => {
  expect(readReport(text)).toBeUndefined();
});
