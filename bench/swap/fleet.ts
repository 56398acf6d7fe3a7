import type { ResourceType } from "@weft/control-plane/model/resource";
import { type ClientResponse, createDeltaClient, type DeltaClient, type DeltaClientOptions } from "./delta-client.js";

export interface FleetOptions {
  readonly clients: number;
  readonly host: string;
  readonly port: number;
  readonly identify: (index: number) => Promise<Pick<DeltaClientOptions, "nodeId" | "identity">>;
}

export interface FleetProgress {
  /** Clients that have all that they asked for. */
  readonly complete: number;
  /** Why streams ended, the first few. */
  readonly lost: readonly string[];
}

/** What came to the simulated sidecars since the last mark. Times are of `clockMs`. */
export interface FleetReport {
  /** Clients that got a slot in another version than they had. */
  readonly swapped: number;
  readonly firstMs?: number;
  readonly lastMs?: number;
  /** The versions that came, by slot: one each if all got the same. */
  readonly versions: Readonly<Record<string, readonly string[]>>;
  /** Bytes of responses by type, without transport. */
  readonly bytes: Partial<Readonly<Record<ResourceType, number>>>;
  /** Everything that came over the connections, TLS and HTTP/2 included. */
  readonly wireBytes: number;
  /** Streams that ended since the start. */
  readonly lost: number;
}

export interface Fleet {
  /** Every client has been started; rejects if one cannot get its identity. */
  readonly connected: Promise<void>;
  progress(): FleetProgress;
  mark(): void;
  report(): FleetReport;
}

/** Clients that are on their way at a time. */
const CONNECTING = 20;
const POLL_MS = 5;
const MAX_REASONS = 5;

/** Many simulated sidecars. A stream that ends is not opened again: in a measurement, none may. */
export function createFleet({ clients, host, port, identify }: FleetOptions): Fleet {
  const all: DeltaClient[] = [];
  const reasons: string[] = [];
  let lost = 0;
  let swapped = new Set<number>();
  let firstMs: number | undefined;
  let lastMs: number | undefined;
  let versions = new Map<string, Set<string>>();
  let bytes: Partial<Record<ResourceType, number>> = {};
  let wireBytesBefore = 0;

  const wireBytes = (): number => all.reduce((sum, client) => sum + client.receivedBytes, 0);
  const complete = (): number => all.reduce((sum, client) => sum + (client.isComplete ? 1 : 0), 0);

  const take = (index: number, response: ClientResponse): void => {
    bytes[response.type] = (bytes[response.type] ?? 0) + response.bytes;
    if (response.changedSlots.length === 0) return;
    firstMs ??= response.atMs;
    lastMs = response.atMs;
    swapped.add(index);
    for (const { name, version } of response.changedSlots)
      versions.set(name, (versions.get(name) ?? new Set()).add(version));
  };
  const connect = async (): Promise<void> => {
    for (let index = 0; index < clients; index++) {
      const identity = await identify(index);
      while (all.length - complete() - lost >= CONNECTING) await new Promise((done) => setTimeout(done, POLL_MS));
      all.push(
        createDeltaClient({
          ...identity,
          host,
          port,
          onResponse: (response) => take(index, response),
          onEnd: (reason) => {
            lost++;
            if (reasons.length < MAX_REASONS) reasons.push(`${identity.nodeId}: ${reason}`);
          },
        }),
      );
    }
  };

  return {
    connected: connect(),
    progress: () => ({ complete: complete(), lost: reasons }),
    mark: () => {
      swapped = new Set();
      firstMs = undefined;
      lastMs = undefined;
      versions = new Map();
      bytes = {};
      wireBytesBefore = wireBytes();
    },
    report: () => ({
      swapped: swapped.size,
      ...(firstMs === undefined ? {} : { firstMs }),
      ...(lastMs === undefined ? {} : { lastMs }),
      versions: Object.fromEntries([...versions].map(([name, set]) => [name, [...set].sort()])),
      bytes,
      wireBytes: wireBytes() - wireBytesBefore,
      lost,
    }),
  };
}
