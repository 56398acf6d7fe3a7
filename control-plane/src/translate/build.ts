import assert from "node:assert/strict";
import type { Resource } from "../model/resource.js";
import type { Service, ServicePort } from "../model/service.js";
import type { Snapshot } from "../model/snapshot.js";
import type { Workload } from "../model/workload.js";
import { buildInboundCluster, buildOutboundCluster } from "./clusters.js";
import { buildEndpoints } from "./endpoints.js";
import { buildSlot } from "./extension-configs.js";
import { buildInboundListener, buildOutboundListener } from "./listeners.js";
import { IDENTITY_SECRET, OUTBOUND_LISTENER } from "./names.js";
import { type Ref, slotPlugins } from "./ref.js";
import { buildOutboundRoutes } from "./routes.js";
import { buildIdentitySecret, buildTrustSecret } from "./secrets.js";

/** Makes the resource that a ref, selected from the same snapshot, names. */
export function build(ref: Ref, snapshot: Snapshot): Resource {
  switch (ref.type) {
    case "cluster": {
      if (ref.name.startsWith("inbound|")) {
        const { workload, service, port } = inboundSite(ref, snapshot);
        return buildInboundCluster(snapshot, workload, service, port);
      }
      const { service, port, subset } = outboundSite(ref, snapshot);
      return buildOutboundCluster(snapshot, service, port, subset);
    }
    case "endpoints": {
      const { service, port, subset } = outboundSite(ref, snapshot);
      return buildEndpoints(snapshot, service, port, subset);
    }
    case "listener": {
      if (ref.name === OUTBOUND_LISTENER) return buildOutboundListener(snapshot, workloadAt(ref.variant, snapshot));
      const { workload, service, port } = inboundSite(ref, snapshot);
      return buildInboundListener(snapshot, workload, service, port);
    }
    case "routes":
      return buildOutboundRoutes(snapshot, ref.variant);
    case "extension":
      return buildSlot(snapshot, ref.name, slotPlugins(ref));
    case "secret":
      return ref.name === IDENTITY_SECRET ? buildIdentitySecret(snapshot) : buildTrustSecret(snapshot);
  }
}

function outboundSite(ref: Ref, snapshot: Snapshot): { service: Service; port: ServicePort; subset: string } {
  const [, port, subset, host] = ref.name.split("|");
  const service = snapshot.services.get(host ?? "");
  const servicePort = service?.ports.find((p) => p.port === Number(port));
  assert(service !== undefined && servicePort !== undefined, `no service behind ${ref.name}`);
  return { service, port: servicePort, subset: subset ?? "" };
}

function inboundSite(ref: Ref, snapshot: Snapshot): { workload: Workload; service: Service; port: ServicePort } {
  const [key, host] = ref.variant.split(" ");
  const number = Number(ref.name.split("|")[1]);
  const service = snapshot.services.get(host ?? "");
  const port = service?.ports.find((p) => p.port === number);
  assert(service !== undefined && port !== undefined, `no service port behind ${ref.name} of ${ref.variant}`);
  return { workload: workloadAt(key ?? "", snapshot), service, port };
}

function workloadAt(key: string, snapshot: Snapshot): Workload {
  const workload = snapshot.workloads.get(key);
  assert(workload !== undefined, `no workload ${key}`);
  return workload;
}
