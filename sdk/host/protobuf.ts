/* As much of protobuf's wire format as the arguments of host functions need. https://protobuf.dev/programming-guides/encoding/ */
export type Fields = ReadonlyMap<number, Uint8Array | bigint>;

/** The last value of each field; undefined where the bytes are no message. Groups are no message to us. */
export function readFields(bytes: Uint8Array): Fields | undefined {
  const fields = new Map<number, Uint8Array | bigint>();
  let at = 0;
  const varint = (): bigint | undefined => {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = bytes[at++];
      if (byte === undefined) return undefined;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asUintN(64, value);
    }
    return undefined;
  };
  const take = (size: number): Uint8Array | undefined => {
    if (at + size > bytes.length) return undefined;
    at += size;
    return bytes.subarray(at - size, at);
  };
  while (at < bytes.length) {
    const tag = varint();
    if (tag === undefined || tag >> 3n === 0n || tag > 0xffff_ffffn) return undefined;
    const value = readValue(Number(tag & 7n), varint, take);
    if (value === undefined) return undefined;
    fields.set(Number(tag >> 3n), value);
  }
  return fields;
}

function readValue(
  wireType: number,
  varint: () => bigint | undefined,
  take: (size: number) => Uint8Array | undefined,
): Uint8Array | bigint | undefined {
  if (wireType === 0) return varint();
  if (wireType === 1) return take(8);
  if (wireType === 5) return take(4);
  if (wireType !== 2) return undefined;
  const size = varint();
  return size === undefined ? undefined : take(Number(size));
}

/** A string or bytes field as a byte string; empty where it is not there. */
export function textField(fields: Fields, number: number): string {
  const value = fields.get(number);
  return value instanceof Uint8Array ? Buffer.from(value).toString("latin1") : "";
}

export function varintField(fields: Fields, number: number): bigint {
  const value = fields.get(number);
  return typeof value === "bigint" ? value : 0n;
}
