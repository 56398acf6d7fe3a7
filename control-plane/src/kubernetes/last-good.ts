import { isDeepStrictEqual } from "node:util";
import { gunzipSync, gzipSync } from "node:zlib";
import { compareStrings } from "../model/compare.js";
import type { Diagnostic } from "../model/diagnostic.js";
import type { MeshObject } from "../model/mesh-object.js";
import { objectKey } from "../model/object-ref.js";
import type { VirtualService } from "../model/virtual-service.js";
import { isRecord, statusKey } from "../status/document.js";
import type { KubernetesApi } from "./api.js";
import { objectPath } from "./api-path.js";

/** What is in force although its object says something else by now, so that a restart does not take it away. */
export interface LastGood {
  /** Earlier readings of objects that are refused now. Never Secrets. */
  readonly objects: readonly MeshObject[];
  /** Of VirtualServices that name something missing now: those whose references held. */
  readonly virtualServices: readonly VirtualService[];
}

export const NOTHING_KEPT: LastGood = { objects: [], virtualServices: [] };

/** Picks from what is in force what no object of the cluster says any more. In a total order. */
export function lastGoodOf(inForce: {
  readonly objects: ReadonlyMap<string, { readonly object: MeshObject }>;
  readonly virtualServices: ReadonlyMap<string, VirtualService>;
  readonly diagnostics: readonly Diagnostic[];
}): LastGood {
  const refused = new Set(
    inForce.diagnostics.flatMap(({ severity, object }) =>
      severity === "error" && object !== undefined ? [statusKey(object)] : [],
    ),
  );
  const objects = [...refused]
    .sort(compareStrings)
    .flatMap((key) => inForce.objects.get(key)?.object ?? [])
    .filter(({ kind }) => kind !== "Secret");
  const virtualServices = [...inForce.virtualServices.values()]
    .filter((value) => {
      const said = inForce.objects.get(statusKey({ kind: "VirtualService", ...value }))?.object;
      // What was read again without a change is the same.
      return said?.value !== value && !isDeepStrictEqual(said?.value, value);
    })
    .sort((a, b) => compareStrings(objectKey(a), objectKey(b)));
  return { objects, virtualServices };
}

export interface LastGoodStore {
  /** What the last run kept; nothing when there is none that can be used. */
  read(): Promise<LastGood>;
  /** Writes it if it is another than what was read or written last. @throws Error that says what to do */
  write(lastGood: LastGood): Promise<void>;
}

/** Changes when the model does: readings of another shape are of no use. */
const FORMAT = 1;
const FIELD = "last-good.json.gz";
/** etcd takes 1.5 MB of an object, with all its fields and as base64. */
const MAX_BYTES = 900 * 1024;
/** What unpacks to more is not ours. */
const MAX_TEXT_BYTES = 64 * 1024 * 1024;

/** The ConfigMap in which it is kept, packed. */
export function createLastGoodStore({
  api,
  namespace,
  name,
  onProblem,
}: {
  readonly api: KubernetesApi;
  readonly namespace: string;
  readonly name: string;
  readonly onProblem: (message: string) => void;
}): LastGoodStore {
  const collection = objectPath({ group: "", version: "v1", plural: "configmaps", namespace });
  const path = `${collection}/${name}`;
  let stored: LastGood | undefined;

  return {
    async read() {
      const { status, body, message } = await api.ask({ method: "GET", path });
      if (status === 404) return NOTHING_KEPT;
      if (status !== 200)
        throw new Error(`cannot read the ConfigMap ${namespace}/${name}: ${status} ${message}${hintFor(status)}`);
      stored = unpack(body);
      return stored ?? NOTHING_KEPT;
    },
    async write(lastGood) {
      if (isDeepStrictEqual(plain(lastGood), stored)) return;
      const isEmpty = lastGood.objects.length + lastGood.virtualServices.length === 0;
      if (isEmpty && stored === undefined) return;
      const { packed, kept } = pack(lastGood);
      const left = lastGood.objects.length + lastGood.virtualServices.length - kept;
      if (left > 0)
        onProblem(
          `of what is in force and refused now, ${left} objects do not fit into the ConfigMap ${name}: correct them before the control plane is restarted`,
        );
      const object = {
        apiVersion: "v1",
        kind: "ConfigMap",
        metadata: { name, namespace },
        binaryData: { [FIELD]: packed.toString("base64") },
      };
      let answer = await api.ask({ method: "PATCH", path, body: object });
      if (answer.status === 404) answer = await api.ask({ method: "POST", path: collection, body: object });
      if (answer.status !== 200 && answer.status !== 201)
        throw new Error(
          `cannot write the ConfigMap ${namespace}/${name}: ${answer.status} ${answer.message}${hintFor(answer.status)}`,
        );
      stored = plain(lastGood);
    },
  };
}

function hintFor(status: number): string {
  return status === 401 || status === 403
    ? "; give the control plane's service account get, create and patch of configmaps in its namespace"
    : "";
}

/** As it comes back. */
function plain(lastGood: LastGood): LastGood {
  return JSON.parse(JSON.stringify(lastGood)) as LastGood;
}

/** Packs as much as fits, leaving out the largest first. */
function pack(lastGood: LastGood): { readonly packed: Buffer; readonly kept: number } {
  const all = [
    ...lastGood.objects.map((object) => ({ object, size: JSON.stringify(object).length })),
    ...lastGood.virtualServices.map((virtualService) => ({
      virtualService,
      size: JSON.stringify(virtualService).length,
    })),
  ].sort((a, b) => a.size - b.size);
  for (let kept = all.length; ; kept = Math.floor(kept * 0.9)) {
    const some = all.slice(0, kept);
    const objects = some.flatMap((one) => ("object" in one ? [one.object] : []));
    const virtualServices = some.flatMap((one) => ("virtualService" in one ? [one.virtualService] : []));
    const packed = gzipSync(JSON.stringify({ format: FORMAT, objects, virtualServices }));
    if (packed.length <= MAX_BYTES || kept === 0) return { packed, kept };
  }
}

function unpack(body: unknown): LastGood | undefined {
  const { binaryData } = (isRecord(body) ? body : {}) as Readonly<Record<string, unknown>>;
  const packed = isRecord(binaryData) ? binaryData[FIELD] : undefined;
  if (typeof packed !== "string") return undefined;
  try {
    const text = gunzipSync(Buffer.from(packed, "base64"), { maxOutputLength: MAX_TEXT_BYTES }).toString("utf8");
    const { format, objects, virtualServices } = JSON.parse(text) as Readonly<Record<string, unknown>>;
    if (format !== FORMAT || !Array.isArray(objects) || !Array.isArray(virtualServices)) return undefined;
    return { objects, virtualServices };
  } catch {
    // Of another release, or edited by hand: then the objects say all there is.
    return undefined;
  }
}
