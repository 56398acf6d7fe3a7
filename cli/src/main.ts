import { AssertionError } from "node:assert";
import { Command, InvalidArgumentError, Option } from "commander";
import { addIdentityCommands, certificateTtlOption } from "./commands/identity-program.js";
import { addInjectCommand } from "./commands/inject-program.js";
import { addMeshCommands } from "./commands/mesh-program.js";
import { collect, outputOption } from "./commands/options.js";
import { addPluginCommands } from "./commands/plugin-program.js";
import { addProxyCommands } from "./commands/proxy-program.js";

/**
 * The `weft` command. Each subcommand imports what it needs when it runs, so that `--help` is quick.
 * Exit codes: 0 done; 1 something is wrong with what was given, or could not be done; 2 wrong usage.
 */
const program = new Command("weft")
  .description("A service mesh you program in TypeScript.")
  .showHelpAfterError("(see --help)")
  .configureHelp({ sortSubcommands: true })
  // weft status and weft status plugins have options of the same names.
  .enablePositionalOptions()
  .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2));

const port = (text: string): number => {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0 || value > 65535) throw new InvalidArgumentError("a port is 0 to 65535");
  return value;
};
const milliseconds = (text: string): number => {
  const value = Number(text);
  if (!Number.isFinite(value) || value < 10) throw new InvalidArgumentError("at least 10 milliseconds");
  return value;
};
const METRICS_PORT_HELP =
  "serve /metrics, /healthz and /readyz of the control plane at this port of 127.0.0.1 (default: nowhere)";
const collectPeer = (value: string, list: readonly string[]): string[] => {
  if (!/^([\w.-]+|\[[\da-f:.]+\]):\d{1,5}$/i.test(value)) throw new InvalidArgumentError("write it as host:port");
  return collect(value, list);
};

program
  .command("up")
  .argument("<folder>", "folder with the YAML of the mesh")
  .description("run a standalone mesh: registry, control plane, and a sidecar for each WorkloadEntry")
  .option("--plugins <dir>", "compile and push the plugins below this folder, again at every change")
  .option("--registry-port <port>", "port of the embedded registry on 127.0.0.1", port, 15050)
  .option("--trust-domain <name>", "trust domain of the SPIFFE ids", "cluster.local")
  .addOption(certificateTtlOption())
  .option("--tag-poll-ms <ms>", "how often a moved tag is looked for (imagePullPolicy: Always)", milliseconds, 300)
  .option("--metrics-port <port>", METRICS_PORT_HELP, port)
  .option("--tour", "once it runs, send the demo's traffic and show what was observed", false)
  .addHelpText("after", "\nExample:\n  weft up examples/demo --plugins plugins")
  .action(async (folder: string, options) => {
    const { up } = await import("./commands/up.js");
    await up(folder, options);
  });

program
  .command("demo")
  .argument("<folder>", "the demo's folder")
  .description("run the demonstration on a copy, with faults; 0 if every check is ok, else 1")
  .requiredOption("--plugins <dir>", "the folder with the plugins' sources")
  .option("--without <plugin>", "leave this plugin out; repeatable", collect, [])
  .addOption(new Option("--output <format>", "how the checks are printed").choices(["table", "json"]).default("table"))
  .addHelpText("after", "\nExample:\n  weft demo examples/demo --plugins plugins --without retry")
  .action(async (folder: string, options) => {
    const { demo } = await import("./commands/demo.js");
    process.exitCode = await demo(folder, options);
  });

const INJECTION_SETTINGS_HELP =
  "what sidecars are given, in a cluster; without it no webhooks are served (default: the chart's, where it is mounted)";
program
  .command("control-plane")
  .description("serve xDS for one folder, as weft up does, or for one cluster")
  .option("--folder <dir>", "folder with the YAML of the mesh")
  .option("--kubernetes", "the mesh is in a cluster")
  .option("--kubeconfig <file>", "how the cluster is reached (default: as the control plane's own pod)")
  .option("--namespace <name>", "the control plane's own (default: $POD_NAMESPACE, else weft-system)")
  .option("--pod-name <name>", "by which replicas are told apart (default: $POD_NAME, else the host's name)")
  .requiredOption("--state-dir <dir>", "for the module cache, and with a folder the status files")
  .option("--authority-dir <dir>", "be the certificate authority, which is kept here; made when it is missing")
  .option("--workloads-dir <dir>", "sign the requests in the workloads' folders below it")
  .option("--enrolment-port <port>", "let workloads enrol with one-time tokens at this port; 0: a free one", port)
  .addOption(certificateTtlOption())
  .option("--identity-dir <dir>", "with cert.pem, key.pem and root.pem, where somebody else is the authority")
  .option("--host <address>", "where xDS and enrolment listen", "127.0.0.1")
  .option("--admin-socket <path>", "Unix socket for weft commands on this machine (default: the folder's own)")
  .requiredOption("--envoy <path>", "Envoy 1.40, for the pre-flight of plugins")
  .option("--xds-port <port>", "port of the xDS server on 127.0.0.1", port, 15012)
  .option("--insecure-xds-port <port>", "serve xDS without TLS on this port of 127.0.0.1 too, for benchmarks", port)
  .option("--trust-domain <name>", "trust domain of the SPIFFE ids", "cluster.local")
  .option("--plain-http <registry>", "speak plain HTTP to this registry (host:port); repeatable", collect, [])
  .option("--peer <host:port>", "another replica, asked for plugins before the registry; repeatable", collectPeer, [])
  .option("--tag-poll-ms <ms>", "how often a moved tag is looked for", milliseconds, 60_000)
  .option("--injection-settings <file>", INJECTION_SETTINGS_HELP)
  .option("--webhook-port <port>", "port of the webhooks, in a cluster; 0: a free one", port, 15017)
  .option("--webhook-url <url>", "https://name:port by which the API server calls them (default: by the Service)")
  .option("--metrics-port <port>", METRICS_PORT_HELP, port)
  .option("--metrics-host <address>", "where metrics and probes listen; everybody who reaches it can read", "127.0.0.1")
  .addOption(new Option("--log-format <format>", "of the log").choices(["text", "json"]).default("text"))
  .addHelpText(
    "after",
    "\nExample:\n  weft control-plane --folder mesh --state-dir mesh/.weft --authority-dir mesh/.weft/authority --enrolment-port 15013 --envoy /usr/bin/envoy",
  )
  .action(async (options) => {
    const { controlPlane } = await import("./commands/control-plane.js");
    await controlPlane(options);
  });

program
  .command("sidecar")
  .description("run one workload's Envoy; its identity is signed by whoever watches the workload's folder")
  .requiredOption("--dir <dir>", "the workload's folder")
  .requiredOption("--workload <namespace/name>", "which WorkloadEntry this is")
  .requiredOption("--address <ip>", "the workload's address")
  .requiredOption("--xds <host:port>", "the control plane")
  .addOption(
    new Option("--interception <way>", "redirect: the rules of weft intercept are in force, and Envoy is their user")
      .choices(["none", "redirect"])
      .default("none"),
  )
  .option("--service-account <name>", "of the workload", "default")
  .option("--trust-domain <name>", "trust domain of the SPIFFE ids", "cluster.local")
  .addHelpText(
    "after",
    "\nExample:\n  weft sidecar --dir mesh/.weft/workloads/default.web --workload default/web --address 127.0.1.9 --xds 127.0.0.1:15012",
  )
  .action(async (options) => {
    const { sidecar } = await import("./commands/sidecar.js");
    await sidecar(options);
  });

const entries = (value: string, list: readonly string[]): string[] => [
  ...list,
  ...value.split(",").map((v) => v.trim()),
];
program
  .command("intercept")
  .description("write the iptables rules that send a workload's traffic through its sidecar")
  .option("--inbound-port <port>", "where the sidecar takes what arrives (default: 15006)")
  .option("--outbound-port <port>", "where the sidecar takes what the app sends (default: 15001)")
  .option("--uid <uid>", "user of the sidecar, whose traffic is left alone (default: 1337)")
  .option("--gid <gid>", "group of the sidecar, likewise (default: 1337)")
  .option(
    "--include-inbound-port <ports>",
    "only these ports of the app; lists are repeatable, or by comma",
    entries,
    [],
  )
  .option("--exclude-inbound-port <ports>", "not these; the sidecar's own never are", entries, [])
  .option("--include-outbound-port <ports>", "only calls to these ports", entries, [])
  .option("--exclude-outbound-port <ports>", "not calls to these ports", entries, [])
  .option("--include-outbound-cidr <ranges>", "only calls to these addresses; with ports: either", entries, [])
  .option("--exclude-outbound-cidr <ranges>", "not calls to these addresses", entries, [])
  .option("--exclude-uid <uids>", "not what these users send", entries, [])
  .option("--exclude-gid <gids>", "not what these groups send", entries, [])
  .option("--capture-dns", "questions to port 53 go to the sidecar too", false)
  .option("--dns-port <port>", "where the sidecar answers them (default: 15053)")
  .option("--dns-server <addresses>", "only questions to these servers", entries, [])
  .addOption(
    new Option("--backend <way>", "which iptables: auto takes the one in use, else nft if the kernel has it")
      .choices(["auto", "nft", "legacy"])
      .default("auto"),
  )
  .option("--ipv4-only", "leave IPv6 alone", false)
  .addOption(new Option("--dry-run", "print the rules only").default(false).conflicts(["undo", "check"]))
  .addOption(new Option("--undo", "remove all of ours, and nothing else").default(false).conflicts("check"))
  .addOption(new Option("--check", "only look whether exactly these rules are in force").default(false))
  .addOption(
    new Option("-o, --output <format>", "how it is printed: for people, or as data")
      .choices(["text", "json"])
      .default("text"),
  )
  .addHelpText(
    "after",
    "\nExamples:\n  weft intercept --dry-run\n  ip netns exec web weft intercept --capture-dns\n  weft intercept --exclude-outbound-port 5432,6379 --exclude-outbound-cidr 169.254.169.254\n  weft intercept --check -o json\n  weft intercept --undo",
  )
  .addHelpText(
    "after",
    "\nExit codes: 0 done, or as asked for; 1 --check finds something else, there is no NET_ADMIN or no iptables, or\n  the kernel does not take the rules; 2 wrong usage",
  )
  .action(async (options) => {
    const { intercept } = await import("./commands/intercept.js");
    process.exitCode = await intercept(options);
  });

program
  .command("translate")
  .description("print what a proxy would get from a folder, without a server")
  .requiredOption("-f, --file <dir>", "folder with the YAML of the mesh")
  .requiredOption("--proxy <namespace/name>", "the WorkloadEntry")
  .addOption(new Option("-o, --output <format>", "how it is printed").choices(["yaml", "json"]).default("yaml"))
  .addHelpText("after", "\nExample:\n  weft translate -f examples/demo --proxy default/frontend")
  .action(async (options) => {
    const { translateFolder } = await import("./commands/translate.js");
    process.exitCode = await translateFolder(options);
  });

addInjectCommand(program);
addPluginCommands(program);

const registry = program.command("registry").description("the embedded registry");
registry
  .command("serve")
  .description("run the embedded registry alone, until Ctrl-C")
  .option("--host <address>", "where it listens", "127.0.0.1")
  .option("--port <port>", "where it listens; 0: any free port", port, 5000)
  .option("--dir <dir>", "where the content is kept")
  .option("--memory", "keep the content in memory, until it ends", false)
  .option("--htpasswd <file>", "users with bcrypt hashes, as htpasswd -B writes them (default: anybody may push)")
  .addOption(
    new Option("--auth <scheme>", "with --htpasswd: how users show their password")
      .choices(["basic", "token"])
      .default("basic"),
  )
  .option("--anonymous-pull", "with --htpasswd: reading needs no user", false)
  .option("--tls-cert <file>", "PEM file of the certificate (default: plain HTTP)")
  .option("--tls-key <file>", "PEM file of its private key")
  .option("--verbose", "print each request", false)
  .addOption(outputOption())
  .addHelpText(
    "after",
    "\nExamples:\n  weft registry serve --dir registry\n  weft registry serve --memory --port 0 -o json\n  weft registry serve --dir registry --host 0.0.0.0 --htpasswd users --tls-cert cert.pem --tls-key key.pem",
  )
  .addHelpText(
    "after",
    "\nExit codes: 0 ended by Ctrl-C or SIGTERM; 1 the address, the folder or a file cannot be used; 2 wrong usage",
  )
  .action(async (options, command: Command) => {
    if ((options.dir === undefined) !== options.memory)
      command.error("say where the content is kept: --dir or --memory");
    const { registryServe } = await import("./commands/registry.js");
    process.exitCode = await registryServe(options);
  });

const rollout = program
  .command("rollout")
  .description("new versions of plugins on their way to the proxies, step by step");
const meshFolderOption = () =>
  new Option("-f, --file <dir>", "folder with the YAML of the mesh, which weft up runs").default(".");
rollout
  .command("status")
  .argument("[plugin]", "name or namespace/name of a WasmPlugin (default: all)")
  .description("where the rollouts stand, what comes next, and why one went back")
  .addOption(meshFolderOption())
  .addOption(outputOption())
  .addHelpText(
    "after",
    "\nExamples:\n  weft rollout status -f examples/demo\n  weft rollout status canary -f examples/demo -o json",
  )
  .addHelpText("after", "\nExit codes: 0 told; 1 no control plane runs, or the plugin has no rollout; 2 wrong usage")
  .action(async (plugin: string | undefined, options) => {
    const { rolloutStatus } = await import("./commands/rollout.js");
    process.exitCode = await rolloutStatus(plugin, options);
  });
for (const [action, description] of [
  ["pause", "keep a rollout at its step; it still goes back when the version does harm"],
  ["resume", "let a paused rollout go on"],
  ["abort", "go back to the version in force, and never try the new one again"],
] as const)
  rollout
    .command(action)
    .argument("[plugin]", "name or namespace/name of a WasmPlugin (default: the one rollout that is under way)")
    .description(description)
    .addOption(meshFolderOption())
    .addOption(outputOption())
    .addHelpText("after", `\nExample:\n  weft rollout ${action} canary -f examples/demo`)
    .addHelpText("after", "\nExit codes: 0 done; 1 no control plane runs, or no rollout is under way; 2 wrong usage")
    .action(async (plugin: string | undefined, options) => {
      const { rolloutAct } = await import("./commands/rollout.js");
      process.exitCode = await rolloutAct(action, plugin, options);
    });

addProxyCommands(program);
addIdentityCommands(program);
addMeshCommands(program);

try {
  await program.parseAsync();
} catch (error) {
  // What the world or the user did wrong is told in one line; anything else is a bug and keeps its stack.
  const isExpected = error instanceof Error && "code" in error && !(error instanceof AssertionError);
  console.error(isExpected ? `weft: ${(error as Error).message}` : error);
  if (isExpected && "hint" in error && typeof error.hint === "string") console.error(`Fix: ${error.hint}`);
  process.exitCode = 1;
}
