import { join } from "node:path";
import type { ControlPlaneConfig, IdentityConfig } from "../control-plane/src/config.js";
import { STANDALONE_FILES } from "../control-plane/src/injection/identity-files.js";

/** A control plane on loopback and a free port, which keeps what it has in the folder `state` of `dir`. */
export function testConfig(dir: string, platform: ControlPlaneConfig["platform"], state = "state"): ControlPlaneConfig {
  return {
    platform,
    stateDir: join(dir, state),
    xdsHost: "127.0.0.1",
    xdsPort: 0,
    proxyIdentityFiles: STANDALONE_FILES,
    trustDomain: "cluster.local",
    rootNamespace: "weft-system",
    plainHttpRegistries: [],
    credentialFiles: [],
    tagPollMs: 60_000,
    adminSocket: join(dir, `${state}.sock`),
  };
}

/** The files of `dir` in which the test has put the control plane's own certificate. */
export const identityFiles = (dir: string): Extract<IdentityConfig, { readonly kind: "files" }> => ({
  kind: "files",
  certificate: join(dir, "cert.pem"),
  privateKey: join(dir, "key.pem"),
  trustBundle: join(dir, "root.pem"),
});
