import type { PolicyByPort, PortPolicy, RetryBudget, TrafficPolicy } from "../model/traffic-policy.js";
import { readClientTls } from "./client-tls.js";
import { readConnectionPool } from "./connection-pool.js";
import { defined } from "./defined.js";
import { type Field, type ObjectFields, type Reader, readInteger, readList, readObject, readPort } from "./fields.js";
import { readLoadBalancer } from "./load-balancer.js";
import { readOutlierDetection } from "./outlier-detection.js";
import { readPercent } from "./percentage.js";

/** https://istio.io/latest/docs/reference/config/networking/destination-rule/#TrafficPolicy */
export const readTrafficPolicy: Reader<PolicyByPort> = readObject((fields, field) => {
  fields.unsupported({
    proxyProtocol: "remove it; endpoints are called without a PROXY header",
    tunnel: "remove it; endpoints are called directly",
  });
  const settings = defined(readSettings(fields));
  const retryBudget = fields.optional("retryBudget", readRetryBudget);
  const ports = fields.optional("portLevelSettings", readList(readPortPolicy, { max: 100 })) ?? [];
  warnOfRetries(settings, retryBudget, field);
  warnOfFailover(settings, field);
  ports.forEach(({ port }, position) => {
    if (port === 0 || ports.findIndex((other) => other.port === port) === position) return;
    const path = [...field.path, "portLevelSettings", position, "port"];
    field.problems.error(path, "DuplicateName", `port ${port} has settings already`, "put the two together");
  });
  return defined({ ...settings, retryBudget, ports });
});

const readPortPolicy: Reader<PortPolicy> = readObject((fields) => {
  fields.belongElsewhere({ retryBudget: "move it up, into trafficPolicy; it is for all ports" });
  const number = fields.required("port", readPortNumber, "say which port: {number: 8080}");
  // 0 is no port; what could not be read was reported.
  return defined({ port: number ?? 0, ...readSettings(fields) });
});

const readPortNumber: Reader<number> = readObject((fields) => fields.required("number", readPort));

function readSettings(fields: ObjectFields) {
  return {
    loadBalancer: fields.optional("loadBalancer", readLoadBalancer),
    connectionPool: fields.optional("connectionPool", readConnectionPool),
    outlierDetection: fields.optional("outlierDetection", readOutlierDetection),
    tls: fields.optional("tls", readClientTls),
  };
}

const readRetryBudget: Reader<RetryBudget> = readObject((fields) =>
  defined({
    percent: fields.optional("percent", readPercent),
    minRetryConcurrency: fields.optional("minRetryConcurrency", readInteger(0, 2 ** 31 - 1)),
  }),
);

function warnOfRetries({ connectionPool }: TrafficPolicy, retryBudget: RetryBudget | undefined, field: Field): void {
  if (retryBudget === undefined || connectionPool?.maxRetries === undefined) return;
  const path = [...field.path, "connectionPool", "http", "maxRetries"];
  field.problems.warning(path, "NoEffect", "has no effect beside retryBudget", "keep one of the two");
}

/** A subset may have either part from the rule's own policy, so that there it is not known. */
function warnOfFailover({ loadBalancer, outlierDetection }: TrafficPolicy, field: Field): void {
  if (field.path[0] !== "spec" || field.path.length !== 2 || outlierDetection !== undefined) return;
  const { locality } = loadBalancer ?? {};
  const asked = locality?.kind === "labels" || (locality?.kind === "failover" && locality.regions.length > 0);
  if (!asked) return;
  const path = [...field.path, "loadBalancer", "localityLbSetting"];
  const message = "has no effect without outlierDetection, which finds out what fails";
  field.problems.warning(path, "NoEffect", message, "add outlierDetection: {}, or remove it");
}
