import { Automaton } from "./automaton";
import { Parser } from "./parser";
import { Program } from "./program";

/**
 * A regular expression in a part of RE2's syntax: characters, `.` (all but a line feed), classes, `\d \w \s` and their
 * complements (ASCII), `^ $` (the text's ends), `|`, groups, `* + ? {n} {n,} {n,m}`. Matching takes time linear in the
 * text, whatever the expression, and allocates nothing once the texts are like those before. It works on code points.
 */
export class Regex {
  private readonly program: Program;
  private whole: Automaton | null = null;
  private part: Automaton | null = null;

  /** What is wrong with an expression, with the position from 1 on; null where it can be used. */
  static check(expression: string): string | null {
    const parser = new Parser(expression);
    const parsed = parser.parse();
    if (parser.fault !== null) return parser.fault;
    if (new Program(parsed).tooLarge) {
      return "it is too large: at most 1000 steps, repetitions counted, and 255 kinds of characters";
    }
    return null;
  }

  /** Traps where `check` finds something wrong. Compile when the plugin is configured, not for each request. */
  constructor(readonly expression: string) {
    const parser = new Parser(expression);
    const parsed = parser.parse();
    const fault = parser.fault;
    if (fault !== null) throw new Error("regular expression " + expression + ": " + fault);
    this.program = new Program(parsed);
    if (this.program.tooLarge) throw new Error("regular expression " + expression + " is too large");
  }

  /** Whether the expression matches the text as a whole, as in Envoy's and Istio's `regex`. */
  matches(text: string): bool {
    let automaton = this.whole;
    if (automaton === null) {
      automaton = new Automaton(this.program, false);
      this.whole = automaton;
    }
    return automaton.run(text);
  }

  /** Whether the expression matches somewhere in the text. */
  search(text: string): bool {
    let automaton = this.part;
    if (automaton === null) {
      automaton = new Automaton(this.program, true);
      this.part = automaton;
    }
    return automaton.run(text);
  }

  /** The work of all matches so far: characters taken and instructions visited. */
  get steps(): u64 {
    const whole = this.whole;
    const part = this.part;
    return (whole === null ? 0 : whole.steps) + (part === null ? 0 : part.steps);
  }
}
