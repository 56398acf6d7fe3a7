import type { HttpRoute } from "../model/http-route.js";
import { resolveHost } from "../model/service.js";
import type { VirtualService } from "../model/virtual-service.js";
import { readDestinations } from "./destination.js";
import { readDurationMs } from "./duration.js";
import { readExportTo } from "./export-to.js";
import { type Field, type Reader, readList, readObject, readString } from "./fields.js";
import { readMeshGateways } from "./gateways.js";
import { readHttpMatch } from "./http-match.js";
import type { Metadata } from "./metadata.js";
import { readHost } from "./names.js";
import { readRetries } from "./retries.js";

const LATER = "remove it; it comes with a later version";

/**
 * A networking.istio.io VirtualService for HTTP traffic inside the mesh.
 * https://istio.io/latest/docs/reference/config/networking/virtual-service/
 */
export function readVirtualService(metadata: Metadata): Reader<VirtualService> {
  return readObject((fields, field) => {
    const { namespace, name } = metadata;
    fields.optional("gateways", readMeshGateways);
    fields.unsupported({ tcp: LATER, tls: LATER });
    readExportTo(fields);
    const hosts = fields.required("hosts", readList(readHost, { min: 1, max: 100 }), "name the hosts of the routes");
    const http = fields.required("http", readList(readRoute(namespace), { min: 1 }), "add at least one route") ?? [];
    warnUnreachable(http, field);
    const resolved = (hosts ?? []).map((host) => resolveHost(host, namespace));
    return { namespace, name, hosts: [...new Set(resolved)], http, tcp: [], tls: [] };
  });
}

function readRoute(namespace: string): Reader<HttpRoute> {
  return readObject((fields) => {
    fields.unsupported({
      corsPolicy: LATER,
      delegate: LATER,
      directResponse: LATER,
      fault: LATER,
      headers: LATER,
      mirror: LATER,
      mirrorPercent: LATER,
      mirrorPercentage: LATER,
      mirror_percent: LATER,
      mirrors: LATER,
      redirect: LATER,
      rewrite: LATER,
    });
    const name = fields.optional("name", readString(253));
    const matches = fields.optional("match", readList(readHttpMatch, { max: 100 })) ?? [];
    const destinations = fields.required("route", readDestinations(namespace), "name where the requests go") ?? [];
    const timeoutMs = fields.optional("timeout", readDurationMs(0));
    const retries = fields.optional("retries", readRetries);
    return {
      matches,
      action: { kind: "forward", destinations },
      ...(name !== undefined && { name }),
      // In Istio 0s switches the limit off.
      ...(timeoutMs !== undefined && timeoutMs > 0 && { timeoutMs }),
      ...(retries !== undefined && { retries }),
    };
  });
}

function warnUnreachable(http: readonly HttpRoute[], field: Field): void {
  const catchAll = http.findIndex(
    ({ matches }) =>
      matches.length === 0 || matches.some(({ uri, method, headers }) => !uri && !method && headers.length === 0),
  );
  if (catchAll < 0 || catchAll === http.length - 1) return;
  field.problems.warning(
    [...field.path, "http", catchAll + 1],
    "UnreachableRoute",
    `is never used, because http[${catchAll}] before it takes every request`,
    `move it before http[${catchAll}]`,
  );
}
