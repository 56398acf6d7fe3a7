import type { DemoContext } from "./demo-context.js";

/** What a check saw. */
export interface Observation {
  readonly observed: string;
  readonly ok: boolean;
}

/** One row of the demonstration: what should be, and how to see whether it is. */
export interface Check {
  readonly name: string;
  readonly expected: string;
  run(context: DemoContext): Promise<Observation>;
}

export interface Row extends Observation {
  readonly name: string;
  readonly expected: string;
}

/** Runs a check; one that throws has failed, and what it says is what was observed. */
export async function runCheck(check: Check, context: DemoContext): Promise<Row> {
  const { name, expected } = check;
  try {
    return { name, expected, ...(await check.run(context)) };
  } catch (error) {
    return { name, expected, observed: error instanceof Error ? error.message : String(error), ok: false };
  }
}
