import { createRequire } from "node:module";
import { Worker } from "node:worker_threads";
import type { ErrorObject } from "ajv/dist/2020.js";
import type { ModuleProblem } from "./module-problem.js";

/** The schema comes from an image: a regular expression in it may take for ever, so it must not hold up the rest. */
const TIMEOUT_MS = 5000;
/** Until the check begins: on a node that is busy a thread and what it loads take their time, which is no fault of the schema. */
const START_TIMEOUT_MS = 60_000;
const MEMORY_MB = 64;

/** The worker begins to check, or what it found: the schema is wrong, or these are the faults of the configuration. */
type Said = "begins" | Verdict;
type Verdict = { readonly schemaProblem: string } | { readonly errors: readonly ErrorObject[] };

/** Runs as text, so that it is the same from sources and from a build. Not strict: a schema may use unknown keywords. */
const WORKER = `
const { parentPort, workerData: { ajvPath, config, schema } } = require("node:worker_threads");
const { Ajv2020 } = require(ajvPath);
parentPort.postMessage("begins");
const ajv = new Ajv2020({ allErrors: true, strict: false, validateFormats: false });
let validate;
try {
  validate = ajv.compile(schema);
} catch (error) {
  parentPort.postMessage({ schemaProblem: error.message });
}
if (validate !== undefined) {
  validate(JSON.parse(config));
  parentPort.postMessage({ errors: validate.errors ?? [] });
}
`;

/** Checks a plugin's configuration against the JSON Schema in its image. Undefined when it fits, or without a schema. */
export function checkConfig(
  config: string,
  schema: Readonly<Record<string, unknown>> | undefined,
): Promise<ModuleProblem | undefined> {
  if (schema === undefined) return Promise.resolve(undefined);
  const ajvPath = createRequire(import.meta.url).resolve("ajv/dist/2020.js");
  return new Promise((done, fail) => {
    const worker = new Worker(WORKER, {
      eval: true,
      workerData: { ajvPath, config, schema },
      resourceLimits: { maxOldGenerationSizeMb: MEMORY_MB },
    });
    let timer = setTimeout(() => {
      void worker.terminate();
      fail(new Error(`the check of spec.pluginConfig did not begin within ${START_TIMEOUT_MS} ms`));
    }, START_TIMEOUT_MS);
    worker.on("message", (said: Said) => {
      clearTimeout(timer);
      if (said === "begins") {
        timer = setTimeout(() => {
          void worker.terminate();
          done({
            reason: "InvalidSchema",
            message: `checking spec.pluginConfig against the image's configSchema took more than ${TIMEOUT_MS} ms; simplify its patterns`,
          });
        }, TIMEOUT_MS);
        return;
      }
      void worker.terminate();
      done(problemOf(said));
    });
    worker.once("error", (error) => {
      clearTimeout(timer);
      fail(error);
    });
  });
}

function problemOf(verdict: Verdict): ModuleProblem | undefined {
  if ("schemaProblem" in verdict)
    return { reason: "InvalidSchema", message: `configSchema in the image's plugin.yaml: ${verdict.schemaProblem}` };
  if (verdict.errors.length === 0) return undefined;
  const faults = verdict.errors.slice(0, 5).map((error) => `spec.pluginConfig${describe(error)}`);
  return { reason: "InvalidConfig", message: faults.join("; ") };
}

function describe({ instancePath, message, params }: ErrorObject): string {
  const field = instancePath.replaceAll("/", ".");
  const extra = "additionalProperty" in params ? ` (${params.additionalProperty})` : "";
  const allowed = "allowedValues" in params ? ` (${JSON.stringify(params.allowedValues)})` : "";
  return `${field} ${message ?? "is wrong"}${extra}${allowed}`;
}
