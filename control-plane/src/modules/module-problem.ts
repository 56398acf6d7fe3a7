/** Why a module may not be served. */
export interface ModuleProblem {
  /** CamelCase reason of the condition. */
  readonly reason: string;
  /** What is wrong, and what to do. */
  readonly message: string;
  /** Set where the same module may pass another time: the machine may have been busy. */
  readonly transient?: true;
}
