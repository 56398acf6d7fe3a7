import { type Command, Option } from "commander";
import { PARTS } from "../proxy-config/tables.js";

/** `weft proxy`: what single sidecars have. */
export function addProxyCommands(program: Command): void {
  const proxy = program.command("proxy").description("look into one sidecar");
  proxy
    .command("config")
    .argument("<proxy>", "name or namespace/name of a WorkloadEntry")
    .argument("[part]", `${PARTS.join(", ")}, or all`, "all")
    .description(
      "what a sidecar really has, asked of its Envoy: listeners, filters, routes, clusters, endpoints, certificates",
    )
    .option("-f, --file <dir>", "folder with the YAML of the mesh", ".")
    .option("--find <text>", "only rows that have this text somewhere")
    .option("--admin <host:port>", "ask this admin API (default: that of the WorkloadEntry)")
    .addOption(
      new Option("-o, --output <format>", "how it is printed: for people, or as data")
        .choices(["text", "json"])
        .default("text"),
    )
    .addHelpText(
      "after",
      "\nExamples:\n  weft proxy config frontend -f examples/demo\n  weft proxy config default/backend-v1 routes -f examples/demo\n  weft proxy config frontend endpoints --find backend -f examples/demo -o json",
    )
    .addHelpText("after", "\nExit codes: 0 told; 1 no such workload, or its Envoy does not answer; 2 wrong usage")
    .action(async (name: string, part: string, options, command: Command) => {
      const known = [...PARTS, "all" as const].find((candidate) => candidate === part);
      if (known === undefined) return command.error(`there is no part ${part}; there are ${PARTS.join(", ")} and all`);
      const { showProxyConfig } = await import("./proxy-config.js");
      process.exitCode = await showProxyConfig(name, known, options);
    });
}
