import { quantile } from "../measure/statistics.js";
import type { Column } from "../measure/table.js";
import type { Fault, FaultSample, SwapSample } from "./samples.js";

export interface Row {
  readonly name: string;
  /** Over all swaps. */
  readonly median: string;
  readonly worst: string;
  readonly faults: readonly string[];
}

const NONE = "–";

const FAULT_TITLES: Readonly<Record<Fault, string>> = {
  "not-found": "tag is not there (404)",
  "error-500": "registry answers 500",
  down: "registry is down",
};

interface Measure {
  readonly name: string;
  readonly swap: (sample: SwapSample) => number | undefined;
  readonly fault?: (sample: FaultSample) => number;
  /** Absent: numbers as they are. */
  readonly format?: (value: number) => string;
  /** Which end of the values is the bad one. */
  readonly worst: "highest" | "lowest";
}

const ms = (value: number): string => value.toFixed(0);
const kb = (value: number): string => (value / 1000).toFixed(1);
const count = (value: number): string => String(Math.round(value));

/** The result, one measure a row: pushes of a new version, and beside them each fault. */
export function rows(
  swaps: readonly SwapSample[],
  faults: readonly FaultSample[],
  envoys: number,
  clients: number,
): Row[] {
  const perEnvoy = (bytes: number): number => bytes / envoys;
  const perClient = (bytes: number): number => bytes / clients;
  const measures: readonly Measure[] = [
    {
      name: `Envoys that changed, of ${envoys}`,
      swap: (s) => s.envoysApplied,
      fault: (f) => f.envoysChanged,
      worst: "lowest",
    },
    {
      name: `simulated that changed, of ${clients}`,
      swap: (s) => s.clientsApplied,
      fault: (f) => f.clientsChanged,
      worst: "lowest",
    },
    { name: "control plane begins to send, ms", swap: (s) => s.acceptedMs, format: ms, worst: "highest" },
    { name: "first Envoy answers by it, ms", swap: (s) => s.firstEnvoyMs, format: ms, worst: "highest" },
    { name: "last Envoy answers by it, ms", swap: (s) => s.lastEnvoyMs, format: ms, worst: "highest" },
    { name: "last answer by the old version, ms", swap: (s) => s.lastOldAnswerMs, format: ms, worst: "highest" },
    { name: "first simulated has it, ms", swap: (s) => s.firstClientMs, format: ms, worst: "highest" },
    { name: "last simulated has it, ms", swap: (s) => s.lastClientMs, format: ms, worst: "highest" },
    { name: "all have acknowledged, ms", swap: (s) => s.lastAckMs, format: ms, worst: "highest" },
    { name: "the status says so, ms", swap: () => undefined, fault: (f) => f.toldMs, format: ms, worst: "highest" },
    { name: "requests", swap: (s) => s.requests, fault: (f) => f.requests, worst: "lowest" },
    { name: "failed", swap: (s) => s.failed, fault: (f) => f.failed, worst: "highest" },
    { name: "unfiltered", swap: (s) => s.unfiltered, fault: (f) => f.unfiltered, worst: "highest" },
    {
      name: "sent to an Envoy, KB",
      swap: (s) => perEnvoy(s.envoyBytes),
      fault: (f) => perEnvoy(f.envoyBytes),
      format: kb,
      worst: "highest",
    },
    {
      name: "sent to a simulated one, KB",
      swap: (s) => perClient(s.clientBytes),
      fault: (f) => perClient(f.clientBytes),
      format: kb,
      worst: "highest",
    },
    {
      name: "the same with HTTP/2 and TLS, KB",
      swap: (s) => perClient(s.clientWireBytes),
      fault: (f) => perClient(f.clientWireBytes),
      format: kb,
      worst: "highest",
    },
    {
      name: "sent to all, KB",
      swap: (s) => s.envoyBytes + s.clientBytes,
      fault: (f) => f.envoyBytes + f.clientBytes,
      format: kb,
      worst: "highest",
    },
  ];
  return measures.map(({ name, swap, fault, worst, format = count }) => {
    const values = swaps.map(swap).filter((value) => value !== undefined);
    // A swap that has no value where others have one was not done: there is no median to speak of.
    const some = values.length > 0 && values.length === swaps.length;
    const end = worst === "highest" ? Math.max(...values) : Math.min(...values);
    return {
      name,
      median: some ? format(quantile(values, 0.5)) : NONE,
      worst: some ? format(end) : NONE,
      faults: faults.map((sample) => (fault === undefined ? NONE : format(fault(sample)))),
    };
  });
}

export function columns(swaps: number, faults: readonly FaultSample[]): Column<Row>[] {
  return [
    { title: "", cell: ({ name }) => name },
    { title: `new version, median of ${swaps}`, cell: ({ median }) => median, right: true },
    { title: "worst", cell: ({ worst }) => worst, right: true },
    ...faults.map(
      ({ fault }, index): Column<Row> => ({
        title: FAULT_TITLES[fault],
        cell: (row) => row.faults[index] ?? NONE,
        right: true,
      }),
    ),
  ];
}

/** What is not as it must be, one sentence each; empty: all is. */
export function shortcomings(
  swaps: readonly SwapSample[],
  faults: readonly FaultSample[],
  envoys: number,
  clients: number,
): string[] {
  const traffic = (name: string, s: SwapSample | FaultSample): string[] => [
    ...(s.requests === 0 ? [`${name}: there were no requests`] : []),
    ...(s.failed > 0 ? [`${name}: ${s.failed} of ${s.requests} requests failed (${s.failures.join("; ")})`] : []),
    ...(s.unfiltered > 0 ? [`${name}: ${s.unfiltered} of ${s.requests} requests were not filtered`] : []),
    ...(s.lostStreams > 0 ? [`${name}: ${s.lostStreams} simulated sidecars lost their streams`] : []),
  ];
  return [
    ...swaps.flatMap((s, i) => {
      const name = `swap ${i + 1}`;
      return [
        ...traffic(name, s),
        ...(s.envoysApplied < envoys ? [`${name}: ${envoys - s.envoysApplied} Envoys did not change`] : []),
        ...(s.clientsApplied < clients
          ? [`${name}: ${clients - s.clientsApplied} simulated sidecars did not change`]
          : []),
        ...(s.lastAckMs === undefined ? [`${name}: not all proxies acknowledged`] : []),
        ...(s.refusedBy > 0 ? [`${name}: ${s.refusedBy} proxies refused it`] : []),
        ...(s.unequalSlots > 0
          ? [`${name}: simulated sidecars got different versions of ${s.unequalSlots} slots`]
          : []),
      ];
    }),
    ...faults.flatMap((f) => {
      const name = FAULT_TITLES[f.fault];
      const changed = f.envoysChanged + f.clientsChanged;
      const bytes = f.envoyBytes + f.clientBytes;
      return [
        ...traffic(name, f),
        ...(changed > 0 ? [`${name}: ${changed} proxies changed`] : []),
        ...(bytes > 0 ? [`${name}: ${bytes} bytes were sent to proxies`] : []),
      ];
    }),
  ];
}
