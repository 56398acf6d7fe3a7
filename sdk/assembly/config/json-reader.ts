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

const MAX_DEPTH = 32;
const MAX_EXCERPT = 60;
/* Infinity or zero from here on. */
const MAX_EXPONENT = 400;

/**
 * Reads JSON (RFC 8259) in one pass, driven by the class that is being filled. The first fault stays in `error`, with
 * the field, its value and the rule; from then on every loop ends and every value is the default of its type.
 */
export class JsonReader {
  error: string | null = null;
  private at: i32 = 0;
  private key: string = "";
  private readonly path: string[] = [];
  private readonly counts: i32[] = [];

  constructor(private readonly text: string) {}

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
    if (this.peek() != QUOTE) {
      this.fault("a field name in quotes");
      return false;
    }
    this.key = this.quoted();
    if (this.error !== null) return false;
    this.path[this.path.length - 1] = this.key;
    if (this.peek() != COLON) {
      this.fault("':'");
      return false;
    }
    this.at++;
    return true;
  }

  /** Moves to the next item; false at the end of the array. */
  nextItem(): bool {
    if (!this.advance(CLOSE_BRACKET)) return false;
    const last = this.counts.length - 1;
    this.path[last] = "[" + (this.counts[last] - 1).toString() + "]";
    return true;
  }

  isKey(name: string): bool {
    return this.key == name;
  }

  unknown(known: string): void {
    this.report(this.where() + " is unknown; known fields: " + known);
  }

  duplicate(): void {
    this.report(this.where() + " is given twice");
  }

  /** Called when the object that has the field has been read. */
  missing(name: string): void {
    this.path.push(name);
    this.report(this.where() + " is required");
    this.path.pop();
  }

  /** For rules over a whole class (its `validate`). */
  invalid(rule: string): void {
    this.report(this.path.length == 0 ? rule : this.where() + ": " + rule);
  }

  boolean(): bool {
    if (this.error !== null) return false;
    this.peek();
    if (this.word("true")) return true;
    if (!this.word("false")) this.wrong("must be true or false");
    return false;
  }

  /** `rule` says what the bounds mean; the transform writes it. */
  string(least: i32, most: i32, rule: string): string {
    if (this.error !== null) return "";
    if (this.peek() != QUOTE) {
      this.wrong("must be a string");
      return "";
    }
    const start = this.at;
    const value = this.quoted();
    if (this.error === null && (value.length < least || value.length > most)) {
      this.at = start;
      this.wrong(rule);
    }
    return value;
  }

  integer(least: i64, most: i64, rule: string): i64 {
    if (this.error !== null) return 0;
    this.peek();
    const start = this.at;
    const negative = this.code() == MINUS;
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
    if (!isInteger || overflow || value < least || value > most) {
      this.at = start;
      this.wrong(rule);
      return 0;
    }
    return value;
  }

  /** Exact to 15 digits and powers of ten up to 22; beyond that the last digit may be off. */
  number(least: f64, most: f64, rule: string): f64 {
    if (this.error !== null) return 0;
    this.peek();
    const start = this.at;
    const negative = this.code() == MINUS;
    if (negative) this.at++;
    const digits = this.at;
    let value: f64 = 0;
    let exponent = 0;
    for (; this.isDigit(); this.at++) value = value * 10 + <f64>(this.code() - ZERO);
    let valid = this.isNumeral(digits);
    if (this.code() == DOT) {
      const point = ++this.at;
      for (; this.isDigit(); this.at++) value = value * 10 + <f64>(this.code() - ZERO);
      exponent = point - this.at;
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
    if (!valid || !(value >= least && value <= most)) {
      this.at = start;
      this.wrong(rule);
      return 0;
    }
    return value;
  }

  /** Checks the length of the array that was just read. */
  length(count: i32, least: i32, most: i32, rule: string): void {
    if (count < least || count > most) this.report(this.where() + " has " + count.toString() + " items; it " + rule);
  }

  /** Nothing but white space may follow. */
  finish(): void {
    if (this.error === null && this.peek() != -1) this.fault("the end");
  }

  private open(bracket: i32, rule: string): void {
    if (this.error !== null) return;
    if (this.peek() != bracket) {
      this.wrong(rule);
      return;
    }
    if (this.path.length >= MAX_DEPTH) {
      this.report("the configuration is nested too deeply");
      return;
    }
    this.at++;
    this.path.push("");
    this.counts.push(0);
  }

  /* To the next member, over the comma; at the end out of the object or array. */
  private advance(close: i32): bool {
    if (this.error !== null) return false;
    const last = this.counts.length - 1;
    const code = this.peek();
    if (code == close) {
      this.at++;
      this.path.pop();
      this.counts.pop();
      return false;
    }
    if (this.counts[last] > 0) {
      if (code != COMMA) {
        this.fault("','");
        return false;
      }
      this.at++;
    }
    this.counts[last]++;
    return true;
  }

  private code(): i32 {
    return this.at < this.text.length ? this.text.charCodeAt(this.at) : -1;
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
  private isNumeral(start: i32): bool {
    const length = this.at - start;
    return length == 1 || (length > 1 && this.text.charCodeAt(start) != ZERO);
  }

  private word(expected: string): bool {
    if (!this.text.startsWith(expected, this.at)) return false;
    this.at += expected.length;
    return true;
  }

  private quoted(): string {
    let value = "";
    let start = ++this.at;
    while (true) {
      const code = this.code();
      if (code < 32) {
        this.fault("a string's end");
        return "";
      }
      if (code == QUOTE || code == BACKSLASH) value += this.text.substring(start, this.at);
      this.at++;
      if (code == QUOTE) return value;
      if (code == BACKSLASH) {
        value += this.escape();
        start = this.at;
      }
    }
  }

  private escape(): string {
    const code = this.code();
    this.at++;
    switch (code) {
      case QUOTE:
      case BACKSLASH:
      case 47:
        return String.fromCharCode(code);
      case 98:
        return "\b";
      case 102:
        return "\f";
      case 110:
        return "\n";
      case 114:
        return "\r";
      case 116:
        return "\t";
      case 117: {
        let unit = 0;
        for (let i = 0; i < 4; i++, this.at++) {
          const digit = this.code();
          const lower = digit | 32;
          if (<u32>(digit - ZERO) < 10) unit = (unit << 4) | (digit - ZERO);
          else if (<u32>(lower - 97) < 6) unit = (unit << 4) | (lower - 87);
          else {
            this.fault("four hexadecimal digits");
            return "";
          }
        }
        return String.fromCharCode(unit);
      }
      default:
        this.fault("a known escape");
        return "";
    }
  }

  private where(): string {
    let path = "";
    for (let i = 0; i < this.path.length; i++) {
      const step = this.path[i];
      path += i > 0 && !step.startsWith("[") ? "." + step : step;
    }
    return path.length == 0 ? "the configuration" : 'field "' + path + '"';
  }

  /* The value at the reader's position, cut short. */
  private excerpt(): string {
    const code = this.peek();
    if (code == -1) return "missing";
    if (code == OPEN_BRACE) return "an object";
    if (code == OPEN_BRACKET) return "an array";
    let end = this.at + 1;
    for (; end < this.text.length && end - this.at < MAX_EXCERPT; end++) {
      const next = this.text.charCodeAt(end);
      if (code == QUOTE ? next == QUOTE : next == COMMA || next == CLOSE_BRACE || next == CLOSE_BRACKET) break;
    }
    const whole = end - this.at < MAX_EXCERPT;
    return this.text.substring(this.at, code == QUOTE && whole ? end + 1 : end).trim() + (whole ? "" : "…");
  }

  private wrong(rule: string): void {
    this.report(this.where() + " is " + this.excerpt() + "; it " + rule);
  }

  private fault(expected: string): void {
    this.report("not JSON: " + expected + " expected at character " + this.at.toString());
  }

  private report(message: string): void {
    if (this.error === null) this.error = message;
  }
}
