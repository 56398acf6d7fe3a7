import { AssertionError } from "node:assert";
import { Command, InvalidArgumentError, Option } from "commander";
import { addIdentityCommands, certificateTtlOption } from "./commands/identity-program.js";
import { addProxyCommands } from "./commands/proxy-program.js";

/**
 * The `weft` command. Each subcommand imports what it needs when it runs, so that `--help` is quick.
 * Exit codes: 0 done; 1 something is wrong with what was given, or could not be done; 2 wrong usage.
 */
const program = new Command("weft")
  .description("A service mesh you program in TypeScript.")
  .showHelpAfterError("(see --help)")
  .configureHelp({ sortSubcommands: true })
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
const collect = (value: string, list: readonly string[]): string[] => [...list, value];
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

program
  .command("control-plane")
  .description("serve xDS for one folder; weft up runs it")
  .requiredOption("--folder <dir>", "folder with the YAML of the mesh")
  .requiredOption("--state-dir <dir>", "for status files and the module cache")
  .option("--authority-dir <dir>", "be the certificate authority, which is kept here; made when it is missing")
  .option("--workloads-dir <dir>", "sign the requests in the workloads' folders below it")
  .option("--enrolment-port <port>", "let workloads enrol with one-time tokens at this port; 0: a free one", port)
  .addOption(certificateTtlOption())
  .option("--identity-dir <dir>", "with cert.pem, key.pem and root.pem, where somebody else is the authority")
  .option("--host <address>", "where xDS and enrolment listen", "127.0.0.1")
  .option("--admin-socket <path>", "Unix socket for weft commands on this machine (default: the folder's own)")
  .requiredOption("--envoy <path>", "Envoy 1.40, for the pre-flight of plugins")
  .option("--xds-port <port>", "port of the xDS server on 127.0.0.1", port, 15012)
  .option("--trust-domain <name>", "trust domain of the SPIFFE ids", "cluster.local")
  .option("--plain-http <registry>", "speak plain HTTP to this registry (host:port); repeatable", collect, [])
  .option("--peer <host:port>", "another replica, asked for plugins before the registry; repeatable", collectPeer, [])
  .option("--tag-poll-ms <ms>", "how often a moved tag is looked for", milliseconds, 60_000)
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

const plugin = program.command("plugin").description("make, test, run, look into, push, pull and sign plugins");
const outputOption = () =>
  new Option("-o, --output <format>", "how it is printed: for people, or as data")
    .choices(["text", "json"])
    .default("text");
const plainHttpOption = () =>
  new Option("--plain-http <registry>", "speak plain HTTP to this registry (host:port); repeatable")
    .argParser(collect)
    .default([]);
const caFileOption = () =>
  new Option("--ca-file <file>", "PEM file of authorities that the registry's certificate may come from too");
const keysOption = () =>
  new Option("--key <file>", "file with a public key; repeatable, one that fits is enough").argParser(
    (value: string, list: readonly string[] | undefined) => collect(value, list ?? []),
  );
plugin
  .command("init")
  .argument("<name>", "name of the plugin, and of the folder that is made")
  .description("make a project with a plugin that works and a test that passes")
  .addHelpText("after", "\nExample:\n  weft plugin init greet && cd greet && npm install && npx weft plugin run")
  .addHelpText("after", "\nExit codes: 0 made; 1 the name cannot be one, or the folder is not empty; 2 wrong usage")
  .action(async (name: string) => {
    const { pluginInit } = await import("./commands/plugin-init.js");
    await pluginInit(name);
  });
plugin
  .command("build")
  .argument("[dir]", "folder with plugin.yaml and assembly/index.ts", ".")
  .description("compile a plugin to build/plugin.wasm, and complete its manifest to build/plugin.yaml")
  .addOption(
    new Option("--release", "optimised, with names of functions: what is shipped (the default)").conflicts("debug"),
  )
  .option("--debug", "not optimised, with all names and build/plugin.wasm.map", false)
  .addOption(outputOption())
  .addHelpText(
    "after",
    "\nExamples:\n  weft plugin build plugins/hello\n  weft plugin build --debug\n  weft plugin build -o json",
  )
  .addHelpText(
    "after",
    "\nExit codes: 0 built, perhaps with warnings; 1 a mistake in the sources or in plugin.yaml; 2 wrong usage",
  )
  .action(async (dir: string, options) => {
    const { pluginBuild } = await import("./commands/plugin-build.js");
    process.exitCode = await pluginBuild(dir, options);
  });
plugin
  .command("test")
  .argument("[dir]", "folder with plugin.yaml", ".")
  .argument("[args...]", "for Vitest; after --")
  .description("compile a plugin and run its tests with the project's Vitest")
  .option("--watch", "again whenever the plugin or a test is saved", false)
  .addHelpText(
    "after",
    "\nExamples:\n  weft plugin test greet\n  weft plugin test --watch\n  weft plugin test -- -t header --reporter verbose",
  )
  .addHelpText("after", "\nExit codes: 0 all tests pass; 1 a test fails, or it does not compile; 2 wrong usage")
  .action(async (dir: string, args: string[], options) => {
    const { pluginTest } = await import("./commands/plugin-test.js");
    // weft plugin test -- -t name: no folder.
    const [folder, rest] = dir.startsWith("-") ? [".", [dir, ...args]] : [dir, args];
    process.exitCode = await pluginTest(folder, rest, options);
  });
plugin
  .command("run")
  .argument("[dir]", "folder with plugin.yaml", ".")
  .description("run a plugin alone in a real Envoy; what is saved is compiled, tested for load, and swapped in")
  .option("--upstream <url>", "where Envoy sends requests, http://host:port (default: an upstream that echoes)")
  .option("--config <file>", "the plugin's configuration, a JSON file; it is watched too (default: {})")
  .option("--once", "send one request, print it and its answer, and end", false)
  .option("--expect-header <name>", "with --once: exit 1 unless the answer has it (default: what package.json says)")
  .addOption(
    new Option("--log-level <level>", "the least level of the plugin's log that is shown")
      .choices(["trace", "debug", "info", "warn", "error", "critical"])
      .default("info"),
  )
  .addOption(outputOption())
  .addHelpText(
    "after",
    "\nExamples:\n  weft plugin run greet\n  weft plugin run --config config.json --upstream http://127.0.0.1:8080\n  weft plugin run greet --once --expect-header x-greet",
  )
  .addHelpText(
    "after",
    "\nExit codes: 0 ended by Ctrl-C, or the answer of --once is as expected; 1 it does not compile or load, Envoy\n  is missing or ends, or the answer lacks the header (without one: has status 500 or more); 2 wrong usage",
  )
  .action(async (dir: string, options) => {
    const { pluginRun } = await import("./commands/plugin-run.js");
    process.exitCode = await pluginRun(dir, options);
  });
plugin
  .command("inspect")
  .argument("<target>", "a .wasm file, a plugin's folder that is built, or an image reference")
  .description("tell what a plugin is: ABI, imports, exports, memory, sizes, configuration, and whether Envoy loads it")
  .addOption(plainHttpOption())
  .addOption(caFileOption())
  .option("--config <file>", "also load it with this configuration, a JSON file, and play a few requests (pre-flight)")
  .addOption(outputOption())
  .addHelpText(
    "after",
    "\nExamples:\n  weft plugin inspect build/plugin.wasm\n  weft plugin inspect . --config config.json\n  weft plugin inspect 127.0.0.1:15050/plugins/hello:0.1.0 --plain-http 127.0.0.1:15050 -o json",
  )
  .addHelpText(
    "after",
    "\nExit codes: 0 Envoy loads it, as far as can be known; 1 it cannot be read, or not be loaded: the verdict says\n  why; 2 wrong usage",
  )
  .action(async (target: string, options) => {
    const { pluginInspect } = await import("./commands/plugin-inspect.js");
    process.exitCode = await pluginInspect(target, options);
  });
plugin
  .command("push")
  .argument("<dir>", "folder with plugin.yaml and assembly/index.ts")
  .argument("<reference>", "where to, for example 127.0.0.1:15050/plugins/hello:0.1.0")
  .addOption(plainHttpOption())
  .addOption(caFileOption())
  .addOption(outputOption())
  .description("compile a plugin and push it to a registry; credentials are docker's and podman's")
  .addHelpText(
    "after",
    "\nExample:\n  weft plugin push plugins/hello 127.0.0.1:15050/plugins/hello:0.1.0 --plain-http 127.0.0.1:15050",
  )
  .addHelpText(
    "after",
    "\nExit codes: 0 pushed; 1 it does not compile, or the registry does not take it; 2 wrong usage",
  )
  .action(async (dir: string, reference: string, options) => {
    const { pluginPush } = await import("./commands/plugin-push.js");
    process.exitCode = await pluginPush(dir, reference, options);
  });
plugin
  .command("pull")
  .argument("<reference>", "the image, for example ghcr.io/acme/retry:1.0.0")
  .description("write what is in a plugin's image to a folder; every digest on the way is verified")
  .option("--to <dir>", "the folder, new or empty (default: named as the last part of the repository)")
  .addOption(plainHttpOption())
  .addOption(caFileOption())
  .addOption(outputOption())
  .addHelpText(
    "after",
    "\nExamples:\n  weft plugin pull ghcr.io/acme/retry:1.0.0\n  weft plugin pull 127.0.0.1:15050/plugins/hello:0.1.0 --to hello --plain-http 127.0.0.1:15050",
  )
  .addHelpText(
    "after",
    "\nExit codes: 0 pulled; 1 it is not there or no plugin, or the folder is not empty; 2 wrong usage",
  )
  .action(async (reference: string, options) => {
    const { pluginPull } = await import("./commands/plugin-pull.js");
    process.exitCode = await pluginPull(reference, options);
  });
plugin
  .command("sign")
  .argument("<reference>", "the image; of a tag, what it stands for now is signed, and told")
  .description("sign a plugin's image with a private key, and store the signature beside it")
  .requiredOption("--key <file>", "file with the private key; COSIGN_PASSWORD is its password, else it is asked for")
  .addOption(
    new Option("--form <form>", "how it is stored: as cosign 3 does, or as cosign 2 does")
      .choices(["bundle", "tag"])
      .default("bundle"),
  )
  .addOption(plainHttpOption())
  .addOption(caFileOption())
  .addOption(outputOption())
  .addHelpText(
    "after",
    "\nExamples:\n  weft plugin sign ghcr.io/acme/retry@sha256:… --key weft.key\n  COSIGN_PASSWORD=… weft plugin sign 127.0.0.1:15050/plugins/hello:0.1.0 --key weft.key --plain-http 127.0.0.1:15050",
  )
  .addHelpText("after", "\nExit codes: 0 signed; 1 the key or the registry does not allow it; 2 wrong usage")
  .action(async (reference: string, options) => {
    const { pluginSign } = await import("./commands/plugin-sign.js");
    process.exitCode = await pluginSign(reference, options);
  });
plugin
  .command("verify")
  .argument("<reference>", "the image")
  .description("tell whether a plugin's image is signed with one of the keys, in cosign 3's form or cosign 2's")
  .addOption(keysOption().makeOptionMandatory())
  .addOption(plainHttpOption())
  .addOption(caFileOption())
  .addOption(outputOption())
  .addHelpText(
    "after",
    "\nExamples:\n  weft plugin verify ghcr.io/acme/retry:1.0.0 --key weft.pub\n  weft plugin verify ghcr.io/acme/retry:1.0.0 --key old.pub --key new.pub -o json",
  )
  .addHelpText("after", "\nExit codes: 0 a signature holds; 1 none does, or it cannot be known; 2 wrong usage")
  .action(async (reference: string, options) => {
    const { pluginVerify } = await import("./commands/plugin-verify.js");
    process.exitCode = await pluginVerify(reference, options);
  });
plugin
  .command("generate-key-pair")
  .description("make a pair of keys for sign and verify, which cosign understands too; nothing is overwritten")
  .option("--output-prefix <path>", "path of the files without .key and .pub", "weft")
  .addOption(outputOption())
  .addHelpText(
    "after",
    "\nThe private key is encrypted with COSIGN_PASSWORD, else with a password that is asked for.\n\nExample:\n  weft plugin generate-key-pair --output-prefix keys/release",
  )
  .addHelpText("after", "\nExit codes: 0 made; 1 a file is there already; 2 wrong usage")
  .action(async (options) => {
    const { pluginGenerateKeyPair } = await import("./commands/plugin-generate-key-pair.js");
    process.exitCode = await pluginGenerateKeyPair(options);
  });
plugin
  .command("copy")
  .argument("<source>", "the image")
  .argument("<target>", "its new reference, also in another registry")
  .description("copy a plugin's image with its signatures; the digest stays")
  .addOption(plainHttpOption())
  .addOption(caFileOption())
  .addOption(outputOption())
  .addHelpText("after", "\nExample:\n  weft plugin copy ghcr.io/acme/retry:1.0.0 registry.internal/plugins/retry:1.0.0")
  .addHelpText("after", "\nExit codes: 0 copied; 1 it is not there, or a registry does not allow it; 2 wrong usage")
  .action(async (source: string, target: string, options) => {
    const { pluginCopy } = await import("./commands/plugin-copy.js");
    process.exitCode = await pluginCopy(source, target, options);
  });

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

const status = program.command("status").description("what runs where, and why not");
status
  .command("plugins")
  .description("the plugins of a mesh: how far each has come, and what is wrong with it")
  .option("-f, --file <dir>", "folder with the YAML of the mesh", ".")
  .option("--events", "what happened to them, the newest last", false)
  .addOption(outputOption())
  .addHelpText(
    "after",
    "\nExamples:\n  weft status plugins -f examples/demo\n  weft status plugins -f examples/demo --events\n  weft status plugins -f examples/demo -o json",
  )
  .addHelpText("after", "\nExit codes: 0 told, whatever it is; 1 the folder cannot be read; 2 wrong usage")
  .action(async (options) => {
    const { statusPlugins } = await import("./commands/status.js");
    process.exitCode = await statusPlugins(options);
  });

try {
  await program.parseAsync();
} catch (error) {
  // What the world or the user did wrong is told in one line; anything else is a bug and keeps its stack.
  const isExpected = error instanceof Error && "code" in error && !(error instanceof AssertionError);
  console.error(isExpected ? `weft: ${(error as Error).message}` : error);
  if (isExpected && "hint" in error && typeof error.hint === "string") console.error(`Fix: ${error.hint}`);
  process.exitCode = 1;
}
