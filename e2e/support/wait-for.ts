import { setTimeout as sleep } from "node:timers/promises";

/** Long enough for a slow, shared machine; a test that passes does not wait for it. */
const LIMIT_MS = 60_000;
const POLL_MS = 50;

/** Asks until there is an answer. Throws, naming what was waited for and what was seen last, when there is none in time. */
export async function waitFor<T>(
  what: string,
  ask: () => Promise<T | undefined> | T | undefined,
  { limitMs = LIMIT_MS, seen = () => "" }: { limitMs?: number; seen?: () => string } = {},
): Promise<T> {
  const end = Date.now() + limitMs;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (Date.now() > end) throw new Error(`waited ${limitMs / 1000} s for ${what}\n${seen()}`);
    await sleep(POLL_MS);
  }
}
