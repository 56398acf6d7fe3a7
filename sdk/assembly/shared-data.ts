import { readShared, sharedVersion, writeShared } from "./host/shared-data";
import { Status } from "./host/status";

/** A version that no stored value has: writing over it succeeds only where the key is missing. */
const ABSENT: u32 = u32.MAX_VALUE;

/** How `SharedData.update` makes the next value out of the current one. */
export abstract class Update {
  /** `current` is null where the key is missing. Null leaves everything as it is. May be called several times. */
  abstract next(current: ArrayBuffer | null): ArrayBuffer | null;
}

/**
 * Bytes that all workers of the proxy share, per VM id, and that outlive a change of code or configuration. Keys are
 * never deleted: bound their number.
 */
@unmanaged
export class SharedData {
  /** The value; null where the key was never set. Costs 1.2 µs. */
  get(key: string): ArrayBuffer | null {
    return readShared(key);
  }

  /**
   * Overwrites whatever is there; where workers change a value, use {@link SharedData.update}. Costs 0.2 µs. False: the
   * host refused it.
   */
  set(key: string, value: ArrayBuffer): bool {
    return writeShared(key, value, 0) == Status.Ok;
  }

  /**
   * Compare and swap, repeated when another worker was faster. False: it was, `attempts` times, and nothing has been
   * written. Costs 1.5 µs where nobody else is at it.
   *
   * ```ts
   * class Increment extends Update {
   *   value: u64 = 0;
   *   next(current: ArrayBuffer | null): ArrayBuffer | null {
   *     this.value = current === null ? 1 : load<u64>(changetype<usize>(current)) + 1;
   *     const next = new ArrayBuffer(8);
   *     store<u64>(changetype<usize>(next), this.value);
   *     return next;
   *   }
   * }
   * function count(): u64 {
   *   const step = new Increment();
   *   return sharedData.update("count", step) ? step.value : 0;
   * }
   * ```
   */
  update(key: string, update: Update, attempts: i32 = 16): bool {
    for (let i = 0; i < attempts; i++) {
      const current = readShared(key);
      const version = sharedVersion;
      const next = update.next(current);
      if (next === null) return true;
      const status = writeShared(key, next, current === null ? ABSENT : version);
      if (status == Status.Ok) return true;
      if (status != Status.CasMismatch) return false;
    }
    return false;
  }
}

/* It has no state. */
export const sharedData = changetype<SharedData>(0);
