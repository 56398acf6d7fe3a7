import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, test } from "vitest";
import { compilePlugin } from "../build/index.js";
import { buildSource } from "./build-source.js";
import { configurable } from "./configure.js";

/* Says of each text whether it matches as a whole and whether a part of it does, twice, and then the steps. */
const SOURCE = `
import { config, HttpContext, log, Regex, registerRoot, RootContext } from "@weft/sdk";

@config class Config {
  expression!: string;
  texts: string[] = [];
  /** This many times the first text. */
  repeat: i32 = 0;
}

class Root extends RootContext<Config> {
  onConfigure(): bool {
    const c = this.config;
    const fault = Regex.check(c.expression);
    if (fault !== null) {
      log.info(fault);
      return false;
    }
    const regex = new Regex(c.expression);
    if (c.repeat > 0) {
      const text = c.texts[0].repeat(c.repeat) + c.texts[1];
      log.info((regex.matches(text) ? "whole" : "-") + " " + regex.steps.toString());
      const before = regex.steps;
      log.info((regex.search(text) ? "part" : "-") + " " + (regex.steps - before).toString());
      return true;
    }
    let first = "";
    let second = "";
    for (let i = 0; i < c.texts.length; i++) first += (regex.matches(c.texts[i]) ? "w" : "-") + (regex.search(c.texts[i]) ? "p" : "-");
    for (let i = 0; i < c.texts.length; i++) second += (regex.matches(c.texts[i]) ? "w" : "-") + (regex.search(c.texts[i]) ? "p" : "-");
    log.info(first);
    log.info(second);
    return true;
  }
}
class Stream extends HttpContext<Config> {}
registerRoot<Stream, Root>("probe");
`;

interface Matched {
  whole: boolean;
  part: boolean;
}

let run: (config: object) => { accepted: boolean; logs: string[] };

beforeAll(async () => {
  const built = await buildSource({ source: SOURCE });
  if (!built.ok) throw new Error(JSON.stringify(built.diagnostics));
  const configure = configurable(built.wasm);
  run = (config) => configure(JSON.stringify(config));
});

function match(expression: string, texts: readonly string[]): Matched[] {
  const { accepted, logs } = run({ expression, texts });
  if (!accepted) throw new Error(logs.join("\n"));
  expect(logs[1], `${expression}: known states and new ones`).toBe(logs[0]);
  return texts.map((_, i) => ({ whole: logs[0]?.[2 * i] === "w", part: logs[0]?.[2 * i + 1] === "p" }));
}

function inJavaScript(expression: string, texts: readonly string[]): Matched[] {
  const whole = new RegExp(`^(?:${expression})$`, "u");
  const part = new RegExp(expression, "u");
  return texts.map((text) => ({ whole: whole.test(text), part: part.test(text) }));
}

/* Expression, texts that match as a whole, texts of which a part matches, texts that do not match. */
const ROWS: readonly (readonly [string, readonly string[], readonly string[], readonly string[]])[] = [
  ["", [""], ["a", "😀"], []],
  ["a", ["a"], ["ba", "ab", "aa"], ["", "b", "A"]],
  ["abc", ["abc"], ["xabcx", "ababc"], ["ab", "acb", ""]],
  ["a|b", ["a", "b"], ["ab", "xa"], ["c", ""]],
  ["ab|cd|", ["ab", "cd", ""], ["ac", "abcd"], []],
  ["|a", ["", "a"], ["b"], []],
  ["a||b", ["a", "", "b"], ["x"], []],
  ["a*", ["", "a", "aaaa"], ["b", "ab"], []],
  ["a+", ["a", "aaa"], ["ba", "ab"], ["", "b"]],
  ["a?", ["", "a"], ["aa", "b"], []],
  ["a*?b", ["b", "aab"], ["cb"], ["a", ""]],
  ["a+?", ["a", "aa"], ["ab"], ["b"]],
  ["a??b", ["b", "ab"], ["aab"], ["a"]],
  ["a{3}", ["aaa"], ["aaaa", "baaa"], ["aa", ""]],
  ["a{2,}", ["aa", "aaaaa"], ["baa"], ["a", "aba"]],
  ["a{1,3}", ["a", "aa", "aaa"], ["aaaa"], ["", "b"]],
  ["a{0,2}b", ["b", "ab", "aab"], ["aaab"], ["a"]],
  ["a{0}b", ["b"], ["ab"], ["a"]],
  ["a{0,0}", [""], ["a"], []],
  ["a{0,}", ["", "aaa"], ["b"], []],
  ["a{2}?b", ["aab"], ["aaab"], ["ab"]],
  ["(ab)+", ["ab", "abab"], ["aba", "xab"], ["a", "ba"]],
  ["(?:ab){2}", ["abab"], ["ababab"], ["ab"]],
  ["(a|b)*c", ["c", "abbac"], ["dc"], ["ab"]],
  ["(a|b)*abb", ["abb", "aabb", "babb"], ["abbb"], ["ab", "ba"]],
  ["(?<name>a)b", ["ab"], ["aab"], ["b"]],
  ["((a)(b(c)?))", ["ab", "abc"], ["abcc"], ["ac"]],
  ["()", [""], ["a"], []],
  ["(|a)+", ["", "a", "aa"], ["b"], []],
  ["(a*)*", ["", "aaa"], ["b"], []],
  ["(a*)+b", ["b", "aab"], ["cb"], ["a"]],
  ["(a?){3}", ["", "a", "aaa"], ["aaaa"], []],
  ["(?:a|ab)(?:c|bcd)(?:d*)", ["acd", "abcd", "abc", "ac"], ["xac"], ["ab"]],
  ["x(?:yz|y)z", ["xyzz", "xyz"], ["xyzzz"], ["xz"]],
  [".", ["a", "é", "😀", "\r"], ["ab", "a\n"], ["", "\n"]],
  [".*", ["", "abc"], ["a\nb"], []],
  ["a.c", ["abc", "a c", "a😀c"], ["xabc"], ["ac", "a\nc"]],
  [".{2}", ["ab", "😀😀"], ["abc"], ["a", "😀"]],
  ["^", [""], ["a"], []],
  ["$", [""], ["a"], []],
  ["^$", [""], [], ["a"]],
  ["^a", ["a"], ["ab"], ["ba", ""]],
  ["a$", ["a"], ["ba"], ["ab", ""]],
  ["^a$", ["a"], [], ["aa", "ab", "ba"]],
  ["^a|b$", ["a", "b"], ["ax", "xb"], ["xa", "bx", "x"]],
  ["(^a|b)c", ["ac", "bc"], ["xbc"], ["xac"]],
  ["a(b|$)", ["a", "ab"], ["xa", "abx"], ["ax"]],
  ["(?:^|/)a(?:/|$)", ["a", "/a", "a/", "/a/"], ["x/a/x", "b/a"], ["ba", "ab"]],
  ["a^b", [], [], ["ab", "a", "b"]],
  ["a$b", [], [], ["ab", "a", "b"]],
  ["$a|b", ["b"], ["ab"], ["a"]],
  ["^(?:^a)", ["a"], ["ab"], ["ba"]],
  ["(?:$|a)*", ["", "a", "aa"], ["b"], []],
  ["^^a$$", ["a"], [], ["aa"]],
  ["$^", [""], [], ["a"]],
  ["[abc]", ["a", "b", "c"], ["da"], ["d", ""]],
  ["[a-c]", ["a", "b", "c"], [], ["d", "-"]],
  ["[a-cx-z]+", ["ax", "zzb"], ["da"], ["d", "w"]],
  ["[^a-c]", ["d", "-", "😀", "\n"], ["ad"], ["a", "b", ""]],
  ["[^a-c]+", ["d-e"], ["da"], ["abc"]],
  ["[-a]", ["-", "a"], [], ["b"]],
  ["[a-]", ["-", "a"], [], ["b"]],
  ["[a\\-c]", ["-", "a", "c"], [], ["b"]],
  ["[+-]", ["-", "+"], [], [","]],
  ["[\\]]", ["]"], [], ["["]],
  ["[\\[\\]]", ["]", "["], [], ["a"]],
  ["[[]", ["["], [], ["]"]],
  ["[a^]", ["a", "^"], [], ["b"]],
  ["[^^]", ["a"], [], ["^"]],
  ["[.*+?(){}|$]", [".", "*", "$", "|", "}"], [], ["a", "^"]],
  ["[\\d]", ["7"], [], ["a"]],
  ["[\\w-]+", ["a-b_C9"], ["a b"], [" "]],
  ["[^\\d]", ["a"], [], ["7"]],
  ["[^\\D]", ["7"], [], ["a"]],
  ["[\\s\\S]", ["\n", "a", " "], [], [""]],
  ["[^\\s\\S]", [], [], ["\n", "a", ""]],
  ["[a-cb-e]", ["a", "d", "e"], [], ["f"]],
  ["[ac-]", ["a", "c", "-"], [], ["b"]],
  ["[\\x41-\\x43]", ["A", "C"], [], ["D"]],
  ["[à-ü]", ["é"], [], ["a", "ý"]],
  ["[😀-😃]", ["😀", "😂"], ["a😁"], ["😄", "\ud83d"]],
  ["[^😀]", ["a", "😁"], [], ["😀"]],
  ["\\d", ["0", "9"], ["a1"], ["a", "٣"]],
  ["\\D", ["a", "-"], ["1a"], ["1"]],
  ["\\d{1,3}(\\.\\d{1,3}){3}", ["10.0.0.1", "255.255.255.255"], ["1.2.3.4.5"], ["1.2.3", "a.b.c.d"]],
  ["\\w+", ["az_AZ09"], ["a-b"], ["-", "é"]],
  ["\\W", ["-", " ", "é"], ["a-"], ["a", "_"]],
  ["a\\sb", ["a b", "a\tb", "a\nb"], [], ["ab", "a_b"]],
  ["\\S+", ["abc"], ["a b"], [" ", "\t"]],
  ["\\.", ["."], ["a.b"], ["a"]],
  ["\\\\", ["\\"], ["a\\"], ["/"]],
  ["\\/\\*\\+\\?", ["/*+?"], [], ["/*+"]],
  ["\\^\\$\\|", ["^$|"], [], ["^"]],
  ["\\(\\)\\[\\]\\{\\}", ["()[]{}"], [], ["()"]],
  ["\\t\\n\\r\\f\\v", ["\t\n\r\f\v"], [], ["\t"]],
  ["\\x2f", ["/"], ["a/b"], ["2f"]],
  ["é", ["é"], ["né"], ["e"]],
  ["😀+", ["😀", "😀😀"], ["a😀"], ["\ud83d", "a"]],
  ["\u{10ffff}", ["\u{10ffff}"], [], ["\u{10fffe}"]],
  ["/api/v[12]/users/[^/]+", ["/api/v1/users/ann", "/api/v2/users/x-y"], ["/api/v1/users/a/b"], ["/api/v3/users/a"]],
  ["(GET|HEAD|OPTIONS)", ["GET", "HEAD"], ["GETS"], ["get", "POST"]],
  ["[a-z0-9]([a-z0-9-]*[a-z0-9])?", ["a", "a-b", "abc9"], ["a-"], ["-", "A"]],
  [".*\\.example\\.com", ["a.example.com", ".example.com"], ["a.example.com.evil"], ["example.com"]],
  ["(?:[0-9a-f]{2}:){2}[0-9a-f]{2}", ["0a:1b:ff"], ["00:00:00:00"], ["0:1:2"]],
  ["[1-9]\\d*|0", ["0", "10", "907"], ["01", "a1"], ["a"]],
  ["(a|b|c|d|e){5}", ["abcde", "eeeee"], ["abcdea"], ["abcd"]],
  ["(x+x+)+y", ["xxy", "xxxxy"], ["xxyy"], ["xy", "xxxx"]],
  ["\\-\\_", ["-_"], [], ["-"]],
];

/* JavaScript has these with a meaning of its own, or not at all. */
const NOT_IN_JAVASCRIPT = new Set([".", "\\-\\_"]);

test("there are more than a hundred rows", () => expect(ROWS.length).toBeGreaterThan(100));

test.each(ROWS)("/%s/", (expression, whole, part, none) => {
  const texts = [...whole, ...part, ...none];
  const expected = texts.map((_, i) => ({ whole: i < whole.length, part: i < whole.length + part.length }));
  expect(match(expression, texts)).toEqual(expected);
  if (!NOT_IN_JAVASCRIPT.has(expression)) expect(inJavaScript(expression, texts)).toEqual(expected);
});

test.each([
  ["a{998}", "a".repeat(998), true],
  ["a{999}", "a".repeat(1000), false],
  ["(?P<name>ab)\\x{1f600}", "ab😀", true],
  ["\\s", "\u00a0", false],
  ["\\s", "\v", false],
  [".", "\u2028", true],
  ["[^a]", "\ud83d", true],
  [`${"(".repeat(50)}a${")".repeat(50)}`, "a", true],
])("beyond JavaScript's: /%s/", (expression, text, whole) => {
  expect(match(expression, [text])[0]?.whole).toBe(whole);
});

describe("what is refused", () => {
  test.each([
    ["(", 1, "this group is not closed"],
    ["a(b(c)", 2, "this group is not closed"],
    ["a)", 2, "this ) closes no group"],
    ["a|b)c", 4, "this ) closes no group"],
    ["*a", 1, "there is nothing to repeat"],
    ["a|+", 3, "there is nothing to repeat"],
    ["(?:?)", 4, "there is nothing to repeat"],
    ["{2}", 1, "there is nothing to repeat"],
    ["a**", 3, "what is repeated already needs a group"],
    ["a++", 3, "what is repeated already needs a group"],
    ["a{2}{3}", 5, "what is repeated already needs a group"],
    ["a???", 4, "what is repeated already needs a group"],
    ["^*", 2, "^ and $ cannot be repeated"],
    ["a{,3}", 2, "a repetition is {n}, {n,} or {n,m}"],
    ["a{x}", 2, "a repetition is {n}, {n,} or {n,m}"],
    ["a{1", 2, "a repetition is {n}, {n,} or {n,m}"],
    ["a{1,2", 2, "a repetition is {n}, {n,} or {n,m}"],
    ["a{1,x}", 2, "a repetition is {n}, {n,} or {n,m}"],
    ["a{2,1}", 2, "the second count is smaller"],
    ["a{1001}", 2, "counts to 1000 at most"],
    ["a{99999999999}", 2, "counts to 1000 at most"],
    ["}", 1, "it closes nothing"],
    ["a]", 2, "it closes nothing"],
    ["[a", 1, "this class is not closed"],
    ["x[", 2, "this class is not closed"],
    ["[]a]", 2, "for the character ] itself write \\]"],
    ["[^]", 3, "for the character ] itself write \\]"],
    ["[z-a]", 2, "the range ends before it begins"],
    ["[a-\\d]", 2, "a range goes from one character to another"],
    ["[\\d-a]", 2, "a range goes from one character to another"],
    ["[[:alpha:]]", 2, "classes by name"],
    ["(?=a)", 1, "look-around"],
    ["a(?!b)", 2, "look-around"],
    ["(?<=a)b", 1, "look-around"],
    ["(?<!a)b", 1, "look-around"],
    ["(a)\\1", 4, "back-references"],
    ["\\bword", 1, "word boundaries"],
    ["(?i)a", 1, "flags are not supported"],
    ["(?>a)", 1, "of groups with (? there are"],
    ["\\pL", 1, "\\p is not supported"],
    ["\\A", 1, "\\A is not supported"],
    ["\\0", 1, "\\0 is not supported"],
    ["\\u0041", 1, "\\u is not supported"],
    ["😀\\é", 2, "\\é is not supported"],
    ["a\\", 2, "there is nothing after \\"],
    ["\\x4", 1, "a character by its number"],
    ["\\x{}", 1, "a character by its number"],
    ["\\x{110000}", 1, "a character by its number"],
    [`${"(".repeat(51)}a`, 51, "nested deeper than 50"],
  ])("/%s/ at character %i", (expression, position, reason) => {
    const { accepted, logs } = run({ expression });
    expect(accepted).toBe(false);
    expect(logs).toHaveLength(1);
    expect(logs[0]).toContain(`at character ${position}: `);
    expect(logs[0]).toContain(reason);
  });

  test.each([
    ["a bounded repetition", "(a{100}){11}"],
    ["nested repetitions", "((((a{1000}){1000}){1000}){1000}){1000}"],
    ["nested repetitions of what takes no character", "((((^){1000}){1000}){1000}){1000}"],
    ["nested repetitions of what may be nothing", "((a?){1000}){1000}"],
    ["300 different characters", Array.from({ length: 300 }, (_, i) => String.fromCodePoint(0x4e00 + 2 * i)).join("")],
    ["1000 characters and the end", "a".repeat(1000)],
  ])("%s: too large", (_, expression) => {
    expect(run({ expression })).toMatchObject({ accepted: false, logs: [expect.stringContaining("it is too large")] });
  });
});

/* xorshift32 */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

const ATOMS = ["a", "b", "c", "é", "😀", ".", "\\d", "\\w", "\\W", "[ab]", "[^a]", "[b-c1]", "[^\\d]", "^", "$", "\\."];
const QUANTIFIERS = ["*", "+", "?", "{2}", "{1,}", "{0,2}", "{1,3}", "*?", "+?"];
const CHARACTERS = ["a", "b", "c", "1", "é", "😀", ".", "-", " "];

function expressionOf(below: (n: number) => number, depth: number): string {
  const parts = Array.from({ length: below(4) + (depth === 0 ? 1 : 0) }, () => {
    const nested = depth < 3 && below(3) === 0;
    const atom = nested ? `(?:${expressionOf(below, depth + 1)})` : (ATOMS[below(ATOMS.length)] ?? "a");
    const repeats = atom !== "^" && atom !== "$" && below(3) === 0;
    return atom + (repeats ? QUANTIFIERS[below(QUANTIFIERS.length)] : "");
  });
  const sequence = parts.join("");
  return below(4) === 0 ? `${sequence}|${depth < 3 ? expressionOf(below, depth + 1) : "b"}` : sequence;
}

test.each([1, 2, 3, 4])("random expressions and texts match as in JavaScript (seed %i)", (seed) => {
  const below = random(seed * 7919);
  for (let i = 0; i < 500; i++) {
    const expression = expressionOf(below, 0);
    const texts = Array.from({ length: 20 }, () =>
      Array.from({ length: below(9) }, () => CHARACTERS[below(CHARACTERS.length)]).join(""),
    );
    expect({ expression, texts, found: match(expression, texts) }).toEqual({
      expression,
      texts,
      found: inJavaScript(expression, texts),
    });
  }
});

describe("steps", () => {
  /* Of a match as a whole and of a search, in a text that is repeated, and what they found. */
  const steps = (
    expression: string,
    text: string,
    end: string,
    repeat: number,
  ): { counts: number[]; found: string } => {
    const words = run({ expression, texts: [text, end], repeat }).logs.map((line) => line.split(" "));
    return { counts: words.map(([, count]) => Number(count)), found: words.map(([what]) => what).join(" ") };
  };

  test.each([
    ["(a+)+$", "a", "!"],
    ["(a|aa)+$", "a", "!"],
    ["(a*)*b", "a", "c"],
    ["(x+x+)+y", "x", ""],
    ["(.*)(.*)(.*)(.*)(.*)[0-9]", "abc", ""],
  ])("of %s are one a character", (expression, text, end) => {
    for (const repeat of [1_000, 10_000, 100_000]) {
      const { counts, found } = steps(expression, text, end, repeat);
      const characters = text.length * repeat + end.length;
      expect(found).toBe("- -");
      for (const count of counts) {
        expect(count).toBeGreaterThanOrEqual(characters);
        expect(count).toBeLessThan(characters + 200);
      }
    }
  });

  /* Random texts lead to more states than are kept: they are forgotten and made again. */
  test.each([
    ["(a|b)*a(a|b){14}", 200],
    ["(a|b)*a(a|b){14}c?", 200],
    ["(?:[ab]{3}a)?[ab]*a[ab]{40}b[ab]*a[ab]{9}", 700],
  ])("of %s are linear, though its states do not fit", (expression, most) => {
    const below = random(4711);
    const text = Array.from({ length: 40_000 }, () => (below(2) === 0 ? "a" : "b")).join("");
    const short = steps(expression, text.slice(0, 10_000), "", 1);
    const long = steps(expression, text, "", 1);
    // The search ends where it finds something, after few characters.
    const [first = 0, last = 0] = [short.counts[0], long.counts[0]];
    expect(last).toBeGreaterThan(40_000 * 20);
    expect(last).toBeLessThan(40_000 * most);
    expect(Math.abs(last / first - 4)).toBeLessThan(0.2);
    for (let cut = 0; cut < 8; cut++) {
      const part = text.slice(0, 5_000 + cut);
      expect(match(expression, [part])).toEqual(inJavaScript(expression, [part]));
    }
  });
});

test("a plugin that does not use it has nothing of it", async () => {
  const root = fileURLToPath(new URL("..", import.meta.url));
  const plugin = fileURLToPath(new URL("../../plugins/hello", import.meta.url));
  const sdkDir = await mkdtemp(join(tmpdir(), "weft-sdk-"));
  try {
    for (const name of ["assembly", "compat", "index.ts", "package.json"]) {
      await cp(join(root, name), join(sdkDir, name), { recursive: true });
    }
    const compiled = async (): Promise<string> => {
      const built = await compilePlugin({ dir: plugin, sdkDir });
      if (!built.ok) throw new Error(JSON.stringify(built.diagnostics));
      return Buffer.from(built.wasm).toString("hex");
    };
    const index = join(sdkDir, "assembly", "index.ts");
    const text = await readFile(index, "utf8");
    const before = await compiled();
    await writeFile(index, text.replace(/^export \{ Regex \}.*\n/m, ""));
    await rm(join(sdkDir, "assembly", "regex"), { recursive: true });
    expect(await compiled()).toBe(before);
  } finally {
    await rm(sdkDir, { recursive: true, force: true });
  }
});
