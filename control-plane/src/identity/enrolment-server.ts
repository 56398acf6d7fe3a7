import { constants } from "node:crypto";
import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:https";
import type { TLSSocket } from "node:tls";
import { parseToken } from "./enrolment-token.js";
import { createFailureLimit } from "./failure-limit.js";
import { IdentityError } from "./identity-error.js";
import { peerIdentity } from "./peer-identity.js";
import { requestProblem } from "./sign.js";
import type { WorkloadSigner } from "./sign-folder.js";
import type { TlsIdentity, TlsIdentitySource } from "./tls-identity.js";
import type { TokenStore, TokenSubject } from "./token-store.js";

export interface EnrolmentOptions {
  readonly host: string;
  /** 0: a free port. */
  readonly port: number;
  readonly identity: TlsIdentitySource;
  readonly authority: WorkloadSigner;
  readonly tokens: TokenStore;
  /** The workload as the mesh knows it; undefined: nothing is signed for it. */
  readonly lookup: (namespace: string, name: string) => { readonly serviceAccount: string } | undefined;
  readonly ttlMs: number;
  readonly logger: {
    info(message: string, fields?: Readonly<Record<string, unknown>>): void;
    warn(message: string, fields?: Readonly<Record<string, unknown>>): void;
  };
}

export interface EnrolmentServer {
  readonly port: number;
  close(): Promise<void>;
}

/** Where workloads on other machines get certificates: JSON over TLS 1.3. */
export const ENROLMENT_PATHS = {
  /** GET, by anybody: the roots, to be compared with the fingerprint in a token. */
  trustBundle: "/v1/trust-bundle",
  /** POST with a token: `EnrolRequest`, answered by `IssuedIdentity`. */
  enrol: "/v1/enrol",
  /** POST with a client certificate: `RenewRequest`, answered by `IssuedIdentity`. */
  renew: "/v1/renew",
  /** GET with a client certificate: `IdentityNews`. */
  news: "/v1/news",
} as const;

export interface RenewRequest {
  /** PKCS#10 in PEM; only its key is used. */
  readonly request: string;
}
export interface EnrolRequest extends RenewRequest {
  readonly token: string;
}
export interface IssuedIdentity extends TokenSubject {
  readonly trustDomain: string;
  /** Leaf, then intermediate. */
  readonly certificateChain: string;
  readonly trustBundle: string;
}
export interface IdentityNews {
  readonly trustBundle: string;
  /** The certificate should be renewed now: another intermediate signs. */
  readonly renew: boolean;
}

interface Reply {
  readonly status: number;
  readonly body: unknown;
  readonly retryAfterMs?: number;
}

const MAX_BODY_BYTES = 32 * 1024;
const MAX_CONNECTIONS = 1_000;
const REQUEST_LIMIT_MS = 10_000;

/** @throws IdentityError (code io) if the address cannot be had */
export async function serveEnrolment(options: EnrolmentOptions): Promise<EnrolmentServer> {
  const { identity, logger } = options;
  const limit = createFailureLimit();
  const server = createServer({
    ...contextOf(identity.current),
    requestCert: true,
    // Who has no certificate yet comes with a token.
    rejectUnauthorized: false,
    requestTimeout: REQUEST_LIMIT_MS,
    headersTimeout: REQUEST_LIMIT_MS,
  });
  server.maxConnections = MAX_CONNECTIONS;
  identity.subscribe((next) => server.setSecureContext(contextOf(next)));
  server.on("tlsClientError", () => {});
  server.on("request", (request: IncomingMessage, response: ServerResponse) => {
    void answer(request, options, limit)
      .catch((error: unknown): Reply => {
        logger.warn(`an enrolment failed: ${error instanceof Error ? error.message : String(error)}`);
        return refuse(500, "the control plane failed; its log says why");
      })
      .then((reply) => send(response, reply));
  });
  try {
    server.listen(options.port, options.host);
    await once(server, "listening");
  } catch (error) {
    throw new IdentityError("io", `enrolment cannot listen on ${options.host}:${options.port}: ${String(error)}`, {
      cause: error,
    });
  }
  const address = server.address();
  return {
    port: typeof address === "object" && address !== null ? address.port : options.port,
    close: async () => {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}

function contextOf({ certificateChain, privateKey, roots }: TlsIdentity) {
  return {
    cert: certificateChain,
    key: privateKey,
    ca: roots,
    minVersion: "TLSv1.3" as const,
    // A resumed session would bring back a certificate that was looked at under other roots.
    secureOptions: constants.SSL_OP_NO_TICKET,
  };
}

async function answer(
  request: IncomingMessage,
  options: EnrolmentOptions,
  limit: ReturnType<typeof createFailureLimit>,
): Promise<Reply> {
  const { authority } = options;
  switch (`${request.method} ${request.url}`) {
    case `GET ${ENROLMENT_PATHS.trustBundle}`:
      return { status: 200, body: { trustBundle: authority.trustBundle } };
    case `POST ${ENROLMENT_PATHS.enrol}`:
      return enrol(request, options, limit);
    case `POST ${ENROLMENT_PATHS.renew}`: {
      const caller = authenticate(request, options);
      if ("status" in caller) return caller;
      const body = await readBody(request);
      return body.ok ? issue(caller, body.request, options) : body.reply;
    }
    case `GET ${ENROLMENT_PATHS.news}`: {
      const caller = authenticate(request, options);
      if ("status" in caller) return caller;
      const news: IdentityNews = {
        trustBundle: authority.trustBundle,
        renew: !authority.isCurrent(peerPem(request)),
      };
      return { status: 200, body: news };
    }
    default:
      return refuse(404, "there is nothing here");
  }
}

async function enrol(
  request: IncomingMessage,
  options: EnrolmentOptions,
  limit: ReturnType<typeof createFailureLimit>,
): Promise<Reply> {
  const { tokens, logger } = options;
  const source = request.socket.remoteAddress ?? "";
  const retryAfterMs = limit.waitMs(source, Date.now());
  if (retryAfterMs > 0) return { ...refuse(429, "too many tokens were refused; wait"), retryAfterMs };
  const body = await readBody(request);
  if (!body.ok) return body.reply;
  const fail = (message: string): Reply => {
    limit.failed(source, Date.now());
    logger.warn(`an enrolment was refused: ${message}`, { peer: source });
    return refuse(403, message);
  };
  const token = parseToken(body.token);
  if (!token.ok) return fail(token.message);
  const subject = tokens.verify(token.value, Date.now());
  if (!subject.ok) return fail(subject.message);
  // All that can be wrong is found out before the token is used up.
  const problem = (await requestProblem(body.request)) ?? subjectProblem(subject.value, options);
  if (problem !== undefined) return refuse(400, problem);
  if (!(await tokens.use(token.value.id, Date.now()))) return fail("the token was used by somebody else just now");
  const reply = await issue(subject.value, body.request, options);
  const { namespace, workload } = subject.value;
  if (reply.status === 200) logger.info(`${namespace}/${workload} enrolled with a token`, { peer: source });
  return reply;
}

/** Who the caller is, by the certificate that TLS verified; nothing of the request counts. */
function authenticate(request: IncomingMessage, options: EnrolmentOptions): TokenSubject | Reply {
  const socket = request.socket as TLSSocket;
  const { raw } = socket.getPeerCertificate();
  if (raw === undefined) return refuse(401, "a client certificate of the mesh is needed: enrol with a token first");
  if (!socket.authorized)
    return refuse(401, `the client certificate is not accepted: ${String(socket.authorizationError)}`);
  const peer = peerIdentity(raw, options.authority.trustDomain);
  if (!peer.ok) return refuse(401, peer.message);
  // A connection may be older than the end of its certificate.
  if (peer.notAfterMs <= Date.now())
    return refuse(401, `the client certificate ended at ${new Date(peer.notAfterMs).toISOString()}: enrol again`);
  const { namespace, workload, serviceAccount } = peer;
  const subject = { namespace, workload, serviceAccount };
  const problem = subjectProblem(subject, options);
  return problem === undefined ? subject : refuse(403, problem);
}

function subjectProblem({ namespace, workload, serviceAccount }: TokenSubject, { lookup }: EnrolmentOptions) {
  const known = lookup(namespace, workload);
  if (known === undefined) return `the mesh knows no workload ${namespace}/${workload}: add a WorkloadEntry for it`;
  if (known.serviceAccount !== serviceAccount)
    return `${namespace}/${workload} has service account ${known.serviceAccount} now, not ${serviceAccount}: enrol it again`;
  return undefined;
}

async function issue(subject: TokenSubject, request: string, options: EnrolmentOptions): Promise<Reply> {
  const { authority, ttlMs, logger } = options;
  const signed = await authority.signWorkload(request, { ...subject, ttlMs, nowMs: Date.now() });
  if (!signed.ok) {
    logger.warn(`${subject.namespace}/${subject.workload} gets no certificate: ${signed.message}`);
    return refuse(400, signed.message);
  }
  const issued: IssuedIdentity = {
    ...subject,
    trustDomain: authority.trustDomain,
    certificateChain: signed.chainPem,
    trustBundle: authority.trustBundle,
  };
  return { status: 200, body: issued };
}

function peerPem(request: IncomingMessage): string {
  const der = (request.socket as TLSSocket).getPeerCertificate().raw;
  return `-----BEGIN CERTIFICATE-----\n${der.toString("base64")}\n-----END CERTIFICATE-----\n`;
}

type Body =
  | { readonly ok: true; readonly token: string; readonly request: string }
  | { readonly ok: false; readonly reply: Reply };

async function readBody(request: IncomingMessage): Promise<Body> {
  let text = "";
  for await (const part of request.setEncoding("utf8")) {
    text += part;
    if (text.length > MAX_BODY_BYTES) return { ok: false, reply: refuse(413, "the request is too large") };
  }
  try {
    const value = JSON.parse(text) as { readonly token?: unknown; readonly request?: unknown } | null;
    const textOf = (field: unknown): string => (typeof field === "string" ? field : "");
    return { ok: true, token: textOf(value?.token), request: textOf(value?.request) };
  } catch {
    return { ok: false, reply: refuse(400, "the request is not JSON") };
  }
}

function refuse(status: number, message: string): Reply {
  return { status, body: { message } };
}

function send(response: ServerResponse, { status, body, retryAfterMs }: Reply): void {
  if (retryAfterMs !== undefined) response.setHeader("retry-after", String(Math.ceil(retryAfterMs / 1000)));
  // What was not read of the request must not keep the connection.
  if (status === 413) response.setHeader("connection", "close");
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}
