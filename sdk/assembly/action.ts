/** What a callback on headers or data returns. Whoever pauses must later resume or answer. */
export enum Action {
  /** Go on with the next filter. */
  Continue = 0,
  /** Wait: nothing goes to the next filter until `resume` is called. */
  Pause = 1,
}
