/** Whether something holds; undefined: it cannot be told from what is known. */
export type Told = boolean | undefined;

export const not = (told: Told): Told => (told === undefined ? undefined : !told);

/** One that does not hold decides, whatever cannot be told. */
export function all(parts: Iterable<Told>): Told {
  let result: Told = true;
  for (const part of parts) {
    if (part === false) return false;
    if (part === undefined) result = undefined;
  }
  return result;
}

/** One that holds decides, whatever cannot be told. */
export function any(parts: Iterable<Told>): Told {
  let result: Told = false;
  for (const part of parts) {
    if (part === true) return true;
    if (part === undefined) result = undefined;
  }
  return result;
}
