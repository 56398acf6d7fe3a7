/** The configuration of a plugin that has none: anything in it is refused. */
export class NoConfig {
  /** @internal */
  __weftNone(): void {}
}
