import assert from "node:assert/strict";
import { telemetryDefaults } from "../model/mesh-config.js";
import { objectKey } from "../model/object-ref.js";
import type { Resource } from "../model/resource.js";
import type { Snapshot } from "../model/snapshot.js";
import { policyFor } from "../model/traffic-policy.js";
import type { Workload } from "../model/workload.js";
import { inboundPort } from "../model/workload-ports.js";
import { authorizationFilters, buildTcpPolicySlot } from "./authorization-filters.js";
import { callerClassOf, callerVariant } from "./caller-class.js";
import { calloutSite } from "./callout-clusters.js";
import { buildInboundCluster, buildOutboundCluster, type OutboundSite } from "./clusters.js";
import { classLabels } from "./destination-class.js";
import { destinationVariant } from "./destination-refs.js";
import { buildDnsRef } from "./dns-listener.js";
import { buildEndpoints, type EndpointsSite } from "./endpoints.js";
import { buildSlot } from "./extension-configs.js";
import { appSites, type InboundSite } from "./inbound-sites.js";
import { jwksSiteNamed } from "./jwks-sites.js";
import { jwtFilters } from "./jwt-authentication.js";
import { buildInboundListener, buildOutboundListener } from "./listeners.js";
import {
  DNS_LISTENER,
  DNS_TCP_LISTENER,
  IDENTITY_SECRET,
  NETWORK_SLOT_PREFIX,
  OUTBOUND_LISTENER,
  OUTBOUND_ROUTES,
  PUBLIC_TRUST_SECRET,
  tcpPolicySlot,
  telemetryCluster,
  VIRTUAL_INBOUND,
  VIRTUAL_OUTBOUND,
} from "./names.js";
import { buildNetworkSlot } from "./network-slots.js";
import { buildOwnSite, buildSharedSite, buildVirtualOutbound } from "./outbound-listeners.js";
import { outboundSite as findOutboundSite, outboundSites } from "./outbound-sites.js";
import { buildPassthroughCluster, PASSTHROUGH_CLUSTERS } from "./passthrough-clusters.js";
import { buildPortRoutes } from "./port-routes.js";
import { type Ref, slotEntries, slotPolicies } from "./ref.js";
import { buildOutboundRoutes } from "./routes.js";
import { routesVariant, scopeOf } from "./scope.js";
import { buildIdentitySecret, buildPublicTrustSecret, buildTrustSecret } from "./secrets.js";
import { buildServerCluster, buildServerEndpoints, type ServerSite } from "./server-clusters.js";
import { providerSite } from "./telemetry-sites.js";
import { buildVirtualInbound } from "./virtual-inbound.js";

/** Makes the resource that a ref, selected from the same snapshot, names. */
export function build(ref: Ref, snapshot: Snapshot): Resource {
  switch (ref.type) {
    case "cluster": {
      const server = serverSite(ref, snapshot);
      if (server !== undefined) return buildServerCluster(snapshot, server);
      if (PASSTHROUGH_CLUSTERS.includes(ref.name)) return buildPassthroughCluster(ref.name);
      if (ref.name.startsWith("inbound|")) {
        const { workload, service, port } = inboundSite(ref, snapshot);
        return buildInboundCluster(snapshot, workload, service, port);
      }
      return buildOutboundCluster(snapshot, outboundSite(ref, snapshot));
    }
    case "endpoints": {
      const server = serverSite(ref, snapshot);
      if (server !== undefined) return buildServerEndpoints(snapshot, server);
      return buildEndpoints(snapshot, outboundSite(ref, snapshot));
    }
    case "listener": {
      if (ref.name === DNS_LISTENER || ref.name === DNS_TCP_LISTENER) return buildDnsRef(ref, snapshot);
      if (ref.name === OUTBOUND_LISTENER) return buildOutboundListener(snapshot, workloadAt(ref.variant, snapshot));
      if (ref.name === VIRTUAL_OUTBOUND) return virtualOutbound(workloadAt(ref.variant, snapshot), snapshot);
      if (ref.name === VIRTUAL_INBOUND) return buildVirtualInbound(snapshot, workloadAt(ref.variant, snapshot));
      if (!ref.name.startsWith("inbound|")) return buildCapturedListener(ref, snapshot);
      return buildInboundListener(snapshot, inboundSite(ref, snapshot));
    }
    case "routes":
      if (ref.name === OUTBOUND_ROUTES) return buildOutboundRoutes(snapshot, ref.variant);
      return buildPortRoutes(snapshot, Number(ref.name.split("|")[1]), ref.variant);
    case "extension":
      return extension(ref, snapshot);
    case "secret":
      if (ref.name === PUBLIC_TRUST_SECRET) return buildPublicTrustSecret(snapshot);
      return ref.name === IDENTITY_SECRET ? buildIdentitySecret(snapshot) : buildTrustSecret(snapshot);
  }
}

function extension(ref: Ref, snapshot: Snapshot): Resource {
  const { name } = ref;
  if (name.startsWith(NETWORK_SLOT_PREFIX)) return networkSlot(ref, snapshot);
  const policies = slotPolicies(ref);
  const tcp = tcpPolicySlot(name);
  if (tcp !== undefined) return buildTcpPolicySlot(snapshot, { name, ...tcp }, policies);
  const filters = name.endsWith("/authn")
    ? jwtFilters(snapshot, policies.keys)
    : authorizationFilters(snapshot, policies);
  return buildSlot(snapshot, name, slotEntries(ref), filters);
}

function virtualOutbound(workload: Workload, snapshot: Snapshot): Resource {
  return buildVirtualOutbound(snapshot, workload, outboundSites(snapshot, variantOf(workload, snapshot)));
}

/** The variant of a workload's routes, which says what it may call. */
function variantOf(workload: Workload, snapshot: Snapshot): string {
  return routesVariant(callerVariant(snapshot, workload), scopeOf(snapshot, workload));
}

/** The listener of a site: of one workload, or of the callers whose routes have the ref's variant. */
function buildCapturedListener(ref: Ref, snapshot: Snapshot): Resource {
  const workload = snapshot.workloads.get(ref.variant);
  const variant = workload === undefined ? ref.variant : variantOf(workload, snapshot);
  const site = findOutboundSite(snapshot, variant, ref.name);
  assert(site !== undefined, `no site behind ${ref.name} of ${ref.variant}`);
  const caller = callerClassOf(variant.split(" ")[0] ?? "");
  return workload === undefined
    ? buildSharedSite(snapshot, site, caller)
    : buildOwnSite(snapshot, site, { workload, caller });
}

function networkSlot(ref: Ref, snapshot: Snapshot): Resource {
  const [entry] = slotEntries(ref);
  assert(entry !== undefined, `no plugin in ${ref.name}`);
  return buildNetworkSlot(snapshot, ref.name, entry);
}

/** The server behind a cluster that is no Service's; undefined for another cluster. */
function serverSite(ref: Ref, snapshot: Snapshot): ServerSite | undefined {
  if (ref.name.startsWith("callout|")) return calloutOf(ref, snapshot);
  if (ref.name.startsWith("jwks|")) return jwksSiteNamed(ref.name);
  if (ref.name.startsWith("telemetry|")) return providerSiteOf(ref, snapshot);
  return undefined;
}

function providerSiteOf(ref: Ref, snapshot: Snapshot): ServerSite {
  const { providers } = telemetryDefaults(snapshot.meshConfigs, snapshot.settings.rootNamespace);
  const provider = providers.find(({ name }) => telemetryCluster(name) === ref.name);
  const site = provider && providerSite(snapshot, provider);
  assert(site !== undefined, `no provider behind ${ref.name}`);
  return site;
}

function calloutOf(ref: Ref, snapshot: Snapshot): ServerSite {
  const [, namespace = "", name = "", calloutName] = ref.name.split("|");
  const plugin = snapshot.plugins.get(objectKey({ namespace, name }));
  const callout = plugin?.callouts.find((candidate) => candidate.name === calloutName);
  assert(plugin !== undefined && callout !== undefined, `no callout behind ${ref.name}`);
  return calloutSite(plugin, callout);
}

function outboundSite(ref: Ref, snapshot: Snapshot): OutboundSite & EndpointsSite {
  const [, number, subset = "", host] = ref.name.split("|");
  const service = snapshot.services.get(host ?? "");
  const port = service?.ports.find((p) => p.port === Number(number));
  assert(service !== undefined && port !== undefined, `no service behind ${ref.name}`);
  const { rule: key, locality, labels, isOriginal } = destinationVariant(ref);
  const rule = key === undefined ? undefined : snapshot.destinationRules.get(key);
  assert(key === undefined || rule !== undefined, `no DestinationRule ${key}`);
  return {
    service,
    port,
    subset,
    labels: (subset === "" ? undefined : rule?.subsets.find(({ name }) => name === subset)?.labels) ?? {},
    policy: policyFor(rule, subset, port.port),
    isCaptured: isOriginal,
    ...(rule === undefined ? {} : { rule }),
    caller: { locality, labels: classLabels(labels) },
  };
}

function inboundSite(ref: Ref, snapshot: Snapshot): InboundSite {
  const [key, host] = ref.variant.split(" ");
  const number = Number(ref.name.split("|")[1]);
  const site = appSites(snapshot, workloadAt(key ?? "", snapshot)).find(
    ({ workload, service, port }) => service.host === host && inboundPort(workload, port) === number,
  );
  assert(site !== undefined, `no service port behind ${ref.name} of ${ref.variant}`);
  return site;
}

function workloadAt(key: string, snapshot: Snapshot): Workload {
  const workload = snapshot.workloads.get(key);
  assert(workload !== undefined, `no workload ${key}`);
  return workload;
}
