/** What a limit admitted under more load than it allows. */
export interface Admission {
  /** Requests a second. */
  rate: number;
  burst: number;
  seconds: number;
  /** Requests that were answered, and those of them that the limit admitted. */
  requests: number;
  admitted: number;
}

export interface Accuracy extends Admission {
  /** rate × seconds. */
  expected: number;
  /** Share by which what was admitted beyond the burst is off: 0.01 is 1 % too many. */
  deviation: number;
  met: boolean;
}

const TOLERANCE = 0.02;

/**
 * A bucket that is full at the beginning and is never full again admits its burst and then what flows in. Where there
 * was hardly more load than the limit allows, the bucket may have been full in between: then nothing is shown.
 */
export function accuracy(admission: Admission): Accuracy {
  const { rate, burst, seconds, requests, admitted } = admission;
  const expected = rate * seconds;
  const deviation = (admitted - burst - expected) / expected;
  const saturated = requests >= 1.5 * (burst + expected);
  return { ...admission, expected, deviation, met: saturated && Math.abs(deviation) <= TOLERANCE };
}
