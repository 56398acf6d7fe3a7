import { type Command, Option } from "commander";
import { collect } from "./options.js";

/** `weft inject`: sidecars for manifests, without a webhook. */
export function addInjectCommand(program: Command): void {
  program
    .command("inject")
    .description("put sidecars into the pods of manifests, as the webhook does into pods that are made")
    .requiredOption(
      "-f, --file <file>",
      "YAML or JSON with any number of objects; - is standard input; repeatable",
      collect,
      [],
    )
    .option("-n, --namespace <name>", "of objects that do not say theirs", "default")
    .option(
      "--settings <file>",
      "what the operator decides for all pods: injection.yaml of ConfigMap weft-control-plane",
    )
    .option("--init-image <image>", "of the init container (default: weft-init of this version)")
    .option("--proxy-image <image>", "of the sidecar (default: envoyproxy/envoy:v1.40.0)")
    .option("--capture-dns", "send the apps' DNS questions to the sidecar too")
    .option("--trust-domain <name>", "trust domain of the SPIFFE ids", "cluster.local")
    .option("--root-namespace <name>", "where the control plane runs", "weft-system")
    .addOption(
      new Option("-o, --output <format>", "how the manifests are printed").choices(["yaml", "json"]).default("yaml"),
    )
    .addHelpText(
      "after",
      `
Pods, Deployments, ReplicaSets, StatefulSets, DaemonSets, Jobs, CronJobs, PodTemplates, ReplicationControllers and lists
of them are injected; all else is printed as it is. What became of each object goes to standard error.

Examples:
  weft inject -f app.yaml | kubectl apply -f -
  kubectl get deployment web -o yaml | weft inject -f - --init-image registry.example.com/weft/weft-init:0.1.0
  kubectl get configmap -n weft-system weft-control-plane -o jsonpath='{.data.injection\\.yaml}' > settings.yaml
  weft inject -f app.yaml --settings settings.yaml`,
    )
    .addHelpText(
      "after",
      "\nExit codes: 0 done; 1 an object was refused or a file cannot be read, and nothing is printed; 2 wrong usage",
    )
    .action(async (options, command: Command) => {
      if (options.file.length === 0) command.error("name a file: -f FILE, or -f - for standard input");
      const { injectCommand } = await import("./inject.js");
      process.exitCode = await injectCommand(options);
    });
}
