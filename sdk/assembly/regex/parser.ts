import { Expression, Kind, UNBOUNDED } from "./expression";
import { complement, digits, MAX_POINT, ordered, spaces, wordCharacters } from "./ranges";

const MAX_DEPTH = 50;
const MAX_COUNT = 1000;
const NONE = -1;

const TAB = 9;
const LINE = 10;
const VERTICAL_TAB = 11;
const FORM_FEED = 12;
const RETURN = 13;
const DOLLAR = 36;
const OPEN = 40;
const CLOSE = 41;
const STAR = 42;
const PLUS = 43;
const COMMA = 44;
const HYPHEN = 45;
const DOT = 46;
const ZERO = 48;
const COLON = 58;
const LESS = 60;
const EQUALS = 61;
const GREATER = 62;
const QUESTION = 63;
const OPEN_BRACKET = 91;
const BACKSLASH = 92;
const CLOSE_BRACKET = 93;
const CARET = 94;
const OPEN_BRACE = 123;
const BAR = 124;
const CLOSE_BRACE = 125;

/**
 * Reads a regular expression in the syntax of RE2, as far as it is known here. What is accepted means the same in RE2;
 * what is not is a fault that says where. After the first fault every loop ends.
 */
export class Parser {
  /** What is wrong, and where; null where nothing is. */
  fault: string | null = null;
  private readonly points: u32[] = [];
  private at: i32 = 0;
  private depth: i32 = 0;

  constructor(text: string) {
    for (let i = 0; i < text.length; i++) {
      const point = text.codePointAt(i);
      this.points.push(point);
      if (point > 0xffff) i++;
    }
  }

  parse(): Expression {
    const whole = this.alternatives();
    if (this.peek() == CLOSE) this.fail(this.at, "this ) closes no group; for the character itself write \\)");
    return whole;
  }

  private alternatives(): Expression {
    const first = this.sequence();
    if (this.peek() != BAR) return first;
    const whole = new Expression(Kind.Alternatives);
    whole.parts.push(first);
    while (this.take(BAR)) whole.parts.push(this.sequence());
    return whole;
  }

  private sequence(): Expression {
    const whole = new Expression(Kind.Sequence);
    while (this.fault === null) {
      const next = this.peek();
      if (next == NONE || next == BAR || next == CLOSE) break;
      const part = this.repeated();
      if (part.kind != Kind.Empty) whole.parts.push(part);
    }
    if (whole.parts.length == 0) return new Expression(Kind.Empty);
    return whole.parts.length == 1 ? whole.parts[0] : whole;
  }

  private repeated(): Expression {
    const first = this.peek();
    const part = this.atom();
    const start = this.at;
    const repeat = new Expression(Kind.Repeat);
    if (!this.quantifier(repeat)) return part;
    if (first == CARET || first == DOLLAR) this.fail(start, "^ and $ cannot be repeated");
    // Lazy or not: the same texts match.
    this.take(QUESTION);
    const next = this.peek();
    if (next == STAR || next == PLUS || next == QUESTION || next == OPEN_BRACE) {
      this.fail(this.at, "what is repeated already needs a group: (?:a*)*");
    }
    if (part.kind == Kind.Empty || repeat.most == 0) return new Expression(Kind.Empty);
    repeat.parts.push(part);
    return repeat;
  }

  private quantifier(repeat: Expression): bool {
    repeat.most = UNBOUNDED;
    if (this.take(STAR)) return true;
    if (this.take(PLUS)) repeat.least = 1;
    else if (this.take(QUESTION)) repeat.most = 1;
    else if (this.peek() == OPEN_BRACE) this.bounds(repeat);
    else return false;
    return true;
  }

  /* {n} {n,} {n,m} */
  private bounds(repeat: Expression): void {
    const start = this.at++;
    const least = this.count();
    let most = least;
    if (this.take(COMMA)) most = this.peek() == CLOSE_BRACE ? UNBOUNDED : this.count();
    const wellFormed = this.take(CLOSE_BRACE) && least != NONE && (most != NONE || this.points[this.at - 2] == COMMA);
    if (!wellFormed) this.fail(start, "a repetition is {n}, {n,} or {n,m}; for the character itself write \\{");
    else if (max(least, most) > MAX_COUNT) this.fail(start, "a repetition counts to 1000 at most");
    else if (most != UNBOUNDED && most < least) this.fail(start, "the second count is smaller than the first");
    repeat.least = least;
    repeat.most = most;
  }

  private count(): i32 {
    if (!isDigit(this.peek())) return NONE;
    let value = 0;
    while (isDigit(this.peek())) value = min(value * 10 + (this.next() - ZERO), MAX_COUNT + 1);
    return value;
  }

  private atom(): Expression {
    const start = this.at;
    const point = this.next();
    if (point == OPEN) return this.group(start);
    if (point == CARET) return new Expression(Kind.Begin);
    if (point == DOLLAR) return new Expression(Kind.End);
    if (point == DOT) return new Expression(Kind.Set, complement([LINE, LINE]));
    if (point == OPEN_BRACKET) return new Expression(Kind.Set, this.set(start));
    if (point == BACKSLASH) return new Expression(Kind.Set, this.escape(start));
    if (point == STAR || point == PLUS || point == QUESTION || point == OPEN_BRACE) {
      this.fail(start, "there is nothing to repeat before it; for the character itself write a \\ before it");
    } else if (point == CLOSE_BRACE || point == CLOSE_BRACKET) {
      this.fail(start, "it closes nothing; for the character itself write a \\ before it");
    }
    return new Expression(Kind.Set, [point, point]);
  }

  private group(start: i32): Expression {
    if (this.take(QUESTION)) this.groupKind(start);
    if (++this.depth > MAX_DEPTH) this.fail(start, "groups are nested deeper than 50");
    const inner = this.fault === null ? this.alternatives() : new Expression(Kind.Empty);
    this.depth--;
    if (!this.take(CLOSE)) this.fail(start, "this group is not closed");
    return inner;
  }

  /* After (? */
  private groupKind(start: i32): void {
    if (this.take(COLON)) return;
    if (this.peek() == 80) this.at++; // (?P<name>
    const kind = this.next();
    if (kind == LESS && this.peek() != EQUALS && this.peek() != 33) {
      while (this.peek() != NONE && !this.take(GREATER)) this.at++;
      return;
    }
    if (kind == EQUALS || kind == 33 || kind == LESS) this.fail(start, "look-around cannot be matched in linear time");
    else this.fail(start, "of groups with (? there are (?: and (?<name> only; flags are not supported");
  }

  /* After [ */
  private set(start: i32): u32[] {
    const negated = this.take(CARET);
    let ranges: u32[] = [];
    if (this.peek() == CLOSE_BRACKET) this.fail(this.at, "for the character ] itself write \\]");
    while (this.fault === null && !this.take(CLOSE_BRACKET)) {
      if (this.peek() == NONE) {
        this.fail(start, "this class is not closed");
        break;
      }
      const first = this.at;
      const low = this.member();
      const isRange =
        this.peek() == HYPHEN && this.at + 1 < this.points.length && this.points[this.at + 1] != CLOSE_BRACKET;
      if (isRange) {
        this.at++;
        const high = this.member();
        if (!isPoint(low) || !isPoint(high)) this.fail(first, "a range goes from one character to another");
        else if (high[0] < low[0]) this.fail(first, "the range ends before it begins");
        else low[1] = high[1];
      }
      ranges = ranges.concat(low);
    }
    ranges = ordered(ranges);
    return negated ? complement(ranges) : ranges;
  }

  private member(): u32[] {
    const start = this.at;
    const point = this.next();
    if (point == BACKSLASH) return this.escape(start);
    if (point == OPEN_BRACKET && (this.peek() == COLON || this.peek() == DOT || this.peek() == EQUALS)) {
      this.fail(start, "classes by name, such as [:alpha:], are not supported");
    }
    return [point, point];
  }

  /* After \ */
  private escape(start: i32): u32[] {
    const point = this.next();
    const lower = point | 32;
    if (lower == 100 || lower == 115 || lower == 119) {
      const ranges = lower == 100 ? digits() : lower == 115 ? spaces() : wordCharacters();
      return point == lower ? ranges : complement(ranges);
    }
    let value = point;
    if (point == 120) value = this.hexadecimal(start);
    else if (point == 116) value = TAB;
    else if (point == 110) value = LINE;
    else if (point == 118) value = VERTICAL_TAB;
    else if (point == 102) value = FORM_FEED;
    else if (point == 114) value = RETURN;
    else if (point == NONE) this.fail(start, "there is nothing after \\");
    else if (isDigit(point) && point != ZERO) this.fail(start, "back-references cannot be matched in linear time");
    else if (lower == 98) this.fail(start, "word boundaries are not supported");
    else if (isDigit(point) || <u32>(lower - 97) < 26 || point > 126) {
      this.fail(start, "\\" + String.fromCodePoint(point) + " is not supported");
    }
    return [value, value];
  }

  /* \xHH or \x{H…} */
  private hexadecimal(start: i32): i32 {
    const braced = this.take(OPEN_BRACE);
    const first = this.at;
    const last = first + (braced ? 6 : 2);
    let value = 0;
    while (this.at < last) {
      const digit = hexadecimalDigit(this.peek());
      if (digit < 0) break;
      value = value * 16 + digit;
      this.at++;
    }
    const digits = this.at - first;
    const closed = braced ? this.take(CLOSE_BRACE) && digits > 0 : digits == 2;
    if (!closed || <u32>value > MAX_POINT) this.fail(start, "a character by its number is \\x2f or \\x{10ffff}");
    return value;
  }

  /* NONE at the end and after a fault. */
  private peek(): i32 {
    return this.fault === null && this.at < this.points.length ? this.points[this.at] : NONE;
  }

  private next(): i32 {
    const point = this.peek();
    this.at++;
    return point;
  }

  private take(point: i32): bool {
    if (this.peek() != point) return false;
    this.at++;
    return true;
  }

  private fail(at: i32, reason: string): void {
    if (this.fault === null) this.fault = "at character " + (at + 1).toString() + ": " + reason;
  }
}

function isDigit(point: i32): bool {
  return <u32>(point - ZERO) < 10;
}

function hexadecimalDigit(point: i32): i32 {
  if (isDigit(point)) return point - ZERO;
  const lower = point | 32;
  return <u32>(lower - 97) < 6 ? lower - 87 : NONE;
}

function isPoint(ranges: u32[]): bool {
  return ranges.length == 2 && ranges[0] == ranges[1];
}
