/** The user has had enough; not a failure. */
export class Interrupted extends Error {
  override readonly name = "Interrupted";
  readonly code = "interrupted";
}

/** Aborts at the first SIGINT, SIGTERM or SIGHUP, so that all is ended in order; a second one ends the process at once. */
export function interruptSignal(): AbortSignal {
  const controller = new AbortController();
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
    process.on(name, () => {
      if (controller.signal.aborted) process.exit(130);
      controller.abort(new Interrupted(`ended by ${name}`));
    });
  return controller.signal;
}

/** The promise's result, or the signal's reason if that comes first. */
export async function orInterrupted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  let stop = () => {};
  const interrupted = new Promise<never>((_done, fail) => {
    stop = () => fail(signal.reason);
    if (signal.aborted) stop();
    else signal.addEventListener("abort", stop);
  });
  try {
    return await Promise.race([work, interrupted]);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}
