import { OTHER } from "./text";

/** Lets the first so many different values through; all later ones are `other`. */
export class Distinct {
  private readonly seen: Set<string> = new Set<string>();
  /** Values that were not let through. */
  refused: u64 = 0;

  constructor(private readonly limit: i32) {}

  admit(value: string): string {
    if (this.seen.has(value)) return value;
    if (this.seen.size >= this.limit) {
      this.refused++;
      return OTHER;
    }
    this.seen.add(value);
    return value;
  }
}
