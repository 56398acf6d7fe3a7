export enum Kind {
  /** Nothing, which is always there. */
  Empty,
  /** One character of a set. */
  Set,
  Sequence,
  Alternatives,
  Repeat,
  /** The beginning of the text. */
  Begin,
  /** The end of the text. */
  End,
}

/** No upper bound of a repetition. */
export const UNBOUNDED: i32 = -1;

/** A part of a regular expression, and the parts that it is made of. */
export class Expression {
  readonly parts: Expression[] = [];
  /** Of a Repeat. */
  least: i32 = 0;
  most: i32 = 0;

  constructor(
    readonly kind: Kind,
    /** Of a Set. */
    readonly ranges: u32[] = [],
  ) {}
}
