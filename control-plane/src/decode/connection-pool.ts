import type { ConnectionPool } from "../model/traffic-policy.js";
import { defined } from "./defined.js";
import { readDurationMs } from "./duration.js";
import { type Reader, readBoolean, readInteger, readObject, readOneOf } from "./fields.js";

/** In the API 0 says nothing, as if the field were not there. */
const readLimit: Reader<number | undefined> = (field) => readInteger(0, 2 ** 31 - 1)(field) || undefined;

/** https://istio.io/latest/docs/reference/config/networking/destination-rule/#ConnectionPoolSettings */
export const readConnectionPool: Reader<ConnectionPool> = readObject((fields) => {
  for (const name of ["maxConnections", "connectTimeout", "tcpKeepalive", "maxConnectionDuration"])
    fields.belongElsewhere({ [name]: "move it into tcp" });
  for (const name of ["http1MaxPendingRequests", "http2MaxRequests", "maxRequestsPerConnection", "maxRetries"])
    fields.belongElsewhere({ [name]: "move it into http" });
  return { ...fields.optional("tcp", readTcp), ...fields.optional("http", readHttp) };
});

const readTcp: Reader<ConnectionPool> = readObject((fields) =>
  defined({
    maxConnections: fields.optional("maxConnections", readLimit),
    connectTimeoutMs: fields.optional("connectTimeout", readDurationMs()),
    keepalive: fields.optional("tcpKeepalive", readKeepalive),
    maxConnectionDurationMs: fields.optional("maxConnectionDuration", readDurationMs()),
    tcpIdleTimeoutMs: fields.optional("idleTimeout", readDurationMs(0)),
  }),
);

const readKeepalive: Reader<NonNullable<ConnectionPool["keepalive"]>> = readObject((fields) =>
  defined({
    probes: fields.optional("probes", readLimit),
    timeMs: fields.optional("time", readWholeSeconds),
    intervalMs: fields.optional("interval", readWholeSeconds),
  }),
);

/** The kernel counts keep-alive in seconds. */
const readWholeSeconds: Reader<number> = (field) => {
  const ms = readDurationMs()(field);
  if (ms === undefined || ms % 1000 === 0) return ms;
  field.problems.error(field.path, "InvalidDuration", "has parts of a second", "use whole seconds, for example 10s");
  return undefined;
};

const readHttp: Reader<ConnectionPool> = readObject((fields, field) => {
  const upgrade = fields.optional("h2UpgradePolicy", readOneOf(["DEFAULT", "DO_NOT_UPGRADE", "UPGRADE"]));
  const useClientProtocol = fields.optional("useClientProtocol", readBoolean);
  if (useClientProtocol === true && upgrade === "UPGRADE")
    field.problems.error(
      [...field.path, "h2UpgradePolicy"],
      "Contradiction",
      "is UPGRADE, while useClientProtocol keeps the caller's version of HTTP",
      "keep one of the two",
    );
  return defined({
    maxPendingRequests: fields.optional("http1MaxPendingRequests", readLimit),
    maxRequests: fields.optional("http2MaxRequests", readLimit),
    maxRequestsPerConnection: fields.optional("maxRequestsPerConnection", readLimit),
    maxRetries: fields.optional("maxRetries", readLimit),
    httpIdleTimeoutMs: fields.optional("idleTimeout", readDurationMs(0)),
    maxConcurrentStreams: fields.optional("maxConcurrentStreams", readLimit),
    upgradeToHttp2: upgrade === "UPGRADE" || undefined,
    useClientProtocol: useClientProtocol || undefined,
  });
});
