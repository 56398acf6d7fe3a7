import { isDeepStrictEqual } from "node:util";
import { isRecord } from "../status/document.js";

/**
 * The JSON merge patch that makes one object of another: only what differs, and null for what goes. Undefined when they
 * are equal. https://www.rfc-editor.org/rfc/rfc7386
 */
export function mergePatch(
  current: Readonly<Record<string, unknown>>,
  wanted: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> | undefined {
  const patch: Record<string, unknown> = {};
  for (const key of Object.keys(current)) if (wanted[key] === undefined) patch[key] = null;
  for (const [key, value] of Object.entries(wanted)) {
    const before = current[key];
    if (value === undefined || isDeepStrictEqual(before, value)) continue;
    patch[key] = isRecord(before) && isRecord(value) ? mergePatch(before, value) : value;
  }
  return Object.keys(patch).length === 0 ? undefined : patch;
}
