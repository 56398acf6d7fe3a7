import type { ChangedNames } from "../model/resource.js";
import type { Snapshot } from "../model/snapshot.js";
import type { IncrementalTranslation } from "../translate/incremental.js";
import type { ResourceProvider } from "./provider.js";

/** Serves an incremental translation to streams; a proxy may have more than one while it reconnects. */
export interface TranslationProvider extends ResourceProvider {
  /** Moves the translation on and tells the streams. Returns what changed, by proxy. */
  apply(next: Snapshot): ReadonlyMap<string, ChangedNames>;
}

export function createTranslationProvider(translation: IncrementalTranslation): TranslationProvider {
  const streams = new Map<string, Set<(names: ChangedNames) => void>>();
  return {
    connect(proxyKey, onChange, protocol) {
      const view = translation.attach(proxyKey, protocol);
      if (view === undefined) return undefined;
      let listeners = streams.get(proxyKey);
      if (listeners === undefined) {
        listeners = new Set();
        streams.set(proxyKey, listeners);
      }
      listeners.add(onChange);
      return {
        view: () => view,
        demand: (clusters) => translation.demand(proxyKey, clusters),
        close() {
          const left = streams.get(proxyKey);
          if (left === undefined || !left.delete(onChange) || left.size > 0) return;
          streams.delete(proxyKey);
          translation.detach(proxyKey);
        },
      };
    },
    apply(next) {
      const changed = translation.apply(next);
      for (const [proxyKey, names] of changed) for (const notify of streams.get(proxyKey) ?? []) notify(names);
      return changed;
    },
  };
}
