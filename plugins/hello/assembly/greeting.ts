const GREETING = "hello";

/** The value of the header. */
export function greeting(name: string): string {
  return GREETING + ", " + name;
}
