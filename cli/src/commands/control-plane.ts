import { existsSync } from "node:fs";
import { realpath } from "node:fs/promises";
import { homedir, hostname } from "node:os";
import { join, resolve } from "node:path";
import {
  DEFAULT_ROOT_NAMESPACE,
  type FolderConfig,
  type PlatformConfig,
  type WebhooksConfig,
} from "@weft/control-plane/config";
import { POD_FILES, STANDALONE_FILES } from "@weft/control-plane/injection/identity-files";
import { createLogger, type LogFormat } from "@weft/control-plane/log";
import { startControlPlane } from "@weft/control-plane/main";
import { credentialFiles } from "@weft/registry";
import { readInjectionSettings } from "../injection/read-settings.js";
import { MeshError } from "../mesh/mesh-error.js";
import { stateFolder } from "../mesh/state-folder.js";

export interface ControlPlaneFlags {
  /** Of the two one is there. */
  readonly folder?: string;
  readonly kubernetes?: boolean;
  readonly kubeconfig?: string;
  readonly namespace?: string;
  readonly podName?: string;
  readonly stateDir: string;
  /** One of the two is there. */
  readonly identityDir?: string;
  readonly authorityDir?: string;
  readonly workloadsDir?: string;
  readonly enrolmentPort?: number;
  readonly certificateTtl: number;
  readonly host: string;
  readonly xdsPort: number;
  readonly insecureXdsPort?: number;
  readonly trustDomain: string;
  readonly envoy: string;
  readonly plainHttp: readonly string[];
  readonly peer: readonly string[];
  readonly tagPollMs: number;
  readonly adminSocket?: string;
  readonly injectionSettings?: string;
  readonly webhookPort: number;
  readonly webhookUrl?: string;
  readonly metricsHost: string;
  readonly metricsPort?: number;
  readonly logFormat: LogFormat;
}

/** `weft control-plane`: serves one folder or one cluster until a signal ends it. */
export async function controlPlane(flags: ControlPlaneFlags): Promise<void> {
  const logger = createLogger(flags.logFormat, (line) => process.stdout.write(line));
  const platform = platformConfig(flags, process.env);
  const running = await startControlPlane(
    {
      platform,
      stateDir: resolve(flags.stateDir),
      xdsHost: flags.host,
      xdsPort: flags.xdsPort,
      ...(flags.insecureXdsPort === undefined ? {} : { plaintextXdsPort: flags.insecureXdsPort }),
      proxyIdentityFiles: platform.kind === "kubernetes" ? POD_FILES : STANDALONE_FILES,
      trustDomain: flags.trustDomain,
      rootNamespace: platform.kind === "kubernetes" ? platform.namespace : DEFAULT_ROOT_NAMESPACE,
      envoyPath: flags.envoy,
      plainHttpRegistries: flags.plainHttp,
      peers: flags.peer,
      credentialFiles: credentialFiles(process.env, homedir()),
      tagPollMs: flags.tagPollMs,
      ...(flags.metricsPort === undefined ? {} : { metrics: { host: flags.metricsHost, port: flags.metricsPort } }),
      adminSocket: flags.adminSocket ?? (await adminSocketOf(platform, flags.stateDir)),
    },
    logger,
  );
  const signal = new Promise<void>((done) => {
    for (const name of ["SIGINT", "SIGTERM"] as const) process.on(name, () => done());
  });
  try {
    await Promise.race([signal, running.failed]);
  } finally {
    await running.close();
  }
}

/** What a pod is told of itself, by the downward API. */
interface PodEnvironment {
  readonly POD_NAMESPACE?: string | undefined;
  readonly POD_NAME?: string | undefined;
}

function platformConfig(flags: ControlPlaneFlags, { POD_NAMESPACE, POD_NAME }: PodEnvironment): PlatformConfig {
  const { folder, kubernetes = false, kubeconfig } = flags;
  if (kubernetes === (folder !== undefined))
    throw new MeshError("setup-missing", "give --folder for a mesh in a folder, or --kubernetes for one in a cluster");
  if (folder !== undefined) return { kind: "folder", folder: resolve(folder), identity: identityConfig(flags) };
  const namespace = flags.namespace ?? POD_NAMESPACE ?? DEFAULT_ROOT_NAMESPACE;
  const webhooks = webhooksConfig(flags, namespace);
  return {
    kind: "kubernetes",
    ...(kubeconfig === undefined ? {} : { kubeconfig: resolve(kubeconfig) }),
    ...(webhooks === undefined ? {} : { webhooks }),
    namespace,
    podName: flags.podName ?? POD_NAME ?? hostname(),
    identity:
      flags.identityDir === undefined && flags.authorityDir === undefined
        ? { kind: "cluster", certificateTtlMs: flags.certificateTtl }
        : identityConfig(flags),
  };
}

/** In a pod the chart's settings are there; elsewhere webhooks are served where a flag names settings. */
function webhooksConfig(flags: ControlPlaneFlags, rootNamespace: string): WebhooksConfig | undefined {
  const { webhookPort: port, webhookUrl, host, trustDomain } = flags;
  const file = flags.injectionSettings ?? CHART_SETTINGS;
  if (flags.injectionSettings === undefined && !existsSync(file)) return undefined;
  const settings = readInjectionSettings(file, { rootNamespace, trustDomain });
  return { host, port, settings, ...(webhookUrl === undefined ? {} : { origin: webhookUrl }) };
}

/** Where the chart mounts ConfigMap weft-control-plane. */
const CHART_SETTINGS = "/etc/weft/injection.yaml";

async function adminSocketOf(platform: PlatformConfig, stateDir: string): Promise<string> {
  if (platform.kind === "kubernetes") return join(resolve(stateDir), "control.sock");
  return stateFolder(await realpath(platform.folder)).adminSocket;
}

function identityConfig(flags: ControlPlaneFlags): FolderConfig["identity"] {
  const { identityDir, authorityDir, workloadsDir, enrolmentPort } = flags;
  if (authorityDir !== undefined && identityDir === undefined)
    return {
      kind: "authority",
      directory: resolve(authorityDir),
      certificateTtlMs: flags.certificateTtl,
      ...(workloadsDir === undefined ? {} : { workloadsDir: resolve(workloadsDir) }),
      ...(enrolmentPort === undefined ? {} : { enrolmentPort }),
    };
  if (identityDir === undefined || authorityDir !== undefined)
    throw new MeshError(
      "setup-missing",
      "give --authority-dir, or --identity-dir where somebody else is the authority",
    );
  return {
    kind: "files",
    certificate: join(identityDir, "cert.pem"),
    privateKey: join(identityDir, "key.pem"),
    trustBundle: join(identityDir, "root.pem"),
  };
}
