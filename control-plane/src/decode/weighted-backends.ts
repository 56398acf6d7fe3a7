import type { WeightedBackend } from "../model/gateway-route.js";
import { readReference } from "./backend-ref.js";
import { type Reader, readInteger, readList, readObject } from "./fields.js";
import { readBackendFilters } from "./gateway-filters.js";

const MAX_BACKENDS = 16;
const MAX_WEIGHT = 1_000_000;

/** https://gateway-api.sigs.k8s.io/reference/spec/#httpbackendref */
export function readBackends(own: string): Reader<WeightedBackend[]> {
  return readList(
    readObject((fields) => {
      const reference = readReference(fields, own);
      const weight = fields.optional("weight", readInteger(0, MAX_WEIGHT)) ?? 1;
      const headers = fields.optional("filters", readBackendFilters);
      return { ...reference, weight, ...(headers !== undefined && Object.keys(headers).length > 0 && { headers }) };
    }),
    { max: MAX_BACKENDS },
  );
}
