import { fork } from "node:child_process";
import { once } from "node:events";

interface Call {
  readonly id: number;
  readonly method: string;
  readonly argument: unknown;
}

interface Answer {
  readonly id: number;
  readonly value?: unknown;
  readonly error?: string;
}

/** A part of the measurement in a process of its own, so that it neither delays nor is delayed by the others. */
export interface Child<Methods extends ChildMethods<Methods>> {
  call<Name extends keyof Methods & string>(
    name: Name,
    argument: Parameters<Methods[Name]>[0],
  ): Promise<Awaited<ReturnType<Methods[Name]>>>;
  stop(): Promise<void>;
}

export type ChildMethods<Methods> = { [Name in keyof Methods]: (argument: never) => unknown };

/** Something that was started for the measurement ended by itself. */
export class ChildEndedError extends Error {
  readonly code = "CHILD_ENDED";
}

/** Starts a module that calls `serveParent`. It ends with us. */
export function startChild<Methods extends ChildMethods<Methods>>(module: URL, what: string): Child<Methods> {
  const child = fork(module, { stdio: ["ignore", "inherit", "inherit", "ipc"] });
  const waiting = new Map<number, { done: (value: unknown) => void; fail: (error: Error) => void }>();
  let nextId = 0;
  let ended: Error | undefined;
  child.on("message", ({ id, value, error }: Answer) => {
    const call = waiting.get(id);
    waiting.delete(id);
    if (error === undefined) call?.done(value);
    else call?.fail(new Error(`${what}: ${error}`));
  });
  const end = (how: string): void => {
    ended ??= new ChildEndedError(`${what} ended: ${how}`);
    for (const { fail } of waiting.values()) fail(ended);
    waiting.clear();
  };
  child.on("error", (error) => end(error.message));
  child.on("exit", (code, signal) => end(signal ?? `exit code ${code}`));
  return {
    call: (method, argument) =>
      new Promise((done, fail) => {
        if (ended !== undefined) return fail(ended);
        const id = nextId++;
        // What comes back is what the method of this name returns.
        waiting.set(id, { done: done as (value: unknown) => void, fail });
        child.send({ id, method, argument } satisfies Call);
      }),
    stop: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exit = once(child, "exit");
      child.kill("SIGKILL");
      await exit;
    },
  };
}

/** In the child: answers the parent's calls until it goes. */
export function serveParent<Methods extends ChildMethods<Methods>>(methods: Methods): void {
  // The parent ends us, in its own time.
  for (const name of ["SIGINT", "SIGTERM"] as const) process.on(name, () => {});
  process.on("disconnect", () => process.exit());
  const byName: ReadonlyMap<string, unknown> = new Map(Object.entries(methods));
  process.on("message", ({ id, method, argument }: Call) => {
    void (async () => {
      const answer: Answer = await Promise.resolve()
        .then(() => {
          const run = byName.get(method);
          if (typeof run !== "function") throw new Error(`there is no method ${method}`);
          return run(argument) as unknown;
        })
        .then(
          (value) => ({ id, value }),
          (error: unknown) => ({ id, error: error instanceof Error ? error.message : String(error) }),
        );
      if (process.connected) process.send?.(answer);
    })();
  });
}
