import { evaluationTable } from "../../../test/evaluation-table.js";

const DECLARATIONS = `
import { destinationOfCluster, Workload, workloadOfNode, workloadOfPrincipal } from "./identity";
import { Operation, operationOf } from "./config";
function workload(w: Workload): string { return w.name + " " + w.namespace; }
function destination(cluster: string): string {
  const d = destinationOfCluster(cluster);
  return d.service + " " + d.subset;
}
function operation(name: string, prefix: string, method: string): Operation {
  const o = new Operation();
  o.name = name;
  o.pathPrefix = prefix;
  o.method = method;
  return o;
}
const operations = [operation("read", "/items", "GET"), operation("items", "/items", ""), operation("rest", "/", "")];
`;

const CASES: [string, string][] = [
  ['workload(workloadOfNode("sidecar~10.0.0.1~web-1.shop~shop.svc.cluster.local"))', "web-1 shop"],
  ['workload(workloadOfNode("sidecar~10.0.0.1~a.b.shop~shop.svc.cluster.local"))', "a.b shop"],
  ['workload(workloadOfNode("sidecar~10.0.0.1~web~x"))', "unknown unknown"],
  ['workload(workloadOfNode("sidecar~10.0.0.1~.shop~x"))', "unknown unknown"],
  ['workload(workloadOfNode("other"))', "unknown unknown"],
  ['workload(workloadOfPrincipal("spiffe://cluster.local/ns/shop/sa/web"))', "web shop"],
  ['workload(workloadOfPrincipal("spiffe://cluster.local/ns/shop/sa/"))', "unknown unknown"],
  ['workload(workloadOfPrincipal("spiffe://cluster.local/ns/shop/pod/web"))', "unknown unknown"],
  ['workload(workloadOfPrincipal("https://cluster.local/ns/shop/sa/web"))', "unknown unknown"],
  ['workload(workloadOfPrincipal(""))', "unknown unknown"],
  ['destination("outbound|80|v2|web.shop.svc.cluster.local")', "web.shop.svc.cluster.local v2"],
  ['destination("outbound|80||web.shop.svc.cluster.local")', "web.shop.svc.cluster.local unknown"],
  ['destination("inbound|8080||")', "unknown unknown"],
  ['destination("PassthroughCluster")', "unknown unknown"],
  ['operationOf(operations, "GET", "/items/1")', "read"],
  ['operationOf(operations, "PUT", "/items/1")', "items"],
  ['operationOf(operations, "PUT", "/other")', "rest"],
  ['operationOf([], "PUT", "/other")', "unknown"],
];

evaluationTable("telemetry", DECLARATIONS, CASES);
