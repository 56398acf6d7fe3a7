/**
 * What a callback on headers, data or trailers returns. Whoever pauses must later call {@link Message.resume} or send a
 * {@link LocalResponse}: Envoy waits until the stream's idle timeout, 5 minutes unless configured.
 */
export enum Action {
  /** Go on with the next filter. */
  Continue = 0,
  /**
   * Wait. From headers: the headers stay, while the body's callbacks are still called. From a body: what has arrived is
   * kept, and the next call sees all of it.
   */
  Pause = 1,
  /** From headers, to wait for a callout: nothing of the message moves, and no callback of it is called. */
  PauseAll = 4,
}
