/*
 * Reads JSON (RFC 8259) where the host put it, in one pass, driven by the class that is being filled. A method that no
 * class needs is not in the module.
 */
import { allocate } from "../abi/arena";
import { append, appendBytes, appendNumber } from "../abi/report";
import { decode, writePoint } from "../abi/text";

const QUOTE = 34;
const COMMA = 44;
const PLUS = 43;
const MINUS = 45;
const DOT = 46;
const ZERO = 48;
const COLON = 58;
const OPEN_BRACKET = 91;
const BACKSLASH = 92;
const CLOSE_BRACKET = 93;
const LOWER_E = 101;
const OPEN_BRACE = 123;
const CLOSE_BRACE = 125;

const MAX_DEPTH: u32 = 32;
const MAX_EXCERPT: usize = 60;
/* Infinity or zero from here on. */
const MAX_EXPONENT = 400;
/* What each open object or array is at: its key (address and size), or 0 and an index; and its members so far. */
const LEVEL_BYTES: usize = 12;
const levels: usize = memory.data(384, 4);

/** Whether a configuration is empty or `{}`; anything else is reported. */
export function endsConfiguration(json: usize, size: usize): bool {
  let braces: usize = 0;
  for (let i: usize = 0; i < size; i++) {
    const byte = load<u8>(json + i);
    if (byte == (braces == 0 ? OPEN_BRACE : CLOSE_BRACE) && braces < 2) braces++;
    else if (byte != 32 && byte != 10 && byte != 13 && byte != 9) braces = 3;
  }
  if (size == 0 || braces == 2) return true;
  append("this plugin takes none");
  return false;
}

/**
 * The first fault is written to the report, with the field, its value and the rule; from then on every loop ends and
 * every value is the default of its type.
 */
@final
export class JsonReader {
  failed: bool = false;
  private readonly begin: usize;
  private readonly end: usize;
  private at: usize;
  private depth: u32 = 0;
  /* Where the value that was read last begins. */
  private start: usize = 0;
  /* The string that was read last, without its escapes. */
  private text: usize = 0;
  private textSize: usize = 0;

  constructor(json: usize, size: usize) {
    this.begin = json;
    this.at = json;
    this.end = json + size;
  }

  /** Enters an object; nextKey then walks through it. */
  enterObject(): void {
    this.open(OPEN_BRACE, "must be an object");
  }

  enterArray(): void {
    this.open(OPEN_BRACKET, "must be an array");
  }

  /** Moves to the next field; false at the end of the object. */
  nextKey(): bool {
    if (!this.advance(CLOSE_BRACE)) return false;
    if (this.peek() != QUOTE) return this.fault("a field name in quotes");
    if (!this.quoted()) return false;
    const level = this.level();
    store<usize>(level, this.text);
    store<usize>(level, this.textSize, 4);
    if (this.peek() != COLON) return this.fault("':'");
    this.at++;
    return true;
  }

  /** Moves to the next item; false at the end of the array. */
  nextItem(): bool {
    if (!this.advance(CLOSE_BRACKET)) return false;
    const level = this.level();
    store<usize>(level, 0);
    store<u32>(level, load<u32>(level, 8) - 1, 4);
    return true;
  }

  /** Whether the string that was read last, a key or a word, is this one. It has ASCII characters only. */
  is(name: string): bool {
    const size = this.textSize;
    if (<usize>name.length != size) return false;
    for (let i: usize = 0; i < size; i++) {
      if (<u16>load<u8>(this.text + i) != load<u16>(changetype<usize>(name) + (i << 1))) return false;
    }
    return true;
  }

  /** The key of a map's entry. */
  key(): string {
    return decode(this.text, this.textSize);
  }

  unknown(known: string): void {
    if (!this.reportsField()) return;
    append(" is unknown; known fields: ");
    append(known);
  }

  duplicate(): void {
    if (this.reportsField()) append(" is given twice");
  }

  /** Called when the object that has the field has been read. */
  missing(name: string): void {
    if (this.failed) return;
    this.failed = true;
    append('field "');
    for (let i: u32 = 0; i < this.depth; i++) this.appendStep(i);
    if (this.depth > 0) append(".");
    append(name);
    append('" is required');
  }

  /** For rules over a whole class (its `validate`). */
  invalid(rule: string): void {
    if (this.depth == 0) this.failed = true;
    else if (this.reportsField()) append(": ");
    append(rule);
  }

  boolean(): bool {
    this.begins();
    if (this.word("true")) return true;
    if (!this.word("false")) this.reject("must be true or false");
    return false;
  }

  /** Reads a string and leaves it for `is`. */
  enterWord(rule: string): void {
    if (this.begins() != QUOTE) this.reject(rule);
    else this.quoted();
  }

  /** `rule` says what the bounds mean, in characters (code points); the transform writes it. */
  string(least: u32, most: u32, rule: string): string {
    if (this.begins() != QUOTE) {
      this.reject("must be a string");
      return "";
    }
    if (!this.quoted()) return "";
    let length: u32 = 0;
    for (let i: usize = 0; i < this.textSize; i++) if ((load<u8>(this.text + i) & 0xc0) != 0x80) length++;
    if (length < least || length > most) this.reject(rule);
    return this.key();
  }

  integer(least: i64, most: i64, rule: string): i64 {
    const negative = this.begins() == MINUS;
    if (negative) this.at++;
    const digits = this.at;
    let value: i64 = 0;
    let overflow = false;
    for (; this.isDigit(); this.at++) {
      const digit = <i64>(this.code() - ZERO);
      // Below zero there is room for one more.
      if (value < (i64.MIN_VALUE + digit) / 10) overflow = true;
      value = value * 10 - digit;
    }
    if (!negative && value == i64.MIN_VALUE) overflow = true;
    if (!negative) value = -value;
    const next = this.code();
    const isInteger = this.isNumeral(digits) && next != DOT && (next | 32) != LOWER_E;
    if (isInteger && !overflow && value >= least && value <= most) return value;
    this.reject(rule);
    return 0;
  }

  /** Exact to 15 digits and powers of ten up to 22; beyond that the last digit may be off. */
  number(least: f64, most: f64, rule: string): f64 {
    const negative = this.begins() == MINUS;
    if (negative) this.at++;
    const digits = this.at;
    let value: f64 = 0;
    let exponent = 0;
    for (; this.isDigit(); this.at++) value = value * 10 + <f64>(this.code() - ZERO);
    let valid = this.isNumeral(digits);
    if (this.code() == DOT) {
      const point = ++this.at;
      for (; this.isDigit(); this.at++) value = value * 10 + <f64>(this.code() - ZERO);
      exponent = <i32>(point - this.at);
      valid = valid && exponent < 0;
    }
    if ((this.code() | 32) == LOWER_E) {
      this.at++;
      const minus = this.code() == MINUS;
      if (minus || this.code() == PLUS) this.at++;
      const first = this.at;
      let power = 0;
      for (; this.isDigit(); this.at++) power = min(power * 10 + this.code() - ZERO, MAX_EXPONENT);
      exponent += minus ? -power : power;
      valid = valid && this.at > first;
    }
    let scale: f64 = 1;
    for (let i = min(abs(exponent), MAX_EXPONENT); i > 0; i--) scale *= 10;
    value = exponent < 0 ? value / scale : value * scale;
    if (negative) value = -value;
    if (valid && value >= least && value <= most) return value;
    this.reject(rule);
    return 0;
  }

  /** Checks how many members the array or the map that was just read has. */
  length(count: i32, least: u32, most: u32, rule: string): void {
    if ((<u32>count >= least && <u32>count <= most) || !this.reportsField()) return;
    append(" has ");
    appendNumber(count);
    append("; it ");
    append(rule);
  }

  /** The value that was read last breaks a rule. */
  reject(rule: string): void {
    this.at = this.start;
    if (!this.reportsField()) return;
    append(" is ");
    this.appendExcerpt();
    append("; it ");
    append(rule);
  }

  /** Nothing but white space may follow. Returns whether all was well. */
  finish(): bool {
    if (!this.failed && this.peek() != -1) this.fault("the end");
    return !this.failed;
  }

  private open(bracket: i32, rule: string): void {
    if (this.begins() != bracket) {
      this.reject(rule);
      return;
    }
    if (this.depth == MAX_DEPTH) {
      if (this.reportsField()) append(" is nested too deeply");
      return;
    }
    this.at++;
    this.depth++;
    store<u32>(this.level(), 0, 8);
  }

  private level(): usize {
    return levels + <usize>(this.depth - 1) * LEVEL_BYTES;
  }

  /* To the next member, over the comma; at the end out of the object or array. */
  private advance(close: i32): bool {
    if (this.failed) return false;
    const level = this.level();
    const count = load<u32>(level, 8);
    const code = this.peek();
    if (code == close) {
      this.at++;
      this.depth--;
      return false;
    }
    if (count > 0) {
      if (code != COMMA) return this.fault("','");
      this.at++;
    }
    store<u32>(level, count + 1, 8);
    return true;
  }

  /* After a fault no value begins. */
  private begins(): i32 {
    const code = this.failed ? -2 : this.peek();
    this.start = this.at;
    return code;
  }

  private code(): i32 {
    return this.at < this.end ? <i32>load<u8>(this.at) : -1;
  }

  private peek(): i32 {
    let code = this.code();
    while (code == 32 || code == 10 || code == 13 || code == 9) {
      this.at++;
      code = this.code();
    }
    return code;
  }

  private isDigit(): bool {
    return <u32>(this.code() - ZERO) < 10;
  }

  /* Digits since `start`, without a needless zero in front. */
  private isNumeral(start: usize): bool {
    const length = this.at - start;
    return length == 1 || (length > 1 && load<u8>(start) != ZERO);
  }

  private word(expected: string): bool {
    for (let i = 0; i < expected.length; i++) {
      if (this.at + i >= this.end || <u16>load<u8>(this.at + i) != load<u16>(changetype<usize>(expected) + (i << 1))) {
        return false;
      }
    }
    this.at += expected.length;
    return true;
  }

  /* Reads a string, in place where it has no escapes. */
  private quoted(): bool {
    const first = ++this.at;
    let to: usize = 0;
    while (true) {
      const code = this.code();
      if (code < 32) return this.fault("a string's end");
      if (code == QUOTE) break;
      if (code == BACKSLASH && to == 0) {
        // Escapes are longer than what they stand for.
        this.text = allocate(this.end - first);
        memory.copy(this.text, first, this.at - first);
        to = this.text + (this.at - first);
      }
      this.at++;
      if (code == BACKSLASH) {
        to = this.escape(to);
        if (this.failed) return false;
      } else if (to != 0) store<u8>(to++, <u8>code);
    }
    if (to == 0) this.text = first;
    this.textSize = (to == 0 ? this.at : to) - this.text;
    this.at++;
    return true;
  }

  private escape(to: usize): usize {
    const code = this.code();
    this.at++;
    let byte = code;
    if (code == 98) byte = 8;
    else if (code == 102) byte = 12;
    else if (code == 110) byte = 10;
    else if (code == 114) byte = 13;
    else if (code == 116) byte = 9;
    else if (code == 117) {
      let point = this.unit();
      if ((point & 0xfc00) == 0xd800 && this.word("\\u")) {
        const low = this.unit();
        if ((low & 0xfc00) == 0xdc00) point = 0x10000 + ((point & 0x3ff) << 10) + (low & 0x3ff);
        else this.at -= 6;
      }
      if ((point & 0xfffff800) == 0xd800) point = 0xfffd;
      if (point >= 0x80) return writePoint(point, to);
      byte = <i32>point;
    } else if (code != QUOTE && code != BACKSLASH && code != 47) this.fault("a known escape");
    store<u8>(to, <u8>byte);
    return to + 1;
  }

  /* Four hexadecimal digits. */
  private unit(): u32 {
    let unit: u32 = 0;
    for (let i = 0; i < 4; i++, this.at++) {
      const digit = this.code();
      const lower = digit | 32;
      if (<u32>(digit - ZERO) < 10) unit = (unit << 4) | (digit - ZERO);
      else if (<u32>(lower - 97) < 6) unit = (unit << 4) | (lower - 87);
      else {
        this.fault("four hexadecimal digits");
        return 0;
      }
    }
    return unit;
  }

  /* Begins a message about the field at hand, if it is the first. */
  private reportsField(): bool {
    if (this.failed) return false;
    this.failed = true;
    if (this.depth == 0) {
      append("the configuration");
      return true;
    }
    append('field "');
    for (let i: u32 = 0; i < this.depth; i++) this.appendStep(i);
    append('"');
    return true;
  }

  private appendStep(depth: u32): void {
    const level = levels + <usize>depth * LEVEL_BYTES;
    const key = load<usize>(level);
    const size = load<u32>(level, 4);
    if (key != 0) {
      if (depth > 0) append(".");
      appendBytes(key, size);
      return;
    }
    append("[");
    appendNumber(size);
    append("]");
  }

  /* The value at the reader's position, cut short. */
  private appendExcerpt(): void {
    const code = this.peek();
    if (code == -1) append("missing");
    else if (code == OPEN_BRACE) append("an object");
    else if (code == OPEN_BRACKET) append("an array");
    else {
      const start = this.at;
      const limit = min(this.end, start + MAX_EXCERPT);
      let end = start + 1;
      while (end < limit) {
        const next = load<u8>(end);
        if (code == QUOTE ? next == QUOTE : next == COMMA || next == CLOSE_BRACE || next == CLOSE_BRACKET) break;
        end++;
      }
      const whole = end < start + MAX_EXCERPT;
      if (whole && code == QUOTE && end < this.end) end++;
      // Never a part of a character, nor the space behind a number.
      if (!whole) while (end > start + 1 && (load<u8>(end) & 0xc0) == 0x80) end--;
      while (end > start + 1 && load<u8>(end - 1) <= 32) end--;
      appendBytes(start, end - start);
      if (!whole) append("…");
    }
  }

  private fault(expected: string): bool {
    if (this.failed) return false;
    this.failed = true;
    append("not JSON: ");
    append(expected);
    append(" expected at byte ");
    appendNumber(<u32>(this.at - this.begin));
    return false;
  }
}
