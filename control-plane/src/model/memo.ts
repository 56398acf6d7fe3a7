/**
 * Remembers a pure function's results by the identity of its arguments, which works because snapshots share what did
 * not change.
 */
export function memoByIdentity<A extends object, R>(compute: (input: A) => R): (input: A) => R {
  const results = new WeakMap<A, R>();
  return (input) => {
    let result = results.get(input);
    if (result === undefined) {
      result = compute(input);
      results.set(input, result);
    }
    return result;
  };
}
