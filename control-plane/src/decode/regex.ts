/** A repetition may ask for this much at most; more, and RE2 refuses the pattern. */
const MAX_REPEAT = 1000;
/** Rough bound on the compiled size, so that no proxy refuses a route because of its pattern. */
const MAX_SIZE = 5000;
const MAX_DEPTH = 100;

const CLASS_SIZE = 4;

const ESCAPES =
  /^(?:[aftnrvdDsSwWAbBzC]|[0-7]{1,3}|x[0-9A-Fa-f]{2}|x\{0*[0-9A-Fa-f]{1,2}\}|[pP][LMNPSZC]|[pP]\{\^?(?:Any|Latin|Greek|Cyrillic|Common|[LMNPSZC]|C[cfos]|L[lmotu]|M[cen]|N[dlo]|P[cdefios]|S[ckmo]|Z[lps])\}|[^A-Za-z0-9])/;
const ONLY_OUTSIDE_CLASS = /^[AbBzC]/;
const POSIX_CLASS = /^\[:\^?(?:alnum|alpha|ascii|blank|cntrl|digit|graph|lower|print|punct|space|upper|word|xdigit):\]/;
const GROUP = /^\?(?:P?<\w+>|[imsU]*(?:-[imsU]+)?:)/;
const FLAGS = /^\?[imsU]*(?:-[imsU]+)?\)/;
const REPEAT = /^(?:[*+?]|\{(\d+)(,(\d*))?\})\??/;

/**
 * What keeps a pattern from being one of RE2, which Envoy uses; undefined when nothing does. A pattern that Envoy refuses
 * would hold up every later change of the routes, so it must not get that far.
 * https://github.com/google/re2/wiki/Syntax
 */
export function regexProblem(pattern: string): string | undefined {
  // Envoy's patterns are of bytes, so that a character of several bytes would not be what it looks like.
  if (/[^\x20-\x7e]/.test(pattern)) return "it has characters that are not printable ASCII; write their bytes as \\xNN";
  try {
    const parser = new RegexParser(pattern);
    const size = parser.alternatives(0);
    if (!parser.atEnd) return "a ) closes nothing";
    return size > MAX_SIZE ? "it is too large once its repetitions are written out" : undefined;
  } catch (error) {
    if (error instanceof RegexProblem) return error.message;
    throw error;
  }
}

/** How many groups of a pattern that is one of RE2 capture what they match. */
export function regexGroups(pattern: string): number {
  const parser = new RegexParser(pattern);
  parser.alternatives(0);
  return parser.groups;
}

class RegexProblem extends Error {
  override readonly name = "RegexProblem";
}

/** Walks a pattern and adds up its size. */
class RegexParser {
  readonly #pattern: string;
  #position = 0;
  #groups = 0;

  constructor(pattern: string) {
    this.#pattern = pattern;
  }

  get atEnd(): boolean {
    return this.#position >= this.#pattern.length;
  }

  /** Those that capture, of what was walked through. */
  get groups(): number {
    return this.#groups;
  }

  alternatives(depth: number): number {
    if (depth > MAX_DEPTH) throw new RegexProblem("its groups are nested too deeply");
    let size = 1;
    for (;;) {
      size += this.#sequence(depth);
      if (!this.#skip("|")) return size;
      size++;
    }
  }

  #sequence(depth: number): number {
    let total = 0;
    while (!this.atEnd && this.#next !== "|" && this.#next !== ")") {
      const repeat = this.#match(REPEAT);
      if (repeat !== undefined) throw new RegexProblem(`${repeat[0]} has nothing before it to repeat`);
      const flags = this.#rest.startsWith("(") ? FLAGS.exec(this.#rest.slice(1)) : null;
      if (flags !== null) {
        this.#position += 1 + flags[0].length;
        continue;
      }
      total += this.#repeated(this.#atom(depth));
    }
    return total;
  }

  #repeated(size: number): number {
    const repeat = this.#match(REPEAT);
    if (repeat === undefined) return size;
    const [text, from, range, to] = repeat;
    const min = Number(from ?? 1);
    const max = to === undefined || to === "" ? min + (range === undefined ? 0 : 1) : Number(to);
    if (min > MAX_REPEAT || max > MAX_REPEAT) throw new RegexProblem(`${text} repeats more than ${MAX_REPEAT} times`);
    if (to !== undefined && to !== "" && max < min) throw new RegexProblem(`${text} ends before it begins`);
    const again = REPEAT.exec(this.#rest);
    if (again !== null) throw new RegexProblem(`${text}${again[0]} repeats a repetition`);
    return Math.max(1, size) * Math.max(1, max) + 1;
  }

  #atom(depth: number): number {
    if (this.#skip("(")) return this.#group(depth);
    if (this.#skip("[")) return this.#class();
    if (this.#rest.startsWith("\\Q")) return this.#quoted();
    if (this.#skip("\\")) return this.#escape(false);
    if (this.#skip(".")) return CLASS_SIZE;
    this.#position++;
    return 1;
  }

  #group(depth: number): number {
    if (this.#next === "?") {
      const rest = this.#rest;
      const group = this.#match(GROUP);
      if (group === undefined)
        throw new RegexProblem(
          /^\?<?[=!]/.test(rest) ? "it looks ahead or behind, which RE2 cannot" : `(${rest.slice(0, 3)} is no group`,
        );
      if (group[0].endsWith(">")) this.#groups++;
    } else this.#groups++;
    const size = this.alternatives(depth + 1);
    if (!this.#skip(")")) throw new RegexProblem("a ( is not closed");
    return size + 2;
  }

  #class(): number {
    this.#skip("^");
    let size = 1;
    for (let first = true; first || this.#next !== "]"; first = false) {
      if (this.atEnd) throw new RegexProblem("a [ is not closed");
      size += 2;
      if (this.#rest.startsWith("[:")) {
        if (this.#match(POSIX_CLASS) !== undefined) continue;
        if (/^\[:[^\]]*:\]/.test(this.#rest)) throw new RegexProblem("a [: :] names no class");
      }
      const low = this.#classItem();
      if (this.#next !== "-" || this.#rest.startsWith("-]")) continue;
      // After a class such as \d the - stands for itself.
      if (low === undefined) continue;
      this.#position++;
      const high = this.#classItem();
      if (high === undefined || high < low) throw new RegexProblem("a range in [ ] ends before it begins");
    }
    this.#position++;
    return CLASS_SIZE + size;
  }

  /** The code of one character in a class; undefined for an escape that is a class itself. */
  #classItem(): number | undefined {
    if (this.atEnd) throw new RegexProblem("a [ is not closed");
    if (!this.#skip("\\")) return this.#pattern.charCodeAt(this.#position++);
    const start = this.#position;
    this.#escape(true);
    return escapedCode(this.#pattern.slice(start, this.#position));
  }

  #escape(inClass: boolean): number {
    const text = this.#match(ESCAPES)?.[0];
    if (text === undefined || (inClass && ONLY_OUTSIDE_CLASS.test(text))) {
      const shown = `\\${text ?? this.#rest.slice(0, 1)}`;
      throw new RegexProblem(shown === "\\" ? "it ends with a \\" : `${shown} is no escape here`);
    }
    // A reference to a group, \1 to \9, which RE2 does not have; \10 and longer are octal codes.
    if (/^[1-9]$/.test(text)) throw new RegexProblem(`\\${text} refers to a group, which RE2 cannot`);
    return /^[dDsSwWpPC]/.test(text) ? CLASS_SIZE * (/^[pP]/.test(text) ? 5 : 1) : 1;
  }

  #quoted(): number {
    const end = this.#pattern.indexOf("\\E", this.#position);
    const text = this.#pattern.slice(this.#position + 2, end < 0 ? undefined : end);
    this.#position = end < 0 ? this.#pattern.length : end + 2;
    return text.length;
  }

  get #next(): string {
    return this.#pattern[this.#position] ?? "";
  }

  get #rest(): string {
    return this.#pattern.slice(this.#position);
  }

  #skip(text: string): boolean {
    if (!this.#pattern.startsWith(text, this.#position)) return false;
    this.#position += text.length;
    return true;
  }

  #match(expression: RegExp): RegExpExecArray | undefined {
    const match = expression.exec(this.#rest);
    if (match === null) return undefined;
    this.#position += match[0].length;
    return match;
  }
}

const CONTROL: Readonly<Record<string, number>> = { a: 7, f: 12, t: 9, n: 10, r: 13, v: 11 };

function escapedCode(text: string): number | undefined {
  if (/^[dDsSwWpP]/.test(text)) return undefined;
  if (text.startsWith("x")) return Number.parseInt(text.replace(/[x{}]/g, ""), 16);
  if (/^[0-7]/.test(text)) return Number.parseInt(text, 8);
  return CONTROL[text] ?? text.codePointAt(0);
}
