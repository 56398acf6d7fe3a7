import { describe, expect, it } from "vitest";
import { encodeImage } from "./module-image.js";
import { type AskPeer, createPeers } from "./peers.js";

const IMAGE = encodeImage([Buffer.from("type"), Buffer.from("manifest")]);
const never = new AbortController().signal;

/** Sisters that answer as they are told, and all that was asked and complained of. */
function sisters(answers: Readonly<Record<string, AskPeer>>, restMs = 60_000) {
  const asked: string[] = [];
  const problems: string[] = [];
  const peers = createPeers({
    peers: Object.keys(answers),
    ask: (peer, ...rest) => {
      asked.push(peer);
      return answers[peer]?.(peer, ...rest) ?? Promise.reject(new Error(peer));
    },
    onProblem: (peer, message) => problems.push(`${peer}: ${message}`),
    timeoutMs: 50,
    restMs,
  });
  return { peers, asked, problems };
}

const has: AskPeer = async () => IMAGE;
const hasNot: AskPeer = async () => undefined;
const isAway: AskPeer = async () => {
  throw new Error("No connection established");
};
const hangs: AskPeer = (_peer, _digest, _max, signal) =>
  new Promise((_, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason));
  });
const accept = async () => "module";

describe("of several sisters", () => {
  it.each<[string, Readonly<Record<string, AskPeer>>, string[], string[], string | undefined]>([
    ["the first that has it gives it", { a: hasNot, b: has, c: has }, ["a", "b"], [], "module"],
    ["none has it", { a: hasNot, b: hasNot }, ["a", "b"], [], undefined],
    ["one is away", { a: isAway, b: has }, ["a", "b"], ["a: No connection established"], "module"],
    ["one hangs", { a: hangs, b: has }, ["a", "b"], ["a: no whole answer within 50 ms"], "module"],
    [
      "one talks nonsense",
      { a: async () => Buffer.from("!"), b: has },
      ["a", "b"],
      ["a: what it sent is no image"],
      "module",
    ],
    ["there are none", {}, [], [], undefined],
  ])("%s", async (_name, answers, asked, problems, found) => {
    const all = sisters(answers);
    expect(await all.peers.find("sha256:x", 100, accept, never)).toBe(found);
    expect(all.asked).toEqual(asked);
    expect(all.problems).toEqual(problems);
  });
});

it("one that lies is named, and the next is asked", async () => {
  const { peers, problems } = sisters({ a: has, b: has });
  let tries = 0;
  const found = await peers.find(
    "sha256:x",
    100,
    async () => {
      if (++tries === 1) throw new Error("the manifest has the digest sha256:y");
      return "module";
    },
    never,
  );
  expect(found).toBe("module");
  expect(problems).toEqual(["a: the manifest has the digest sha256:y"]);
});

it("one that failed is left alone for a while, and then asked again", async () => {
  const long = sisters({ a: isAway });
  for (let i = 0; i < 3; i++) await long.peers.find("sha256:x", 100, accept, never);
  expect(long.asked).toEqual(["a"]);
  const short = sisters({ a: isAway }, 0);
  for (let i = 0; i < 3; i++) await short.peers.find("sha256:x", 100, accept, never);
  expect(short.asked).toEqual(["a", "a", "a"]);
});

it("whoever gives up waits no longer, and nobody is blamed", async () => {
  const { peers, problems } = sisters({ a: hangs });
  const stop = new AbortController();
  const found = peers.find("sha256:x", 100, accept, stop.signal);
  stop.abort(new Error("given up"));
  await expect(found).rejects.toThrow("given up");
  expect(problems).toEqual([]);
});
