import { realpath } from "node:fs/promises";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { DEFAULT_ROOT_NAMESPACE, type IdentityConfig } from "@weft/control-plane/config";
import { STANDALONE_FILES } from "@weft/control-plane/injection/identity-files";
import { createLogger, type LogFormat } from "@weft/control-plane/log";
import { startControlPlane } from "@weft/control-plane/main";
import { credentialFiles } from "@weft/registry";
import { MeshError } from "../mesh/mesh-error.js";
import { stateFolder } from "../mesh/state-folder.js";

export interface ControlPlaneFlags {
  readonly folder: string;
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
  readonly metricsHost: string;
  readonly metricsPort?: number;
  readonly logFormat: LogFormat;
}

/** `weft control-plane`: serves one folder until a signal ends it. */
export async function controlPlane(flags: ControlPlaneFlags): Promise<void> {
  const logger = createLogger(flags.logFormat, (line) => process.stdout.write(line));
  const running = await startControlPlane(
    {
      platform: { kind: "folder", folder: resolve(flags.folder), identity: identityConfig(flags) },
      stateDir: resolve(flags.stateDir),
      xdsHost: flags.host,
      xdsPort: flags.xdsPort,
      ...(flags.insecureXdsPort === undefined ? {} : { plaintextXdsPort: flags.insecureXdsPort }),
      proxyIdentityFiles: STANDALONE_FILES,
      trustDomain: flags.trustDomain,
      rootNamespace: DEFAULT_ROOT_NAMESPACE,
      envoyPath: flags.envoy,
      plainHttpRegistries: flags.plainHttp,
      peers: flags.peer,
      credentialFiles: credentialFiles(process.env, homedir()),
      tagPollMs: flags.tagPollMs,
      ...(flags.metricsPort === undefined ? {} : { metrics: { host: flags.metricsHost, port: flags.metricsPort } }),
      adminSocket: flags.adminSocket ?? stateFolder(await realpath(flags.folder)).adminSocket,
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

function identityConfig(flags: ControlPlaneFlags): IdentityConfig {
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
