import { config, max, Regex } from "@weft/sdk";

/** How values are compared: exactly one of exact, prefix, suffix, regex and present. */
@config
export class TextMatch {
  /** The whole value. */
  @max(1024) exact: string = "";
  /** How it begins. */
  @max(1024) prefix: string = "";
  /** How it ends. */
  @max(1024) suffix: string = "";
  /** A regular expression that the whole value matches; RE2's syntax, without flags and word boundaries. */
  @max(1024) regex: string = "";
  /** Any value, also an empty one. */
  present: bool = false;
  /** Turns the result round: then it holds where no value matches, also where there is none. */
  not: bool = false;

  validate(): string | null {
    const given =
      <i32>(this.exact != "") +
      <i32>(this.prefix != "") +
      <i32>(this.suffix != "") +
      <i32>(this.regex != "") +
      <i32>this.present;
    if (given != 1) return "give exactly one of exact, prefix, suffix, regex and present: true";
    if (this.regex == "") return null;
    const fault = Regex.check(this.regex);
    return fault === null ? null : 'regex "' + this.regex + '" cannot be used: ' + fault;
  }
}

/** A TextMatch, ready for use. */
export class TextMatcher {
  readonly not: bool;
  private readonly present: bool;
  private readonly exact: string;
  private readonly prefix: string;
  private readonly suffix: string;
  private regex: Regex | null = null;

  constructor(match: TextMatch) {
    this.not = match.not;
    this.present = match.present;
    this.exact = match.exact;
    this.prefix = match.prefix;
    this.suffix = match.suffix;
    if (match.regex != "") this.regex = new Regex(match.regex);
  }

  /** Whether one value matches; `not` is left to the caller, who knows all values. */
  matches(value: string): bool {
    if (this.present) return true;
    const regex = this.regex;
    if (regex !== null) return regex.matches(value);
    if (this.prefix != "") return value.startsWith(this.prefix);
    return this.suffix != "" ? value.endsWith(this.suffix) : value == this.exact;
  }

  matchesOne(values: string[]): bool {
    for (let i = 0; i < values.length; i++) if (this.matches(values[i])) return true;
    return false;
  }
}
