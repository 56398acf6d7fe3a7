import { setTimeout as sleep } from "node:timers/promises";

/** Asks until there is an answer; throws, naming what was waited for, when there is none in time. */
export async function waitFor<T>(
  what: string,
  ask: () => Promise<T | undefined> | T | undefined,
  { limitMs = 20_000, pollMs = 25 } = {},
): Promise<T> {
  const end = Date.now() + limitMs;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (Date.now() > end) throw new Error(`waited ${limitMs / 1000} s for ${what}`);
    await sleep(pollMs);
  }
}
