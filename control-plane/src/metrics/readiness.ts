import { X509Certificate } from "node:crypto";

/** Something that must hold before proxies, and whoever sends them, may count on this replica. */
export interface ReadinessCheck {
  readonly name: string;
  /** What is not as it should be; undefined when all is. */
  readonly problem: () => string | undefined;
}

export interface Readiness {
  readonly isReady: boolean;
  /** A line for each check, for people. */
  readonly text: string;
}

export function readiness(checks: readonly ReadinessCheck[]): Readiness {
  const found = checks.map(({ name, problem }) => ({ name, problem: problem() }));
  return {
    isReady: found.every(({ problem }) => problem === undefined),
    text: found
      .map(({ name, problem }) => (problem === undefined ? `ok ${name}\n` : `no ${name}: ${problem}\n`))
      .join(""),
  };
}

/** How far a control plane has come. */
export interface Begun {
  /** All objects that there are have been read once. */
  readonly isSynced?: boolean;
  readonly xdsPort?: number;
  /** PEM, its leaf first. */
  readonly identity?: { readonly certificateChain: string };
  readonly isClosing?: boolean;
}

export function controlPlaneChecks(begun: () => Begun): readonly ReadinessCheck[] {
  return [
    { name: "sources", problem: () => (begun().isSynced ? undefined : "the objects of the mesh are not all read yet") },
    { name: "xds", problem: () => (begun().xdsPort === undefined ? "its port is not open yet" : undefined) },
    { name: "identity", problem: () => identityProblem(begun().identity, Date.now()) },
    { name: "life", problem: () => (begun().isClosing ? "it is shutting down" : undefined) },
  ];
}

function identityProblem(identity: Begun["identity"], nowMs: number): string | undefined {
  if (identity === undefined) return "there is no certificate yet";
  const { validFrom, validTo } = new X509Certificate(identity.certificateChain);
  if (nowMs >= Date.parse(validTo)) return `the certificate ended at ${new Date(validTo).toISOString()}`;
  if (nowMs < Date.parse(validFrom)) return `the certificate begins only at ${new Date(validFrom).toISOString()}`;
  return undefined;
}
