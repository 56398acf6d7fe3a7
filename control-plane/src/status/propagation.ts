import type { ResourceType } from "../model/resource.js";

/** A change that reached every proxy it is for. */
export interface Propagated {
  /** What changed, for people. */
  readonly cause: string;
  /** Proxies that it was for. */
  readonly proxies: number;
  /** Of these, those that refused a part of it. */
  readonly rejected: number;
  readonly tookMs: number;
}

/** Follows changes from the moment they are known until the last proxy has answered. Times are given, not read. */
export interface Propagation {
  /** `expected` has, by proxy, the version of each resource that it should come to have. */
  begin(cause: string, expected: ReadonlyMap<string, ReadonlyMap<string, string>>, nowMs: number): void;
  acked(proxyKey: string, type: ResourceType, versions: ReadonlyMap<string, string>, nowMs: number): Propagated[];
  nacked(proxyKey: string, type: ResourceType, versions: ReadonlyMap<string, string>, nowMs: number): Propagated[];
  /** The proxy went, or asks for nothing of this: it is not waited for. */
  gone(proxyKey: string, nowMs: number): Propagated[];
}

interface Change {
  readonly cause: string;
  readonly beganMs: number;
  proxies: number;
  readonly waiting: Map<string, Map<string, string>>;
  readonly rejectedBy: Set<string>;
}

/** How a resource is named in `expected`. */
export function propagationKey(type: ResourceType, name: string): string {
  return `${type} ${name}`;
}

/** A change that nobody answered for so long is forgotten. */
const FORGET_AFTER_MS = 60_000;

/** @param onProxyDone called when a proxy has answered for all that one change brought it */
export function createPropagation(onProxyDone: (tookMs: number) => void = () => {}): Propagation {
  let changes: Change[] = [];

  const settle = (nowMs: number, edit: (change: Change) => void): Propagated[] => {
    const done: Propagated[] = [];
    changes = changes.filter((change) => {
      edit(change);
      if (change.waiting.size > 0) return nowMs - change.beganMs < FORGET_AFTER_MS;
      const { cause, proxies, rejectedBy, beganMs } = change;
      done.push({ cause, proxies, rejected: rejectedBy.size, tookMs: nowMs - beganMs });
      return false;
    });
    return done;
  };

  const answered = (
    proxyKey: string,
    type: ResourceType,
    versions: ReadonlyMap<string, string>,
    nowMs: number,
    onMatch: (change: Change) => void,
  ) =>
    settle(nowMs, (change) => {
      const names = change.waiting.get(proxyKey);
      if (names === undefined) return;
      for (const [name, version] of versions) {
        const key = propagationKey(type, name);
        if (names.get(key) !== version) continue;
        names.delete(key);
        onMatch(change);
      }
      if (names.size > 0) return;
      change.waiting.delete(proxyKey);
      onProxyDone(nowMs - change.beganMs);
    });

  return {
    begin(cause, expected, nowMs) {
      // What an older change still waits for under the same name will not come any more.
      for (const change of changes)
        for (const [proxyKey, names] of expected)
          for (const key of names.keys()) change.waiting.get(proxyKey)?.delete(key);
      for (const change of changes)
        for (const [proxyKey, names] of change.waiting) if (names.size === 0) change.waiting.delete(proxyKey);
      changes = changes.filter((change) => change.waiting.size > 0);

      const waiting = new Map(
        [...expected].filter(([, n]) => n.size > 0).map(([proxyKey, n]) => [proxyKey, new Map(n)]),
      );
      if (waiting.size > 0)
        changes.push({ cause, beganMs: nowMs, proxies: waiting.size, waiting, rejectedBy: new Set() });
    },
    acked: (proxyKey, type, versions, nowMs) => answered(proxyKey, type, versions, nowMs, () => {}),
    nacked: (proxyKey, type, versions, nowMs) =>
      answered(proxyKey, type, versions, nowMs, (change) => change.rejectedBy.add(proxyKey)),
    gone(proxyKey, nowMs) {
      // A change that nobody is left for has reached nobody.
      changes = changes.filter((change) => change.proxies > 1 || !change.waiting.has(proxyKey));
      return settle(nowMs, (change) => {
        if (change.waiting.delete(proxyKey)) change.proxies--;
      });
    },
  };
}
