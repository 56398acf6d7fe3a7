/** Replaced for each version that is built. */
export const VERSION = "0";
