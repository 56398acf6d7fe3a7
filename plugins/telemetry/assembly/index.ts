import { Action, HttpContext, Labels, properties, RootContext, registerRoot } from "@weft/sdk";
import { Config, operationOf } from "./config";
import { destinationOfCluster, UNKNOWN, Workload, workloadOfNode, workloadOfPrincipal } from "./identity";

const INBOUND: i64 = 1;
const OUTBOUND: i64 = 2;

class Reporter extends RootContext<Config> {
  /** The workload of this proxy. */
  workload: Workload = new Workload(UNKNOWN, UNKNOWN);

  onConfigure(): bool {
    const id = properties.string("xds.node.id");
    if (id !== null) this.workload = workloadOfNode(id);
    return true;
  }
}

class Telemetry extends HttpContext<Config> {
  private outbound: bool = false;

  /* What is known before there is an answer: a request that is refused by a later filter has these labels. */
  onRequestHeaders(endOfStream: bool): Action {
    const own = (this.root as Reporter).workload;
    const labels = this.labels;
    const direction = properties.integer("xds.listener_direction");
    this.outbound = direction == OUTBOUND;
    labels.set("reporter", direction == INBOUND ? "destination" : this.outbound ? "source" : UNKNOWN);
    if (this.outbound) {
      setWorkload(labels, "source", own);
      setPrincipal(labels, "source", null);
      setWorkload(labels, "destination", new Workload(UNKNOWN, UNKNOWN));
      setPrincipal(labels, "destination", null);
    } else {
      const peer = properties.string("connection.uri_san_peer_certificate");
      setWorkload(labels, "source", workloadOfPrincipal(peer === null ? "" : peer));
      setPrincipal(labels, "source", peer);
      setWorkload(labels, "destination", own);
      setPrincipal(labels, "destination", properties.string("connection.uri_san_local_certificate"));
    }
    const mutual = properties.boolean("connection.mtls");
    labels.set("connection_security_policy", this.outbound ? UNKNOWN : mutual ? "mutual_tls" : "none");
    this.setRequest(labels);
    this.setDestination(labels);
    return Action.Continue;
  }

  /* The router has chosen by now. */
  onResponseHeaders(endOfStream: bool): Action {
    const labels = this.labels;
    this.setDestination(labels);
    if (!this.outbound) return Action.Continue;
    const peer = properties.string("upstream.uri_san_peer_certificate");
    if (peer !== null) {
      setWorkload(labels, "destination", workloadOfPrincipal(peer));
      setPrincipal(labels, "destination", peer);
    }
    const local = properties.string("upstream.uri_san_local_certificate");
    if (local !== null) setPrincipal(labels, "source", local);
    return Action.Continue;
  }

  private setRequest(labels: Labels): void {
    const headers = this.request.headers;
    const type = headers.get("content-type");
    labels.set("request_protocol", type !== null && type.startsWith("application/grpc") ? "grpc" : "http");
    const method = headers.get(":method");
    const path = headers.get(":path");
    if (method === null || path === null) return;
    labels.set("request_operation", operationOf(this.config.operations, method, path));
  }

  private setDestination(labels: Labels): void {
    const cluster = properties.string("xds.cluster_name");
    const destination = destinationOfCluster(cluster === null ? "" : cluster);
    labels.set("destination_service", destination.service);
    labels.set("destination_subset", destination.subset);
  }
}

function setWorkload(labels: Labels, side: string, workload: Workload): void {
  labels.set(side + "_workload", workload.name);
  labels.set(side + "_workload_namespace", workload.namespace);
}

function setPrincipal(labels: Labels, side: string, principal: string | null): void {
  labels.set(side + "_principal", principal === null || principal == "" ? UNKNOWN : principal);
}

registerRoot<Telemetry, Reporter>("telemetry");
