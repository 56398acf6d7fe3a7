/** A protobuf duration of so many milliseconds. */
export function milliseconds(ms: number): { seconds: bigint; nanos: number } {
  return { seconds: BigInt(Math.trunc(ms / 1000)), nanos: Math.round((ms % 1000) * 1_000_000) };
}
