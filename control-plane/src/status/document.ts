import { type ObjectRef, objectKey } from "../model/object-ref.js";
import type { Condition } from "./condition.js";

/** A status with the object that it belongs to. */
export interface StatusDocument {
  readonly apiVersion: string;
  readonly object: ObjectRef;
  readonly status: { readonly conditions: readonly Condition[] };
}

/** A status as it stands in a file; fields are what an earlier version wrote, so nothing is certain of them. */
export interface StoredStatus {
  readonly object: ObjectRef;
  readonly status: Readonly<Record<string, unknown>>;
}

/** A key under which an object's status is looked up. */
export function statusKey(ref: ObjectRef): string {
  return `${ref.kind} ${objectKey(ref)}`;
}

/** The conditions in a stored status, those that are whole. */
export function storedConditions({ status }: StoredStatus): readonly Condition[] {
  const { conditions } = status;
  if (!Array.isArray(conditions)) return [];
  return conditions.filter(
    (c): c is Condition =>
      isRecord(c) &&
      typeof c.type === "string" &&
      typeof c.status === "string" &&
      typeof c.lastTransitionTime === "string",
  );
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
