import { reportIdentity } from "./identity/identity-report.js";
import type { ApiServer } from "./identity/kubernetes/api-server.js";
import { signPodCertificates } from "./identity/kubernetes/pod-certificate-signer.js";
import { openSecretStorage, type SecretStorage } from "./identity/kubernetes/secret-storage.js";
import { publishTrustBundle } from "./identity/kubernetes/trust-bundle.js";
import { createMeshAuthority, type MeshAuthority } from "./identity/mesh-authority.js";
import { pause } from "./identity/pause.js";
import { identityFromAuthority } from "./identity/tls-identity.js";
import {
  DEFAULT_TTL_MS,
  type IdentityControl,
  type IdentityControlOptions,
  MAX_CONNECTION_AGE_MS,
  rotateAction,
} from "./identity-control.js";
import type { Leadership } from "./platform.js";

export interface ClusterIdentityOptions
  extends Pick<IdentityControlOptions, "trustDomain" | "proxies" | "sidecars" | "onAnswer" | "logger"> {
  readonly api: ApiServer;
  /** Of the control plane. */
  readonly namespace: string;
  /** Name of this replica. */
  readonly replica: string;
  readonly leadership: Leadership;
  /** By which proxies call the control plane. */
  readonly dnsNames: readonly string[];
  /** Lifetime of certificates. Default: 24 hours. */
  readonly certificateTtlMs?: number;
  /** A root is dropped so long after the end of its last certificate. Default: a minute. */
  readonly clockSkewMs?: number;
}

/** Between two looks at a rotation. */
const ADVANCE_MS = 500;
/** Between two looks at what others may have changed: the user's authority, the trust bundle. */
const LOOK_MS = 10_000;
/** Between two looks at the roots in force, which the leader may have changed. */
const REFRESH_MS = 5_000;
const NEEDED = ["podcertificaterequests", "clustertrustbundles"];

/**
 * The certificates of a mesh in a cluster: kubelets make keys and ask, the replica that leads signs. Every replica makes
 * its own certificate from the authority that they share.
 *
 * @throws IdentityError; Error when the cluster does not offer pod certificates
 */
export async function createClusterIdentity(options: ClusterIdentityOptions): Promise<IdentityControl> {
  const { api, namespace, trustDomain, leadership, logger, dnsNames, onAnswer = () => {} } = options;
  await requirePodCertificates(api);
  const ttlMs = options.certificateTtlMs ?? DEFAULT_TTL_MS;
  const storage = await openSecretStorage({
    ...{ api, namespace, trustDomain, workloads: options.sidecars },
    replica: options.replica,
  });
  const authority = await createMeshAuthority({
    storage,
    trustDomain,
    ...(options.clockSkewMs === undefined ? {} : { clockSkewMs: options.clockSkewMs }),
  });
  const source = await identityFromAuthority(authority, { ttlMs, logger, dnsNames });
  const stopped = new AbortController();
  const tellOnce = createProblemLog(logger);
  /** Ends the term of this replica as leader. */
  let term: AbortController | undefined;
  const work = new Set<Promise<void>>();
  const run = (task: Promise<void>) => {
    const running = task.finally(() => work.delete(running));
    work.add(running);
  };
  const lead = (isLeading: boolean) => {
    term?.abort();
    term = undefined;
    if (!isLeading || stopped.signal.aborted) return;
    term = new AbortController();
    const { signal } = term;
    run(signPodCertificates({ api, authority, ttlMs, onAnswer, logger, signal }));
    run(keepAuthority({ ...options, storage, authority, tellOnce, signal }));
  };
  const refresh = async () => {
    await authority.refresh();
    // The leader sees its own proxies only.
    if (authority.phase !== "distributing" || leadership.isLeading) return;
    await storage.reportTrusting(options.proxies().flatMap(({ workload, hasBundle }) => (hasBundle ? [workload] : [])));
  };
  const follow = async () => {
    for (;;) {
      await pause(REFRESH_MS, stopped.signal);
      if (stopped.signal.aborted) return;
      await refresh().then(
        () => tellOnce("roots", undefined),
        (error) => tellOnce("roots", error),
      );
    }
  };
  let unsubscribe = () => {};
  const rotate = rotateAction(authority);
  return {
    source,
    maxConnectionAgeMs: Math.min(MAX_CONNECTION_AGE_MS, ttlMs / 6),
    async serve() {
      run(follow());
      unsubscribe = leadership.subscribe(lead);
      lead(leadership.isLeading);
      return {};
    },
    workloadsChanged: () => {},
    report: () =>
      reportIdentity(Date.now(), {
        trustDomain,
        identity: source.current,
        authority,
        connected: new Set(options.proxies().map(({ workload }) => workload)),
      }),
    actions: {
      "/identity/rotate": async (body) =>
        leadership.isLeading
          ? rotate(body)
          : { ok: false, message: "this replica does not lead: ask the one that Lease weft-control-plane names" },
      "/identity/token": async () => ({
        ok: false,
        message: "pods need no token: a podCertificate volume gets them their certificate",
      }),
    },
    async close() {
      stopped.abort();
      unsubscribe();
      lead(false);
      source.close();
      await Promise.all(work);
    },
  };
}

/** As the leader: the authority that is wanted, the roots that pods are given, and rotations. */
async function keepAuthority(
  options: ClusterIdentityOptions & {
    readonly storage: SecretStorage;
    readonly authority: MeshAuthority;
    readonly tellOnce: ProblemLog;
    readonly signal: AbortSignal;
  },
): Promise<void> {
  const { api, authority, storage, logger, signal, tellOnce } = options;
  let lookAtMs = 0;
  let published = "";
  const proxies = () => {
    const elsewhere = authority.phase === "distributing" ? storage.trusting(options.sidecars()) : [];
    return [...options.proxies(), ...elsewhere.map((workload) => ({ workload, hasBundle: true }))];
  };
  while (!signal.aborted) {
    try {
      const isDue = Date.now() >= lookAtMs;
      if (isDue) {
        tellOnce("wanted", await storage.reconcile(Date.now()));
        await authority.refresh();
        lookAtMs = Date.now() + LOOK_MS;
      }
      // A root signs only after all have been offered it.
      const { trustBundle } = authority;
      if (isDue || published !== trustBundle) {
        if (await publishTrustBundle(api, trustBundle)) logger.info("the roots of the mesh are published to all pods");
        published = trustBundle;
      }
      if (!signal.aborted) for (const done of await authority.advance(proxies)) logger.info(done, { kind: "identity" });
      tellOnce("authority", undefined);
    } catch (error) {
      tellOnce("authority", error);
    }
    await pause(ADVANCE_MS, signal);
  }
}

type ProblemLog = (subject: string, problem: unknown) => void;

/** Says a problem once until it is another one or over. */
function createProblemLog(logger: { warn(message: string): void }): ProblemLog {
  const told = new Map<string, string>();
  return (subject, problem) => {
    const message = problem === undefined ? "" : problem instanceof Error ? problem.message : String(problem);
    if (message !== "" && told.get(subject) !== message) logger.warn(`identity: ${message}`);
    told.set(subject, message);
  };
}

/** @throws Error that says what to do */
async function requirePodCertificates(api: ApiServer): Promise<void> {
  const offered = await api.read("/apis/certificates.k8s.io/v1");
  const { resources } = (offered ?? {}) as { readonly resources?: unknown };
  const names = Array.isArray(resources)
    ? resources.map((resource: { readonly name?: unknown }) => resource?.name)
    : [];
  const missing = NEEDED.filter((name) => !names.includes(name));
  if (missing.length === 0) return;
  throw new Error(
    `the API server does not offer ${missing.join(" and ")} in certificates.k8s.io/v1, by which pods get their identity: Weft needs Kubernetes 1.37 or newer. Upgrade the cluster; its feature gates PodCertificateRequest, ClusterTrustBundle and ClusterTrustBundleProjection must not be off`,
  );
}
