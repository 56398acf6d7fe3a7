import { AnyRootContext, Context, RootContext } from "./contexts";

/** How the contexts of one plugin are made. */
export class Registration {
  constructor(
    readonly rootId: string,
    readonly createRoot: () => AnyRootContext,
    readonly createStream: (root: AnyRootContext) => Context,
  ) {}
}

export const registrations: Registration[] = [];

/**
 * Makes a plugin of the module known, at its top level: `register<Canary, Config>("canary")`. T is an HttpContext<C> or
 * a StreamContext<C>. A module may hold several plugins; Envoy chooses by `root_id`.
 */
export function register<T extends Context, C>(rootId: string): void {
  registerRoot<T, RootContext<C>>(rootId);
}

/** As `register`, with a root class of the author's own, which extends RootContext<C>. */
export function registerRoot<T extends Context, R extends AnyRootContext>(rootId: string): void {
  registrations.push(
    new Registration(
      rootId,
      (): AnyRootContext => instantiate<R>(),
      (root: AnyRootContext): Context => {
        const stream = instantiate<T>();
        // @ts-expect-error: both kinds of stream have it
        stream.root = changetype<R>(root);
        return stream;
      },
    ),
  );
}
