import { AnyRootContext, Context, RootContext } from "./contexts";

/** How the contexts of one plugin are made. */
export abstract class Registration {
  next: Registration | null = null;

  constructor(readonly rootId: string) {}

  abstract createRoot(): AnyRootContext;
  abstract createStream(root: AnyRootContext): Context;
}

class PluginRegistration<T extends Context, R extends AnyRootContext> extends Registration {
  createRoot(): AnyRootContext {
    return instantiate<R>();
  }

  createStream(root: AnyRootContext): Context {
    const stream = instantiate<T>();
    // @ts-expect-error: both kinds of stream have it
    stream.root = changetype<R>(root);
    return stream;
  }
}

/** The plugins of the module, in order. */
export let registrations: Registration | null = null;
let last: Registration | null = null;

export function addRegistration(registration: Registration): void {
  const previous = last;
  if (previous === null) registrations = registration;
  else previous.next = registration;
  last = registration;
}

/**
 * Makes a plugin of the module known, at its top level. T is an HttpContext<C> or a StreamContext<C>. A module may hold
 * several plugins; Envoy chooses by `root_id`.
 *
 * ```ts
 * class Hello extends HttpContext<NoConfig> {
 *   onResponseHeaders(endOfStream: bool): Action {
 *     this.response.headers.set("x-hello", "mesh");
 *     return Action.Continue;
 *   }
 * }
 * register<Hello, NoConfig>("hello");
 * ```
 */
export function register<T extends Context, C>(rootId: string): void {
  registerRoot<T, RootContext<C>>(rootId);
}

/**
 * As `register`, with a root class of the author's own, which extends RootContext<C>: the place for what the streams of
 * a configuration share.
 *
 * ```ts
 * class Totals extends RootContext<NoConfig> {
 *   requests: u64 = 0;
 * }
 * class Counted extends HttpContext<NoConfig> {
 *   onLog(): void {
 *     (this.root as Totals).requests++;
 *   }
 * }
 * registerRoot<Counted, Totals>("counted");
 * ```
 */
export function registerRoot<T extends Context, R extends AnyRootContext>(rootId: string): void {
  addRegistration(new PluginRegistration<T, R>(rootId));
}
