import { type Command, Option } from "commander";
import { caFileOption, collect, outputOption, plainHttpOption } from "./options.js";

const keysOption = () =>
  new Option("--key <file>", "file with a public key; repeatable, one that fits is enough").argParser(
    (value: string, list: readonly string[] | undefined) => collect(value, list ?? []),
  );

/** `weft plugin …` */
export function addPluginCommands(program: Command): void {
  const plugin = program.command("plugin").description("make, test, run, look into, push, pull and sign plugins");
  plugin
    .command("init")
    .argument("<name>", "name of the plugin, and of the folder that is made")
    .description("make a project with a plugin that works and a test that passes")
    .addHelpText("after", "\nExample:\n  weft plugin init greet && cd greet && npm install && npx weft plugin run")
    .addHelpText("after", "\nExit codes: 0 made; 1 the name cannot be one, or the folder is not empty; 2 wrong usage")
    .action(async (name: string) => {
      const { pluginInit } = await import("./plugin-init.js");
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
      const { pluginBuild } = await import("./plugin-build.js");
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
      const { pluginTest } = await import("./plugin-test.js");
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
      const { pluginRun } = await import("./plugin-run.js");
      process.exitCode = await pluginRun(dir, options);
    });
  plugin
    .command("inspect")
    .argument("<target>", "a .wasm file, a plugin's folder that is built, or an image reference")
    .description(
      "tell what a plugin is: ABI, imports, exports, memory, sizes, configuration, and whether Envoy loads it",
    )
    .addOption(plainHttpOption())
    .addOption(caFileOption())
    .option(
      "--config <file>",
      "also load it with this configuration, a JSON file, and play a few requests (pre-flight)",
    )
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
      const { pluginInspect } = await import("./plugin-inspect.js");
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
      const { pluginPush } = await import("./plugin-push.js");
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
      const { pluginPull } = await import("./plugin-pull.js");
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
      const { pluginSign } = await import("./plugin-sign.js");
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
      const { pluginVerify } = await import("./plugin-verify.js");
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
      const { pluginGenerateKeyPair } = await import("./plugin-generate-key-pair.js");
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
    .addHelpText(
      "after",
      "\nExample:\n  weft plugin copy ghcr.io/acme/retry:1.0.0 registry.internal/plugins/retry:1.0.0",
    )
    .addHelpText("after", "\nExit codes: 0 copied; 1 it is not there, or a registry does not allow it; 2 wrong usage")
    .action(async (source: string, target: string, options) => {
      const { pluginCopy } = await import("./plugin-copy.js");
      process.exitCode = await pluginCopy(source, target, options);
    });
}
