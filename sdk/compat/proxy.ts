/* Plugins re-export this for the proxy; here the build makes the exports. */
export const ABI_VERSION = "0.2.1";
