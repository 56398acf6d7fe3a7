import { type Command, InvalidArgumentError, Option } from "commander";

const HOUR_MS = 3_600_000;

/** Reads `90m` and `12h`, within bounds in milliseconds. */
function durationBetween(minMs: number, maxMs: number, message: string) {
  return (text: string): number => {
    const [, number = "", unit] = /^(\d+)(m|h)$/.exec(text) ?? [];
    const value = Number(number) * (unit === "h" ? HOUR_MS : 60_000);
    if (number !== "" && value >= minMs && value <= maxMs) return value;
    throw new InvalidArgumentError(message);
  };
}

export function certificateTtlOption(): Option {
  return new Option("--certificate-ttl <duration>", "lifetime of the certificates, 1h to 24h")
    .argParser(durationBetween(HOUR_MS, 24 * HOUR_MS, "certificates live for 1h to 24h"))
    .default(24 * HOUR_MS, "24h");
}

const outputOption = () =>
  new Option("-o, --output <format>", "how it is printed: for people, or as data")
    .choices(["text", "json"])
    .default("text");
const meshFolderOption = () =>
  new Option(
    "-f, --file <path>",
    "folder with the YAML of the mesh, which weft up runs; or the control plane's admin socket, as in its pod",
  ).default(".");

/** `weft identity`: certificates. */
export function addIdentityCommands(program: Command): void {
  const identity = program
    .command("identity")
    .description("certificates of the mesh: who has which, enrolment with one-time tokens, rotation");
  identity
    .command("show", { isDefault: true })
    .description("the roots, intermediates and certificates that there are, and when they end")
    .addOption(meshFolderOption())
    .option("--dir <dir>", "of this workload's folder instead, without a control plane")
    .addOption(outputOption())
    .addHelpText(
      "after",
      "\nExamples:\n  weft identity show -f examples/demo\n  weft identity -f examples/demo -o json\n  weft identity -f /var/lib/weft/control.sock\n  weft identity show --dir /var/lib/weft/web",
    )
    .addHelpText(
      "after",
      "\nExit codes: 0 told, and nothing is wrong; 1 no control plane runs, or a certificate ended; 2 wrong usage",
    )
    .action(async (options) => {
      const { identityShow } = await import("./identity.js");
      process.exitCode = await identityShow(options);
    });
  identity
    .command("token")
    .argument("<workload>", "namespace/name of a WorkloadEntry")
    .description("make a one-time token, with which the workload's machine gets its first certificate")
    .addOption(meshFolderOption())
    .addOption(
      new Option("--ttl <duration>", "how long it can be used, 1m to 24h")
        .argParser(durationBetween(60_000, 24 * HOUR_MS, "a token lives for 1m to 24h"))
        .default(HOUR_MS, "1h"),
    )
    .addOption(outputOption())
    .addHelpText("after", "\nExample:\n  weft identity token default/web -f mesh > web.token")
    .addHelpText(
      "after",
      "\nThe token is the only line on standard output. Whoever has it can be the workload: keep it secret.",
    )
    .addHelpText("after", "\nExit codes: 0 made; 1 no control plane runs, or it knows no such workload; 2 wrong usage")
    .action(async (workload: string, options) => {
      const { identityToken } = await import("./identity.js");
      process.exitCode = await identityToken(workload, options);
    });
  identity
    .command("issue")
    .description("enrol this machine's workload with a one-time token; its key is made here and stays here")
    .requiredOption("--server <host:port>", "the control plane's enrolment (--enrolment-port)")
    .requiredOption("--dir <dir>", "the workload's folder, for weft sidecar --dir; made when it is missing")
    .option("--token-file <file>", "file with the token; -: standard input (default: WEFT_ENROLMENT_TOKEN)")
    .addOption(outputOption())
    .addHelpText(
      "after",
      "\nExample:\n  weft identity issue --server 10.0.0.1:15013 --dir /var/lib/weft/web --token-file web.token",
    )
    .addHelpText(
      "after",
      "\nExit codes: 0 enrolled; 1 the token or the server is not the right one, or cannot be reached; 2 wrong usage",
    )
    .action(async (options) => {
      const { identityIssue } = await import("./identity.js");
      process.exitCode = await identityIssue(options);
    });
  identity
    .command("rotate")
    .description("bring a new root: given to all proxies first, then it signs, then the old one is dropped")
    .addOption(meshFolderOption())
    .addOption(
      new Option("--intermediate", "a new intermediate under the same root instead").conflicts(["drop", "abort"]),
    )
    .addOption(
      new Option("--drop", "drop the old root now; refused, with who uses it, while it is in use").conflicts("abort"),
    )
    .option("--abort", "give up a new root that signs nothing yet")
    .addOption(outputOption())
    .addHelpText(
      "after",
      "\nExamples:\n  weft identity rotate -f examples/demo\n  weft identity rotate --intermediate -f examples/demo\n  weft identity rotate --drop -f examples/demo",
    )
    .addHelpText("after", "\nExit codes: 0 done or begun; 1 refused, or no control plane runs; 2 wrong usage")
    .action(async (options) => {
      const { identityRotate } = await import("./identity.js");
      process.exitCode = await identityRotate(options);
    });
}
