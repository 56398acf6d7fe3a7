import { Status } from "./status.js";

/** The three kinds of metric. */
export type MetricKind = "counter" | "gauge" | "histogram";

const KINDS: readonly MetricKind[] = ["counter", "gauge", "histogram"];
const TYPE_MASK = 3;
const ID_STEP = 4;
const MAX_U64 = (1n << 64n) - 1n;

/** The stats of the process. Envoy puts `wasmcustom.` before each name. */
export class MetricStore {
  readonly #values = new Map<string, bigint>();
  readonly #histograms = new Map<string, bigint[]>();

  /** Value of a counter or gauge; undefined where none of that name was defined. */
  value(name: string): bigint | undefined {
    return this.#values.get(`counter ${name}`) ?? this.#values.get(`gauge ${name}`);
  }

  /** What was recorded in a histogram, in order. */
  samples(name: string): readonly bigint[] | undefined {
    return this.#histograms.get(name);
  }

  /** Everything, by name. */
  all(): Record<string, bigint | readonly bigint[]> {
    const values = [...this.#values].map(([key, value]) => [key.slice(key.indexOf(" ") + 1), value] as const);
    const sorted = [...values, ...this.#histograms].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
    return Object.fromEntries(sorted);
  }

  /** @internal */
  define(kind: MetricKind, name: string): void {
    if (kind === "histogram") this.#histograms.set(name, this.#histograms.get(name) ?? []);
    else this.#values.set(`${kind} ${name}`, this.#values.get(`${kind} ${name}`) ?? 0n);
  }

  /** @internal */
  read(kind: MetricKind, name: string): bigint {
    return this.#values.get(`${kind} ${name}`) ?? 0n;
  }

  /** @internal */
  write(kind: MetricKind, name: string, value: bigint): void {
    if (kind === "histogram") this.#histograms.get(name)?.push(value);
    else this.#values.set(`${kind} ${name}`, value & MAX_U64);
  }
}

/** The metric ids of one VM: the kind in the two low bits, a new id for every definition. */
export class MetricTable {
  readonly #store: MetricStore;
  readonly #names = new Map<number, string>();
  readonly #next = [0, 1, 2];

  constructor(store: MetricStore) {
    this.#store = store;
  }

  /** The id, and whether this VM had this metric already. Undefined for an unknown type. */
  define(type: number, name: string): { id: number; again: boolean } | undefined {
    const kind = KINDS[type];
    if (kind === undefined) return undefined;
    const again = [...this.#names].some(([id, known]) => known === name && (id & TYPE_MASK) === type);
    const id = (this.#next[type] ?? 0) + ID_STEP;
    this.#next[type] = id;
    this.#names.set(id, name);
    this.#store.define(kind, name);
    return { id, again };
  }

  increment(id: number, delta: bigint): number {
    const found = this.#find(id);
    if (found === undefined) return (id & TYPE_MASK) < 2 ? Status.NotFound : Status.BadArgument;
    const { kind, name } = found;
    if (kind === "histogram" || (kind === "counter" && delta <= 0n)) return Status.BadArgument;
    this.#store.write(kind, name, this.#store.read(kind, name) + delta);
    return Status.Ok;
  }

  /** Adds to a counter, sets a gauge, records in a histogram. */
  record(id: number, value: bigint): number {
    const found = this.#find(id);
    if (found === undefined) return Status.NotFound;
    const { kind, name } = found;
    this.#store.write(kind, name, kind === "counter" ? this.#store.read(kind, name) + value : value);
    return Status.Ok;
  }

  get(id: number): bigint | number {
    const found = this.#find(id);
    if (found === undefined) return (id & TYPE_MASK) < 2 ? Status.NotFound : Status.BadArgument;
    return found.kind === "histogram" ? Status.BadArgument : this.#store.read(found.kind, found.name);
  }

  #find(id: number): { kind: MetricKind; name: string } | undefined {
    const kind = KINDS[id & TYPE_MASK];
    const name = this.#names.get(id);
    return kind === undefined || name === undefined ? undefined : { kind, name };
  }
}
