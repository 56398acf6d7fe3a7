import { type Command, InvalidArgumentError, Option } from "commander";
import { collect, outputOption } from "./options.js";

const folderOption = () => new Option("-f, --file <dir>", "folder with the YAML of the mesh").default(".");

/** What is asked of a mesh as a whole. */
export function addMeshCommands(program: Command): void {
  const status = program
    .command("status")
    .description("which proxies have what they should have, and why others do not")
    // So that what stands behind `plugins` belongs to it.
    .enablePositionalOptions()
    .addOption(folderOption())
    .addOption(outputOption())
    .addHelpText("after", "\nExamples:\n  weft status -f examples/demo\n  weft status -f examples/demo -o json")
    .addHelpText(
      "after",
      "\nExit codes: 0 all proxies are in sync; 1 one is stale, refused something or is not there, a certificate has\n  ended, or no control plane runs; 2 wrong usage",
    )
    .action(async (options) => {
      const { meshStatus } = await import("./mesh-status.js");
      process.exitCode = await meshStatus(options);
    });
  status
    .command("plugins")
    .description("the plugins of a mesh: how far each has come, and what is wrong with it")
    .addOption(folderOption())
    .option("--events", "what happened to them, the newest last", false)
    .addOption(outputOption())
    .addHelpText(
      "after",
      "\nExamples:\n  weft status plugins -f examples/demo\n  weft status plugins -f examples/demo --events\n  weft status plugins -f examples/demo -o json",
    )
    .addHelpText("after", "\nExit codes: 0 told, whatever it is; 1 the folder cannot be read; 2 wrong usage")
    .action(async (options) => {
      const { statusPlugins } = await import("./status.js");
      process.exitCode = await statusPlugins(options);
    });

  program
    .command("analyze")
    .description("what is wrong in a folder of YAML, or does nothing, without a control plane")
    .addOption(folderOption())
    .option("--strict", "warnings count as errors", false)
    .addOption(outputOption())
    .addHelpText(
      "after",
      "\nExamples:\n  weft analyze -f examples/demo\n  weft analyze --strict -f mesh\n  weft analyze -f mesh -o json",
    )
    .addHelpText(
      "after",
      "\nExit codes: 0 nothing found, or only warnings without --strict; 1 errors, or the folder cannot be read;\n  2 wrong usage",
    )
    .action(async (options) => {
      const { analyzeFolder } = await import("./analyze.js");
      process.exitCode = await analyzeFolder(options);
    });

  program
    .command("explain")
    .description("what becomes of a request: route, destinations, TLS, policies and plugins, without a control plane")
    .addOption(folderOption())
    .requiredOption("--from <workload>", "name or namespace/name of the WorkloadEntry that asks")
    .requiredOption("--to <host[:port]>", "what it asks: a host, or namespace/name of a Service")
    .option("--path <path>", "with its query", path, "/")
    .option("--method <method>", "of HTTP", "GET")
    .option("--header <name: value>", "repeatable; host takes the place of what --to says", header, [])
    .addOption(outputOption())
    .addHelpText(
      "after",
      "\nExamples:\n  weft explain -f examples/demo --from frontend --to backend --path /x\n  weft explain -f mesh --from web --to shop/cart:8080 --method POST --header 'x-user: a' -o json",
    )
    .addHelpText(
      "after",
      "\nExit codes: 0 it is answered, redirected or let through, or that cannot be told; 1 it is refused, nothing takes it,\n  or there is no such workload; 2 wrong usage",
    )
    .action(async (options) => {
      const { explainRequest } = await import("./explain.js");
      process.exitCode = await explainRequest(options);
    });

  program
    .command("check")
    .description("whether tools, folder, control plane, proxies, certificates and plugins are as they should be")
    .addOption(folderOption())
    .addOption(outputOption())
    .addHelpText("after", "\nExamples:\n  weft check -f examples/demo\n  weft check -f examples/demo -o json")
    .addHelpText("after", "\nExit codes: 0 all ticks; 1 a cross; 2 wrong usage")
    .action(async (options) => {
      const { checkMesh } = await import("./check.js");
      process.exitCode = await checkMesh(options);
    });
}

const path = (value: string): string => {
  if (!value.startsWith("/")) throw new InvalidArgumentError("a path begins with /");
  return value;
};
const header = (value: string, list: readonly string[]): string[] => {
  if (!/^[\w-]+:/.test(value)) throw new InvalidArgumentError("write it as name: value");
  return collect(value, list);
};
