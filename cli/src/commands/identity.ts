import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { text as readStream } from "node:stream/consumers";
import { readIfThere } from "@weft/control-plane/identity/atomic-file";
import { certificateWarnings } from "@weft/control-plane/identity/certificate-warnings";
import { chainReport, type IdentityReport } from "@weft/control-plane/identity/identity-report";
import type { Answer } from "@weft/control-plane/identity/mesh-authority";
import { MAX_PEM_BYTES, WORKLOAD_FILES } from "@weft/control-plane/identity/workload-folder";
import { askControlPlaneOf } from "../mesh/control-plane-process.js";
import { enrolFolder } from "../sidecar/enrolled-identity.js";
import { SidecarError } from "../sidecar/sidecar-error.js";
import { type OutputFormat, plainText, printJson } from "../workbench/print.js";
import { chainText, identityText, warningsText } from "./identity-text.js";

interface IdentityFlags {
  /** Folder with the YAML of the mesh. */
  readonly file: string;
  readonly output: OutputFormat;
}

/** `weft identity show`. Returns the exit code: 1 when something has ended. */
export async function identityShow(flags: IdentityFlags & { readonly dir?: string }): Promise<number> {
  if (flags.dir !== undefined) return showFolder(resolve(flags.dir), flags.output);
  const report = await askControlPlaneOf<IdentityReport>(flags.file, "/identity");
  if (flags.output === "json") printJson(report);
  else console.log(identityText(report, Date.now()));
  return report.warnings.some(({ severity }) => severity === "error") ? 1 : 0;
}

async function showFolder(dir: string, output: OutputFormat): Promise<number> {
  const file = join(dir, WORKLOAD_FILES.certificateChain);
  const pem = await readIfThere(file, MAX_PEM_BYTES);
  if (pem === undefined) throw new SidecarError("identity", `${file} is missing: the workload has no certificate yet`);
  const chain = chainReport(pem);
  const warnings = certificateWarnings(Date.now(), chain);
  if (output === "json") printJson({ chain, warnings });
  else console.log([...chainText(chain, Date.now()), ...warningsText(warnings)].join("\n"));
  return warnings.some(({ severity }) => severity === "error") ? 1 : 0;
}

/** `weft identity token`: prints the token and nothing else on standard output. Returns the exit code. */
export async function identityToken(
  workload: string,
  { file, output, ttl }: IdentityFlags & { readonly ttl: number },
): Promise<number> {
  const answer = await askControlPlaneOf<Answer & { readonly token?: string }>(file, "/identity/token", {
    workload: workload.includes("/") ? workload : `default/${workload}`,
    ttlMs: ttl,
  });
  if (output === "json") printJson(answer);
  else {
    console.error(plainText(answer.message));
    if (answer.token !== undefined) console.log(answer.token);
  }
  return answer.ok ? 0 : 1;
}

/** `weft identity issue`: enrols a workload's folder. Returns the exit code. */
export async function identityIssue(flags: {
  readonly server: string;
  readonly dir: string;
  readonly tokenFile?: string;
  readonly output: OutputFormat;
}): Promise<number> {
  const enrolment = await enrolFolder(resolve(flags.dir), flags.server, await readToken(flags.tokenFile));
  if (flags.output === "json") printJson(enrolment);
  else {
    const { namespace, workload, serviceAccount, trustDomain } = enrolment;
    const flagsOfSidecar = `--workload ${namespace}/${workload} --service-account ${serviceAccount} --trust-domain ${trustDomain}`;
    console.log(`enrolled ${namespace}/${workload}; start it with`);
    console.log(`  weft sidecar --dir ${flags.dir} ${flagsOfSidecar} --address <its IP> --xds <control plane>`);
  }
  return 0;
}

/** Never from the command line: others can read that. */
async function readToken(file: string | undefined): Promise<string> {
  if (file === "-") return readStream(process.stdin);
  if (file !== undefined) return readFile(file, "utf8");
  const { WEFT_ENROLMENT_TOKEN: token } = process.env;
  if (token !== undefined && token !== "") return token;
  throw new SidecarError("identity", "no token: give --token-file, or set WEFT_ENROLMENT_TOKEN");
}

/** `weft identity rotate`. Returns the exit code: 1 when it is refused. */
export async function identityRotate(
  flags: IdentityFlags & { readonly intermediate?: boolean; readonly drop?: boolean; readonly abort?: boolean },
): Promise<number> {
  const step = flags.intermediate ? "intermediate" : flags.drop ? "drop" : flags.abort ? "abort" : "root";
  const answer = await askControlPlaneOf<Answer>(flags.file, "/identity/rotate", { step });
  if (flags.output === "json") printJson(answer);
  else {
    const say = answer.ok ? console.log : console.error;
    say(plainText(answer.message));
    for (const { workload, message } of answer.obstacles ?? []) say(`  ${plainText(workload)} ${plainText(message)}`);
  }
  return answer.ok ? 0 : 1;
}
