/*
 * What a module asks of its host: counted by name; where a test wants so, refused or preceded
 * by something else. It stands between the engine and
 * the host, so it must be there before the module is loaded.
 */
type HostFunction = (...args: unknown[]) => unknown;
type Imports = Record<string, Record<string, unknown>>;
type Instantiate = new (module: object, imports?: Imports) => object;

export class HostCalls {
  /** Calls since the last reset. */
  readonly counts = new Map<string, number>();
  /** Status that a function answers with in place of the host, so many times. */
  readonly refusals = new Map<string, { status: number; times: number }>();
  /** What happens, once, before a function is called. */
  readonly before = new Map<string, () => void>();
  readonly #engine = (globalThis as unknown as { WebAssembly: { Instance: Instantiate } }).WebAssembly;
  readonly #original: Instantiate;

  constructor() {
    const original = this.#engine.Instance;
    const calls = this;
    this.#original = original;
    this.#engine.Instance = class extends original {
      constructor(module: object, imports: Imports = {}) {
        super(module, calls.#wrapped(imports));
      }
    };
  }

  /** Counts by name, sorted, and starts anew. */
  take(): Record<string, number> {
    const counts = Object.fromEntries([...this.counts].sort(([a], [b]) => (a < b ? -1 : 1)));
    this.counts.clear();
    return counts;
  }

  restore(): void {
    this.#engine.Instance = this.#original;
  }

  #wrapped(imports: Imports): Imports {
    return Object.fromEntries(
      Object.entries(imports).map(([module, functions]) => [
        module,
        Object.fromEntries(
          Object.entries(functions).map(([name, value]) => [
            name,
            typeof value === "function" ? this.#counting(name, value as HostFunction) : value,
          ]),
        ),
      ]),
    );
  }

  #counting(name: string, call: HostFunction): HostFunction {
    return (...args) => {
      this.counts.set(name, (this.counts.get(name) ?? 0) + 1);
      const act = this.before.get(name);
      this.before.delete(name);
      act?.();
      const refusal = this.refusals.get(name);
      if (refusal === undefined || refusal.times === 0) return call(...args);
      refusal.times--;
      return refusal.status;
    };
  }
}
