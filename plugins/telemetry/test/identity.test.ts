import { evaluationTable } from "../../../test/evaluation-table.js";

const DECLARATIONS = `
import { Identity, identityOf, workloadOfNode, workloadOfPrincipal, clientCertificate, clusterParts, Workload } from "./identity";
import { partyOf } from "./party";
import { labelValues, nameSuffix, Outcome, otherValues, valueOf } from "./labels";
function workload(w: Workload): string { return w.name + " " + w.namespace; }
function client(header: string): string {
  const c = clientCertificate(header);
  return c.principal + " " + workload(c.workload);
}
function told(text: string): Identity { return identityOf(text.split(";")); }
function all(text: string): string {
  const i = told(text);
  const w = i.workload;
  return [w.name, w.namespace, w.app, w.version, w.canonicalService, w.canonicalRevision, i.principal, i.host, i.subset].join(" ");
}
const own = told("own;f-1;shop;f;v1;front;r1;spiffe://t/ns/shop/sa/f;;");
function values(where: string, certificate: string, code: i64 = 200, flags: i64 = 0, grpc: i64 = -2): string[] {
  return labelValues(partyOf(where, certificate, own), new Outcome(code, flags, grpc, "unknown"));
}
function label(where: string, certificate: string, name: string): string { return valueOf(values(where, certificate), name); }
function sides(where: string, certificate: string): string {
  const v = values(where, certificate);
  const names = ["reporter", "source_workload", "source_principal", "destination_workload", "destination_principal",
    "destination_service_name", "destination_service_namespace", "destination_subset", "connection_security_policy"];
  let text = "";
  for (let i = 0; i < names.length; i++) text += (i == 0 ? "" : " ") + valueOf(v, names[i]);
  return text;
}
const OUT = "out;b-1;stock;b;v2;back;r2;spiffe://t/ns/stock/sa/b;b.stock.svc.cluster.local;v2";
const IN = "in;b-1;stock;b;v2;back;r2;spiffe://t/ns/stock/sa/b;b.stock.svc.cluster.local;";
const XFCC = "By=spiffe://t/ns/stock/sa/b;Hash=1;URI=spiffe://t/ns/shop/sa/f;URI=weft://t/ns/shop/workload/f-1";
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
  ["client(XFCC)", "spiffe://t/ns/shop/sa/f f-1 shop"],
  ['client("URI=spiffe://t/ns/shop/sa/f")', "spiffe://t/ns/shop/sa/f f shop"],
  ['client("URI=spiffe://t/ns/x/sa/x,URI=spiffe://t/ns/shop/sa/f")', "spiffe://t/ns/shop/sa/f f shop"],
  ['client("URI=weft://t/ns/shop/workload/f-1")', " unknown unknown"],
  ['client("URI=spiffe://t/ns/shop/sa/f;URI=weft://t/ns/shop/workload/f-1/uid/7")', "spiffe://t/ns/shop/sa/f f-1 shop"],
  ['client("-")', " unknown unknown"],
  ['client("")', " unknown unknown"],
  ["all(OUT)", "b-1 stock b v2 back r2 spiffe://t/ns/stock/sa/b b.stock.svc.cluster.local v2"],
  ['all("out;b-1")', "b-1 unknown unknown unknown unknown unknown   "],
  ['clusterParts("outbound|80|v2|web.shop.svc.cluster.local").join(" ")', "web.shop.svc.cluster.local v2"],
  ['clusterParts("PassthroughCluster").join(" ")', " "],
  ['sides(OUT, "")', "source f-1 spiffe://t/ns/shop/sa/f b-1 spiffe://t/ns/stock/sa/b b stock v2 unknown"],
  [
    'sides("out;b-1;stock;b;v2;back;r2;;b.stock.svc.cluster.local;", "")',
    "source f-1 unknown b-1 unknown b stock unknown unknown",
  ],
  [
    'sides("own;f-1;shop;f;v1;front;r1;spiffe://t/ns/shop/sa/f;;;outbound|80|v1|b.stock.svc.cluster.local", "")',
    "source f-1 unknown unknown unknown b stock v1 unknown",
  ],
  [
    'sides("own;f-1;shop;f;v1;front;r1;spiffe://t/ns/shop/sa/f;;;", "")',
    "source f-1 unknown unknown unknown unknown unknown unknown unknown",
  ],
  [
    "sides(IN, XFCC)",
    "destination f-1 spiffe://t/ns/shop/sa/f b-1 spiffe://t/ns/stock/sa/b b stock unknown mutual_tls",
  ],
  ['sides(IN, "")', "destination unknown unknown b-1 unknown b stock unknown none"],
  ['sides(IN, "-")', "destination unknown unknown b-1 spiffe://t/ns/stock/sa/b b stock unknown mutual_tls"],
  [
    'sides("bare;2;outbound|80||example.com;spiffe://t/ns/stock/sa/b;spiffe://t/ns/shop/sa/f", "")',
    "source f-1 spiffe://t/ns/shop/sa/f b spiffe://t/ns/stock/sa/b example.com unknown unknown unknown",
  ],
  [
    'sides("bare;1;app;spiffe://t/ns/shop/sa/f;spiffe://t/ns/stock/sa/b", "")',
    "destination f spiffe://t/ns/shop/sa/f f-1 spiffe://t/ns/stock/sa/b unknown unknown unknown mutual_tls",
  ],
  ['sides("bare;1;;;", "")', "destination unknown unknown f-1 unknown unknown unknown unknown none"],
  ['label(OUT, "", "source_canonical_service") + label(OUT, "", "source_canonical_revision")', "frontr1"],
  ['label(OUT, "", "destination_app") + label(OUT, "", "destination_version")', "bv2"],
  ['label(OUT, "", "destination_service")', "b.stock.svc.cluster.local"],
  ['label(IN, XFCC, "source_app") + label(IN, XFCC, "source_workload_namespace")', "unknownshop"],
  ['label(OUT, "", "nothing")', "unknown"],
  ['valueOf(values(OUT, "", 503, 34), "response_flags")', "UH,UF"],
  ['valueOf(values(OUT, "", 200, 0, 0), "request_protocol")', "grpc"],
  ['valueOf(values(OUT, "", 200, 0, 14), "grpc_response_status")', "14"],
  ['valueOf(values(OUT, "", 200, 0, -1), "grpc_response_status")', ""],
  ['valueOf(values(OUT, "", 200, 0, -1), "request_protocol")', "grpc"],
  [
    'nameSuffix(values(IN, XFCC), ["destination_app", "source_app"], false)',
    ";reporter=destination;source_workload=f-1;source_workload_namespace=shop;source_principal=spiffe://t/ns/shop/sa/f" +
      ";source_version=unknown;source_canonical_service=unknown;source_canonical_revision=unknown" +
      ";destination_workload=b-1;destination_workload_namespace=stock;destination_principal=spiffe://t/ns/stock/sa/b" +
      ";destination_version=v2;destination_canonical_service=back;destination_canonical_revision=r2" +
      ";destination_service=b.stock.svc.cluster.local;destination_service_name=b;destination_service_namespace=stock" +
      ";request_protocol=http;response_code=200;response_flags=-;connection_security_policy=mutual_tls",
  ],
  ['nameSuffix(values(IN, ""), [], true).includes(";request_operation=unknown;").toString()', "true"],
  ['valueOf(otherValues(true), "reporter") + valueOf(otherValues(false), "response_code")', "sourceother"],
];

evaluationTable("telemetry", DECLARATIONS, CASES);
