/** The function, of which at most `count` calls run at a time; the others wait in the order of their calls. */
export function limited<A extends readonly unknown[], R>(
  count: number,
  run: (...args: A) => Promise<R>,
): (...args: A) => Promise<R> {
  let running = 0;
  const waiting: (() => void)[] = [];
  return async (...args) => {
    if (running < count) running++;
    // Whoever ends hands its place on.
    else await new Promise<void>((resume) => waiting.push(resume));
    try {
      return await run(...args);
    } finally {
      const next = waiting.shift();
      if (next === undefined) running--;
      else next();
    }
  };
}
