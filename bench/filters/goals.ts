import type { Spread } from "../measure/statistics.js";

/** Something that is to stay below a limit. */
export interface Goal {
  name: string;
  unit: string;
  limit: number;
  /** Whether the limit itself is still good. */
  inclusive: boolean;
  /** A limit that would be better still. */
  stretch?: number;
  /** Absent: not measured, because something was left out. */
  value?: number;
  /** A quarter of the rounds below, a quarter above. */
  low?: number;
  high?: number;
}

export type Verdict = "met" | "stretch met" | "not met" | "not measured";

/** What the goals look at. Absent: not measured. */
export interface Findings {
  /** Cost of our filter as a multiple of another's, by the other's name. */
  ratios: Readonly<Record<"rust" | "c" | "c-bare" | "gcore", Spread | undefined>>;
  moduleBytes: number | undefined;
  /** Memory of Envoy with our filters beyond that with those in C, in bytes. */
  residentBytesOverC: Spread | undefined;
  /** What each plugin adds to a request, in microseconds. */
  plugins: readonly { name: string; cost: Spread | undefined }[];
}

export function goals({ ratios, moduleBytes, residentBytesOverC, plugins }: Findings): Goal[] {
  const times = (other: keyof typeof ratios, limit: number, stretch?: number): Goal => ({
    name: `cost of a filter, as a multiple of ${other}'s`,
    unit: "×",
    limit,
    inclusive: true,
    ...(stretch === undefined ? {} : { stretch }),
    ...measured(ratios[other]),
  });
  const module = moduleBytes === undefined ? {} : { value: moduleBytes / 1000 };
  return [
    times("rust", 1),
    times("c", 1.6, 1.3),
    times("c-bare", 1.6, 1.3),
    times("gcore", 0.5),
    { name: "size of the module", unit: "KB", limit: 12, inclusive: false, ...module },
    { name: "memory of Envoy beyond c's", unit: "MB", limit: 3, inclusive: true, ...measured(residentBytesOverC, 1e6) },
    ...plugins.map(({ name, cost }) => ({
      name: `cost of ${name} for a request`,
      unit: "µs",
      limit: 10,
      inclusive: false,
      ...measured(cost),
    })),
  ];
}

function measured(found: Spread | undefined, unit = 1): Pick<Goal, "value" | "low" | "high"> {
  if (found === undefined) return {};
  return { value: found.median / unit, low: found.low / unit, high: found.high / unit };
}

export function verdict({ value, limit, inclusive, stretch }: Goal): Verdict {
  if (value === undefined) return "not measured";
  if (stretch !== undefined && value <= stretch) return "stretch met";
  return value < limit || (inclusive && value === limit) ? "met" : "not met";
}
