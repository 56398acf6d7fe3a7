import { isDeepStrictEqual } from "node:util";
import type { ApiObject, ApiServer } from "../identity/kubernetes/api-server.js";
import type { JsonObject } from "./json.js";

const PATHS: Readonly<Record<string, string>> = {
  MutatingWebhookConfiguration: "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations",
  ValidatingWebhookConfiguration: "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations",
};
const MAX_ATTEMPTS = 5;

/**
 * Makes the webhooks of the configurations that are there these ones; the objects are the chart's, which made and removes
 * them.
 *
 * @returns names of those that were written, and of those that are not there
 */
export async function registerWebhooks(
  api: ApiServer,
  configurations: readonly JsonObject[],
): Promise<{ readonly written: readonly string[]; readonly missing: readonly string[] }> {
  const written: string[] = [];
  const missing: string[] = [];
  for (const configuration of configurations) {
    const { name } = configuration.metadata as { readonly name: string };
    const became = await register(api, `${PATHS[configuration.kind as string]}/${name}`, configuration.webhooks);
    if (became === "written") written.push(name);
    if (became === "missing") missing.push(name);
  }
  return { written, missing };
}

async function register(api: ApiServer, path: string, webhooks: unknown): Promise<"same" | "written" | "missing"> {
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const found: ApiObject | undefined = await api.read(path);
    if (found === undefined) return "missing";
    if (has(found.webhooks, webhooks)) return "same";
    if ((await api.replace(path, { ...found, webhooks })) !== undefined) return "written";
  }
  throw new Error(`${path} changes faster than it can be written: who else writes it?`);
}

/** Whether all that is wanted is there; the API server adds its defaults. */
function has(found: unknown, wanted: unknown): boolean {
  if (Array.isArray(wanted))
    return (
      Array.isArray(found) && found.length === wanted.length && wanted.every((value, index) => has(found[index], value))
    );
  if (typeof wanted !== "object" || wanted === null) return isDeepStrictEqual(found, wanted);
  if (typeof found !== "object" || found === null) return false;
  return Object.entries(wanted).every(([key, value]) => has((found as Readonly<Record<string, unknown>>)[key], value));
}
