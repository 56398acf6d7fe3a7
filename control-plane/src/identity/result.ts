/** What was made of input from outside, or in one sentence why nothing could be. */
export type Result<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly message: string };
