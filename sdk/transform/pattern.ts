/*
 * A regular expression as a position automaton (Glushkov): each character or class of it is a position, a set of
 * positions is a 64-bit word, and a text is matched in one pass.
 */
export interface Automaton {
  /** The characters of each position. */
  classes: readonly CharacterClass[];
  first: bigint;
  last: bigint;
  /** The positions that may come after each. */
  follow: readonly bigint[];
  /** It matches the empty text. */
  nullable: boolean;
  anchoredStart: boolean;
  anchoredEnd: boolean;
}

/** Code points from `low` to `high`. */
export type CharacterClass = readonly (readonly [low: number, high: number])[];

const MAX_POSITIONS = 63;
const MAX_POINT = 0x10ffff;
const DIGITS: CharacterClass = [[48, 57]];
const WORD: CharacterClass = [
  [48, 57],
  [65, 90],
  [95, 95],
  [97, 122],
];
const SPACE: CharacterClass = [
  [9, 13],
  [32, 32],
  [0xa0, 0xa0],
  [0x1680, 0x1680],
  [0x2000, 0x200a],
  [0x2028, 0x2029],
  [0x202f, 0x202f],
  [0x205f, 0x205f],
  [0x3000, 0x3000],
  [0xfeff, 0xfeff],
];
const LINE_ENDS: CharacterClass = [
  [10, 10],
  [13, 13],
  [0x2028, 0x2029],
];
const SETS: Readonly<Record<string, CharacterClass>> = {
  d: DIGITS,
  D: complement(DIGITS),
  w: WORD,
  W: complement(WORD),
  s: SPACE,
  S: complement(SPACE),
};
const CONTROLS: Readonly<Record<string, number>> = { t: 9, n: 10, v: 11, f: 12, r: 13, "0": 0 };

interface Fragment {
  first: bigint;
  last: bigint;
  nullable: boolean;
}

const EMPTY: Fragment = { first: 0n, last: 0n, nullable: true };

/** Compiles an expression in JavaScript's syntax (flag `u`). Returns what is wrong with it as a text. */
export function compilePattern(expression: string): Automaton | string {
  try {
    new RegExp(expression, "u");
    return new Compiler(Array.from(expression)).compile();
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof UnsupportedError) return error.message;
    throw error;
  }
}

class UnsupportedError extends Error {}

class Compiler {
  private readonly text: readonly string[];
  private at = 0;
  private readonly classes: CharacterClass[] = [];
  private readonly follow: bigint[] = [];

  constructor(text: readonly string[]) {
    this.text = text;
  }

  compile(): Automaton {
    const anchoredStart = this.take("^");
    const whole = this.alternatives();
    const anchoredEnd = this.take("$");
    if (this.at < this.text.length) throw new UnsupportedError("^ and $ may stand at its beginning and end only");
    if ((anchoredStart || anchoredEnd) && this.topLevelBar) {
      throw new UnsupportedError("alternatives between ^ and $ need a group: ^(?:a|b)$");
    }
    return { ...whole, classes: this.classes, follow: this.follow, anchoredStart, anchoredEnd };
  }

  private topLevelBar = false;
  private depth = 0;

  private alternatives(): Fragment {
    let result = this.sequence();
    while (this.take("|")) {
      if (this.depth === 0) this.topLevelBar = true;
      const other = this.sequence();
      result = {
        first: result.first | other.first,
        last: result.last | other.last,
        nullable: result.nullable || other.nullable,
      };
    }
    return result;
  }

  private sequence(): Fragment {
    let result = EMPTY;
    while (this.at < this.text.length && !"|)$".includes(this.peek())) result = this.join(result, this.repeated());
    return result;
  }

  private join(left: Fragment, right: Fragment): Fragment {
    this.connect(left.last, right.first);
    return {
      first: left.nullable ? left.first | right.first : left.first,
      last: right.nullable ? left.last | right.last : right.last,
      nullable: left.nullable && right.nullable,
    };
  }

  private connect(from: bigint, to: bigint): void {
    for (let i = 0; i < this.follow.length; i++) {
      if ((from >> BigInt(i)) & 1n) this.follow[i] = (this.follow[i] ?? 0n) | to;
    }
  }

  private repeated(): Fragment {
    const start = this.at;
    const bar = this.topLevelBar;
    let result = this.atom();
    const end = this.at;
    const [least, most] = this.quantifier();
    if (least === 1 && most === 1) return result;
    // Copies of the atom: it is parsed again for each.
    const after = this.at;
    const again = (): Fragment => {
      this.at = start;
      const copy = this.atom();
      if (this.at !== end) throw new Error("an atom parsed twice differs");
      return copy;
    };
    if (most === 0) throw new UnsupportedError("{0} matches nothing");
    if (most === Number.POSITIVE_INFINITY) {
      let last = result;
      for (let i = 1; i < least; i++) {
        last = again();
        result = this.join(result, last);
      }
      this.connect(last.last, last.first);
    } else {
      const optional: Fragment[] = [];
      for (let i = 1; i < least; i++) result = this.join(result, again());
      for (let i = Math.max(least, 1); i < most; i++) optional.push({ ...again(), nullable: true });
      for (const copy of optional) result = this.join(least === 0 ? { ...result, nullable: true } : result, copy);
    }
    this.at = after;
    this.topLevelBar = bar;
    return least === 0 ? { ...result, nullable: true } : result;
  }

  private quantifier(): [number, number] {
    let range: [number, number] = [1, 1];
    if (this.take("*")) range = [0, Number.POSITIVE_INFINITY];
    else if (this.take("+")) range = [1, Number.POSITIVE_INFINITY];
    else if (this.take("?")) range = [0, 1];
    else if (this.peek() === "{") {
      const text = this.text.slice(this.at).join("");
      const [whole = "", least = "", comma, most] = /^\{(\d+)(,(\d*))?\}/.exec(text) ?? [];
      this.at += whole.length;
      const lower = Number(least);
      range = [lower, comma === undefined ? lower : most === "" ? Number.POSITIVE_INFINITY : Number(most)];
      if (lower > MAX_POSITIONS) throw this.tooLong();
    } else return range;
    // Lazy or not: what is matched is the same.
    this.take("?");
    return range;
  }

  private atom(): Fragment {
    const character = this.next();
    if (character === "(") return this.group();
    if (character === "[") return this.position(this.set());
    if (character === ".") return this.position(complement(LINE_ENDS));
    if (character === "^") throw new UnsupportedError("^ and $ may stand at its beginning and end only");
    if (character === "\\") return this.position(this.escape());
    return this.position(single(character));
  }

  private group(): Fragment {
    if (this.take("?")) {
      const kind = this.next();
      if (kind === "<" && !"=!".includes(this.peek())) while (this.next() !== ">");
      else if (kind !== ":") throw new UnsupportedError("it has look-around, which cannot be matched in linear time");
    }
    this.depth++;
    const result = this.alternatives();
    this.depth--;
    if (!this.take(")")) throw new UnsupportedError("^ and $ may stand at its beginning and end only");
    return result;
  }

  private set(): CharacterClass {
    const negated = this.take("^");
    const ranges: (readonly [number, number])[] = [];
    while (!this.take("]")) {
      const low = this.member();
      const point = low[0];
      if (this.peek() === "-" && this.text[this.at + 1] !== "]" && low.length === 1 && point?.[0] === point?.[1]) {
        this.at++;
        const high = this.member()[0];
        if (point !== undefined && high !== undefined) ranges.push([point[0], high[1]]);
      } else ranges.push(...low);
    }
    return negated ? complement(ranges) : ranges;
  }

  private member(): CharacterClass {
    const character = this.next();
    if (character !== "\\") return single(character);
    if (this.take("b")) return single("\b");
    return this.escape();
  }

  private escape(): CharacterClass {
    const character = this.next();
    const set = SETS[character];
    if (set !== undefined) return set;
    const control = CONTROLS[character];
    if (control !== undefined) return [[control, control]];
    if (character === "x") return this.hexadecimal(2);
    if (character === "u") {
      if (!this.take("{")) return this.hexadecimal(4);
      let digits = "";
      for (let digit = this.next(); digit !== "}"; digit = this.next()) digits += digit;
      const point = Number.parseInt(digits, 16);
      return [[point, point]];
    }
    if (/[A-Za-z1-9]/.test(character)) throw new UnsupportedError(`it has \\${character}, which is not supported`);
    return single(character);
  }

  private hexadecimal(digits: number): CharacterClass {
    const point = Number.parseInt(this.text.slice(this.at, this.at + digits).join(""), 16);
    this.at += digits;
    return [[point, point]];
  }

  private position(characters: CharacterClass): Fragment {
    if (this.classes.length === MAX_POSITIONS) throw this.tooLong();
    const bit = 1n << BigInt(this.classes.length);
    this.classes.push(characters);
    this.follow.push(0n);
    return { first: bit, last: bit, nullable: false };
  }

  private tooLong(): Error {
    return new UnsupportedError(`it has more than ${MAX_POSITIONS} characters and classes, repetitions counted`);
  }

  private peek(): string {
    return this.text[this.at] ?? "";
  }

  private next(): string {
    const character = this.peek();
    this.at++;
    return character;
  }

  private take(character: string): boolean {
    if (this.peek() !== character) return false;
    this.at++;
    return true;
  }
}

function single(character: string): CharacterClass {
  const point = character.codePointAt(0) ?? 0;
  return [[point, point]];
}

function complement(ranges: CharacterClass): CharacterClass {
  const result: (readonly [number, number])[] = [];
  let from = 0;
  for (const [low, high] of Array.from(ranges).sort((a, b) => a[0] - b[0])) {
    if (low > from) result.push([from, low - 1]);
    from = Math.max(from, high + 1);
  }
  if (from <= MAX_POINT) result.push([from, MAX_POINT]);
  return result;
}

/** A method in AssemblyScript that says whether a text matches. */
export function matcherSource(name: string, automaton: Automaton): string {
  const { classes, first, last, follow, nullable, anchoredStart, anchoredEnd } = automaton;
  const word = (value: bigint): string => `<u64>0x${value.toString(16)}`;
  const masks = new Map<string, bigint>();
  classes.forEach((ranges, i) => {
    const test = ranges
      .map(([low, high]) => (low === high ? `c == ${low}` : `(c >= ${low} && c <= ${high})`))
      .join(" || ");
    masks.set(test, (masks.get(test) ?? 0n) | (1n << BigInt(i)));
  });
  const tests = Array.from(masks, ([test, mask]) => (test === "" ? "" : `if (${test}) mask |= ${word(mask)};`)).join(
    "\n",
  );
  const always = nullable && !(anchoredStart && anchoredEnd);
  return `${name}(text: string): bool {
    ${always ? "return true;" : ""}
    const follow: usize = memory.data<u64>([${follow.length === 0 ? "0" : follow.map((set) => `0x${set.toString(16)}`).join(", ")}]);
    let states: u64 = 0;
    let i = 0;
    while (i < text.length) {
      const c: u32 = text.codePointAt(i);
      let next: u64 = ${anchoredStart ? `i == 0 ? ${word(first)} : 0` : word(first)};
      while (states != 0) {
        next |= load<u64>(follow + (<usize>ctz(states) << 3));
        states &= states - 1;
      }
      let mask: u64 = 0;
      ${tests}
      states = next & mask;
      ${anchoredEnd ? "" : `if (states & ${word(last)}) return true;`}
      i += c > 0xffff ? 2 : 1;
    }
    return ${anchoredEnd ? `${nullable ? "text.length == 0 || " : ""}(states & ${word(last)}) != 0` : "false"};
  }`;
}
