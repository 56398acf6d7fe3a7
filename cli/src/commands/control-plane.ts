import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { DEFAULT_ROOT_NAMESPACE } from "@weft/control-plane/config";
import { STANDALONE_FILES } from "@weft/control-plane/injection/identity-files";
import { createLogger, type LogFormat } from "@weft/control-plane/log";
import { startControlPlane } from "@weft/control-plane/main";
import { credentialFiles } from "@weft/registry";

export interface ControlPlaneFlags {
  readonly folder: string;
  readonly stateDir: string;
  readonly identityDir: string;
  readonly xdsPort: number;
  readonly trustDomain: string;
  readonly envoy: string;
  readonly plainHttp: readonly string[];
  readonly tagPollMs: number;
  readonly adminSocket: string;
  readonly logFormat: LogFormat;
}

/** `weft control-plane`: serves one folder until a signal ends it. */
export async function controlPlane(flags: ControlPlaneFlags): Promise<void> {
  const logger = createLogger(flags.logFormat, (line) => process.stdout.write(line));
  const running = await startControlPlane(
    {
      folder: resolve(flags.folder),
      stateDir: resolve(flags.stateDir),
      xdsHost: "127.0.0.1",
      xdsPort: flags.xdsPort,
      identity: {
        certificate: join(flags.identityDir, "cert.pem"),
        privateKey: join(flags.identityDir, "key.pem"),
        trustBundle: join(flags.identityDir, "root.pem"),
      },
      proxyIdentityFiles: STANDALONE_FILES,
      trustDomain: flags.trustDomain,
      rootNamespace: DEFAULT_ROOT_NAMESPACE,
      envoyPath: flags.envoy,
      plainHttpRegistries: flags.plainHttp,
      credentialFiles: credentialFiles(process.env, homedir()),
      tagPollMs: flags.tagPollMs,
      adminSocket: flags.adminSocket,
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
