import type { HttpAction, HttpMatch, HttpRoute, HttpRouteOptions } from "../model/http-route.js";
import type { DelegateRoute } from "../model/virtual-service.js";
import { readCorsPolicy } from "./cors-policy.js";
import { readDestinations } from "./destination.js";
import { readDirectResponse } from "./direct-response.js";
import { readDurationMs } from "./duration.js";
import { readFault } from "./fault.js";
import { type Field, type ObjectFields, type Reader, readList, readObject, readString } from "./fields.js";
import { ELSEWHERE, rulesHere } from "./gateways.js";
import { readHeaderOperations } from "./header-operations.js";
import { readHttpMatch } from "./http-match.js";
import { readMirrors } from "./mirrors.js";
import { readDnsLabel, readDnsSubdomain } from "./names.js";
import { readRedirect } from "./redirect.js";
import { readRetries } from "./retries.js";
import { readRewrite } from "./rewrite.js";

/** What a rule may do; one of them. */
const ACTIONS = ["route", "redirect", "directResponse", "delegate"];

/** What makes no sense beside an action other than `route`, and Istio refuses. */
const ONLY_WITH_ROUTE = ["fault", "rewrite"];

/** What is without effect there. */
const IDLE_WITHOUT_ROUTE = ["timeout", "retries", "mirror", "mirrors"];

/**
 * The HTTP rules of a VirtualService; one that is there for others to delegate to must not delegate itself.
 * https://istio.io/latest/docs/reference/config/networking/virtual-service/#HTTPRoute
 */
export function readHttpRules(namespace: string, mayDelegate: boolean): Reader<(HttpRoute | DelegateRoute)[]> {
  const readRules = readList(readRule(namespace, mayDelegate));
  return (field) => {
    const rules = readRules(field);
    return rules && rulesHere(rules);
  };
}

function readRule(namespace: string, mayDelegate: boolean): Reader<HttpRoute | DelegateRoute | typeof ELSEWHERE> {
  return readObject((fields, field) => {
    const matches = fields.optional("match", readList(readHttpMatch, { max: 100 })) ?? [];
    const here = matches.filter((match) => match !== ELSEWHERE);
    const action = readAction(fields, namespace);
    const delegate = fields.optional("delegate", readDelegate(namespace));
    const options = readOptions(fields, field, namespace, here);
    checkAction(fields, field);
    if (delegate !== undefined && !mayDelegate)
      field.problems.error(
        [...field.path, "delegate"],
        "Conflict",
        "stands in a VirtualService without hosts, which others delegate to",
        "delegate from the one with hosts; there is one level only",
      );
    if (matches.length > 0 && here.length === 0) return ELSEWHERE;
    if (delegate !== undefined) return { ...options, delegate };
    return action === undefined ? undefined : { ...options, action };
  });
}

function readAction(fields: ObjectFields, namespace: string): HttpAction | undefined {
  const destinations = fields.optional("route", readDestinations(namespace));
  const redirect = fields.optional("redirect", readRedirect);
  const response = fields.optional("directResponse", readDirectResponse);
  if (destinations !== undefined) return { kind: "forward", destinations };
  if (redirect !== undefined) return { kind: "redirect", redirect };
  return response === undefined ? undefined : { kind: "respond", response };
}

function readOptions(
  fields: ObjectFields,
  field: Field,
  namespace: string,
  matches: readonly HttpMatch[],
): HttpRouteOptions {
  const name = fields.optional("name", readString(253));
  const rewrite = fields.optional("rewrite", readRewrite);
  const fault = fields.optional("fault", readFault);
  const mirrors = readMirrors(fields, field, namespace);
  const headers = fields.optional("headers", readHeaderOperations);
  const cors = fields.optional("corsPolicy", readCorsPolicy);
  const timeoutMs = fields.optional("timeout", readDurationMs(0));
  const retries = fields.optional("retries", readRetries);
  if (rewrite?.authority !== undefined && headers?.authority !== undefined)
    field.problems.error(
      [...field.path, "headers", "request"],
      "Conflict",
      "sets the host, which rewrite sets too",
      "keep rewrite.authority",
    );
  return {
    matches,
    ...(name !== undefined && { name }),
    ...(rewrite !== undefined && { rewrite }),
    ...(fault !== undefined && { fault }),
    ...(mirrors !== undefined && { mirrors }),
    ...(headers !== undefined && Object.keys(headers).length > 0 && { headers }),
    ...(cors !== undefined && { cors }),
    ...(timeoutMs !== undefined && { timeoutMs }),
    ...(retries !== undefined && { retries }),
  };
}

function checkAction(fields: ObjectFields, field: Field): void {
  const actions = ACTIONS.filter((name) => fields.has(name));
  const [action, second] = actions;
  const { problems, path } = field;
  if (action === undefined) {
    const hint = "name where the requests go, or give redirect, directResponse or delegate";
    problems.error([...path, "route"], "MissingField", "is missing", hint);
    return;
  }
  if (second !== undefined) problems.error(path, "Conflict", `has ${actions.join(" and ")}`, "keep one of them");
  if (action !== "redirect" && action !== "directResponse") return;
  for (const name of ONLY_WITH_ROUTE)
    if (fields.has(name)) problems.error([...path, name], "Conflict", `stands beside ${action}`, "remove one of them");
  for (const name of IDLE_WITHOUT_ROUTE)
    if (fields.has(name))
      problems.warning([...path, name], "IgnoredField", `does nothing beside ${action}`, "remove it");
}

function readDelegate(namespace: string): Reader<DelegateRoute["delegate"]> {
  return readObject((fields) => {
    const name = fields.required("name", readDnsSubdomain, "name the VirtualService whose rules hold");
    const where = fields.optional("namespace", readDnsLabel) ?? namespace;
    return name === undefined ? undefined : { namespace: where, name };
  });
}
