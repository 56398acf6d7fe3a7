import { randomBytes } from "node:crypto";

const BYTES = 16;

/** A random positive serial number without a leading zero, as hexadecimal digits (RFC 5280, 4.1.2.2). */
export function createSerialNumber(): string {
  const bytes = randomBytes(BYTES);
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
  return bytes.toString("hex");
}
