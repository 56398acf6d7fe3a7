import { beforeAll, describe, expect, test } from "vitest";
import { evaluate } from "../../../test/build-plugin.js";

const KEYS = 100_000;

const DECLARATIONS = `
import { placeOf, saltOf, Split } from "./split";

/* How many of the keys each subset has, the rest first. */
function counts(sizes: i32[], salt: string): string {
  const split = new Split(sizes);
  const found = new Array<i32>(sizes.length + 1).fill(0);
  for (let i = 0; i < ${KEYS}; i++) found[split.ownerOf(placeOf("user-" + i.toString(), saltOf(salt)))]++;
  return found.join(",");
}

/* How many keys go from one subset to another when the sizes change: "from>to:count". */
function moves(before: i32[], after: i32[]): string {
  const first = new Split(before);
  const second = new Split(after);
  const found = new Map<string, i32>();
  for (let i = 0; i < ${KEYS}; i++) {
    const place = placeOf("user-" + i.toString(), saltOf("rule"));
    const from = first.ownerOf(place);
    const to = second.ownerOf(place);
    if (from == to) continue;
    const move = from.toString() + ">" + to.toString();
    found.set(move, (found.has(move) ? found.get(move) : 0) + 1);
  }
  const keys = found.keys();
  let text = "";
  for (let i = 0; i < keys.length; i++) text += keys[i] + ":" + found.get(keys[i]).toString() + " ";
  return text.trim();
}

/* Of the keys in a half under one salt, how many are in a half under another. */
function common(a: string, b: string): string {
  const half = new Split([5000]);
  let both = 0;
  for (let i = 0; i < ${KEYS}; i++) {
    const key = i.toString();
    if (half.ownerOf(placeOf(key, saltOf(a))) == 1 && half.ownerOf(placeOf(key, saltOf(b))) == 1) both++;
  }
  return both.toString();
}

function places(): string {
  return ["", "a", "user-1", "é😀"].map<string>((key: string) => placeOf(key, saltOf("rule")).toString()).join(",");
}
`;

/* Sizes in steps of 0.01 percent. */
const SPLITS: readonly (readonly number[])[] = [
  [0],
  [1],
  [50],
  [100],
  [1000],
  [3333],
  [5000],
  [9900],
  [10_000],
  [1000, 500],
  [5000, 5000],
  [9999, 1],
  [1000, 2000, 3000],
  [6000, 2000, 2000],
  [100, 200, 300, 400],
  [1250, 1250, 1250, 1250, 1250, 1250, 1250, 1250],
  [0, 0, 10_000],
];
const SALTS = ["rule", "other", ""];

/* Before, after, and from where to where keys move: as many as the change says, and no others. */
const CHANGES: readonly (readonly [string, readonly number[], readonly number[], Readonly<Record<string, number>>])[] =
  [
    ["nothing changes", [1000], [1000], {}],
    ["a share grows", [1000], [2500], { "0>1": 1500 }],
    ["a share shrinks", [2500], [1000], { "1>0": 1500 }],
    ["from nothing", [0], [1], { "0>1": 1 }],
    ["to all", [1], [10_000], { "0>1": 9999 }],
    ["the first of two grows", [1000, 2000], [3000, 2000], { "0>1": 2000 }],
    ["the second of two grows", [1000, 2000], [1000, 7000], { "0>2": 5000 }],
    ["the first of two takes the rest", [1000, 2000], [8000, 2000], { "0>1": 7000 }],
    ["a second is added", [3000], [3000, 7000], { "0>2": 7000 }],
    ["the second goes", [3000, 7000], [3000], { "2>0": 7000 }],
    ["a third is added", [3000, 2000], [3000, 2000, 4000], { "0>3": 4000 }],
    ["the third of three grows", [3000, 2000, 100], [3000, 2000, 3000], { "0>3": 2900 }],
    ["the first of three grows below its neighbour's start", [3000, 2000, 1000], [5000, 2000, 1000], { "0>1": 2000 }],
    ["the second of three shrinks", [3000, 2000, 1000], [3000, 500, 1000], { "2>0": 1500 }],
    ["the first reaches the third's start", [5000, 0, 1000], [6000, 0, 1000], { "0>3": 1000, "3>1": 1000 }],
    ["from the first to the second", [3000, 1000], [2000, 2000], { "1>0": 1000, "0>2": 1000 }],
    ["all of a full split from the first to the second", [6000, 4000], [4000, 6000], { "1>2": 2000 }],
  ];

let results: string[];

beforeAll(async () => {
  const expressions = [
    ...SPLITS.flatMap((sizes) => SALTS.map((salt) => `counts([${sizes}], ${JSON.stringify(salt)})`)),
    ...CHANGES.map(([, before, after]) => `moves([${before}], [${after}])`),
    'common("one", "two")',
    'common("one", "one")',
    "places()",
  ];
  results = await evaluate("canary", DECLARATIONS, expressions);
});

describe.each(SPLITS.map((sizes, i) => ({ sizes, i })))("$sizes", ({ sizes, i }) => {
  test.each(SALTS.map((salt, k) => ({ salt, k })))(`of ${KEYS} keys under salt "$salt"`, ({ k }) => {
    const counts = (results[i * SALTS.length + k] ?? "").split(",").map(Number);
    const rest = 10_000 - sizes.reduce((sum, size) => sum + size, 0);
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(KEYS);
    [rest, ...sizes].forEach((size, subset) => {
      // Within one percentage point; all is all and nothing is nothing.
      expect(Math.abs((counts[subset] ?? 0) / KEYS - size / 10_000)).toBeLessThanOrEqual(
        size === 0 || size === 10_000 ? 0 : 0.01,
      );
    });
  });
});

test.each(CHANGES.map(([what, before, after, expected], i) => ({ what, before, after, expected, i })))(
  "$what: $before to $after moves $expected",
  ({ expected, i }) => {
    const text = results[SPLITS.length * SALTS.length + i] ?? "";
    const moved = Object.fromEntries(text === "" ? [] : text.split(" ").map((move) => move.split(":")));
    expect(Object.keys(moved).sort()).toEqual(Object.keys(expected).sort());
    for (const [move, size] of Object.entries(expected)) {
      expect(Math.abs(Number(moved[move]) / KEYS - size / 10_000)).toBeLessThanOrEqual(0.01);
    }
  },
);

test("salts make choices independent", () => {
  const [two = 0, one = 0] = results.slice(-3).map(Number);
  expect(Math.abs(two / KEYS - 0.25)).toBeLessThan(0.01);
  expect(Math.abs(one / KEYS - 0.5)).toBeLessThan(0.01);
});

test("places never change: users would move", () => {
  expect(results.at(-1)).toBe("2030,1952,5376,5336");
});
