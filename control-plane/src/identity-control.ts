import { join } from "node:path";
import type { IdentityConfig } from "./config.js";
import { type EnrolmentServer, serveEnrolment } from "./identity/enrolment-server.js";
import { createFolderSigner, type FolderSigner } from "./identity/folder-signer.js";
import { openFolderStorage } from "./identity/folder-storage.js";
import { type IdentityReport, reportIdentity } from "./identity/identity-report.js";
import type { CertificateAnswer } from "./identity/kubernetes/answer.js";
import { type Answer, createMeshAuthority, type MeshAuthority } from "./identity/mesh-authority.js";
import type { TrustingProxy } from "./identity/rotation.js";
import { identityFromAuthority, identityFromFiles, type TlsIdentitySource } from "./identity/tls-identity.js";
import { loadTokenStore, type TokenStore } from "./identity/token-store.js";
import type { Logger } from "./log.js";

export interface IdentityControlOptions {
  readonly config: Exclude<IdentityConfig, { readonly kind: "cluster" }>;
  readonly trustDomain: string;
  /** Address at which workloads enrol. */
  readonly host: string;
  /** The workload as the mesh knows it. */
  readonly workload: (key: string) => { readonly serviceAccount: string } | undefined;
  /** Keys of the workloads that have a sidecar. */
  readonly sidecars: () => readonly string[];
  /** The proxies that are connected, and whether they trust what is to be trusted now. */
  readonly proxies: () => readonly TrustingProxy[];
  /** A pod has asked for a certificate and has its answer. */
  readonly onAnswer?: (answer: CertificateAnswer) => void;
  readonly logger: Logger;
}

/** The certificates of a running mesh: the control plane's own, and if it is the authority those of all others. */
export interface IdentityControl {
  readonly source: TlsIdentitySource;
  /** A connection should not be older: it shows the certificate that it began with. */
  readonly maxConnectionAgeMs: number;
  /** Begins to sign for workloads, once the mesh knows them. */
  serve(): Promise<{ readonly enrolmentPort?: number }>;
  /** The mesh has learned of workloads. */
  workloadsChanged(): void;
  report(): IdentityReport;
  /** What may be asked for over the admin socket. */
  readonly actions: Readonly<Record<string, (body: unknown) => Promise<Answer & { readonly token?: string }>>>;
  close(): Promise<void>;
}

export const DEFAULT_TTL_MS = 24 * 3600_000;
export const MAX_CONNECTION_AGE_MS = 30 * 60_000;
/** Between two looks at a rotation. */
const ADVANCE_MS = 500;
const TOKEN_TTL_MS = { min: 60_000, max: 24 * 3600_000, normal: 3600_000 };

/** @throws IdentityError */
export async function createIdentityControl(options: IdentityControlOptions): Promise<IdentityControl> {
  const { config, trustDomain, logger } = options;
  if (config.kind === "files") {
    const source = await identityFromFiles(config, logger);
    return {
      source,
      maxConnectionAgeMs: MAX_CONNECTION_AGE_MS,
      serve: async () => ({}),
      workloadsChanged: () => {},
      report: () => report(options, source),
      actions: {},
      close: async () => source.close(),
    };
  }
  const ttlMs = config.certificateTtlMs ?? DEFAULT_TTL_MS;
  const authority = await createMeshAuthority({
    storage: await openFolderStorage(config.directory, trustDomain),
    trustDomain,
    ...(config.clockSkewMs === undefined ? {} : { clockSkewMs: config.clockSkewMs }),
  });
  const tokens = await loadTokenStore(join(config.directory, "tokens.json"));
  const source = await identityFromAuthority(authority, { ttlMs, logger });
  const lookup = (namespace: string, name: string) => options.workload(`${namespace}/${name}`);
  let signer: FolderSigner | undefined;
  let enrolment: EnrolmentServer | undefined;
  let advancing: Promise<void> = Promise.resolve();
  let timer: NodeJS.Timeout | undefined;

  const advance = async () => {
    try {
      for (const done of await authority.advance(options.proxies)) logger.info(done, { kind: "identity" });
    } catch (error) {
      logger.error(`the rotation does not go on: ${error instanceof Error ? error.message : error}`);
    }
  };
  const unsubscribe = authority.subscribe(() => signer?.scan());
  return {
    source,
    maxConnectionAgeMs: Math.min(MAX_CONNECTION_AGE_MS, ttlMs / 6),
    async serve() {
      if (config.workloadsDir !== undefined)
        signer = await createFolderSigner({ authority, workloadsDir: config.workloadsDir, lookup, ttlMs, logger });
      if (config.enrolmentPort !== undefined)
        enrolment = await serveEnrolment({
          ...{ host: options.host, port: config.enrolmentPort, identity: source },
          ...{ authority, tokens, lookup, ttlMs, logger },
        });
      timer = setInterval(() => {
        advancing = advancing.then(advance);
      }, ADVANCE_MS).unref();
      return enrolment === undefined ? {} : { enrolmentPort: enrolment.port };
    },
    workloadsChanged: () => void signer?.scan(),
    report: () => report(options, source, authority),
    actions: {
      "/identity/rotate": rotateAction(authority),
      "/identity/token": tokenAction({ authority, tokens, lookup, canEnrol: config.enrolmentPort !== undefined }),
    },
    async close() {
      clearInterval(timer);
      unsubscribe();
      source.close();
      await advancing;
      await enrolment?.close();
      await signer?.close();
    },
  };
}

function report(options: IdentityControlOptions, source: TlsIdentitySource, authority?: MeshAuthority): IdentityReport {
  return reportIdentity(Date.now(), {
    trustDomain: options.trustDomain,
    identity: source.current,
    connected: new Set(options.proxies().map(({ workload }) => workload)),
    ...(authority === undefined ? {} : { authority }),
  });
}

/** `{"step": "root" | "intermediate" | "drop" | "abort"}` */
export function rotateAction(authority: MeshAuthority) {
  return async (body: unknown): Promise<Answer> => {
    switch (fieldOf(body, "step")) {
      case "root":
        return authority.rotateRoot();
      case "intermediate":
        return authority.rotateIntermediate();
      case "drop":
        return authority.dropRoot();
      case "abort":
        return authority.abort();
      default:
        return { ok: false, message: 'say what: {"step": "root" | "intermediate" | "drop" | "abort"}' };
    }
  };
}

/** `{"workload": "<namespace>/<name>", "ttlMs": 3600000}` */
function tokenAction(known: {
  readonly authority: MeshAuthority;
  readonly tokens: TokenStore;
  readonly lookup: (namespace: string, name: string) => { readonly serviceAccount: string } | undefined;
  readonly canEnrol: boolean;
}) {
  return async (body: unknown): Promise<Answer & { readonly token?: string }> => {
    if (!known.canEnrol)
      return { ok: false, message: "nobody can enrol here: start the control plane with --enrolment-port" };
    const [namespace = "", workload = "", ...more] = String(fieldOf(body, "workload") ?? "").split("/");
    const found = more.length === 0 ? known.lookup(namespace, workload) : undefined;
    if (found === undefined)
      return { ok: false, message: `the mesh knows no workload ${namespace}/${workload}: add a WorkloadEntry for it` };
    const ttlMs = Number(fieldOf(body, "ttlMs") ?? TOKEN_TTL_MS.normal);
    if (!(ttlMs >= TOKEN_TTL_MS.min && ttlMs <= TOKEN_TTL_MS.max))
      return { ok: false, message: "a token lives for a minute to 24 hours" };
    const subject = { namespace, workload, serviceAccount: found.serviceAccount };
    // The root that the control plane itself shows, also while another one is coming.
    const { retiring, signing } = known.authority.generations;
    const created = await known.tokens.create(subject, { ttlMs, nowMs: Date.now() }, (retiring ?? signing).fingerprint);
    if (!created.ok) return created;
    return {
      ok: true,
      message: `enrols ${namespace}/${workload} with service account ${found.serviceAccount}, once, until ${new Date(Date.now() + ttlMs).toISOString()}`,
      token: created.value,
    };
  };
}

function fieldOf(body: unknown, name: string): unknown {
  return typeof body === "object" && body !== null ? (body as Readonly<Record<string, unknown>>)[name] : undefined;
}
