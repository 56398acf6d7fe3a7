import type {
  AuthorizationAction,
  AuthorizationPolicy,
  AuthorizationRule,
  Condition,
} from "../model/authorization-policy.js";
import { readOperation, readSource } from "./authorization-rule.js";
import { readCondition } from "./condition.js";
import {
  child,
  type Field,
  isObject,
  type ObjectFields,
  type Reader,
  readList,
  readObject,
  readOneOf,
  refuse,
  show,
} from "./fields.js";
import { type Metadata, readMetadata } from "./metadata.js";
import { createProblems } from "./problems.js";
import { readSelector } from "./selector.js";
import { readTargetServices } from "./target-refs.js";

/** As many as Istio takes. */
const MAX_RULES = 512;

/** Istio's annotation for a policy that is only counted. */
const DRY_RUN = "istio.io/dry-run";

const CUSTOM_HINT =
  "write a WasmPlugin in phase AUTHZ, which may ask a server of its callouts, or use ALLOW and DENY; until then everything is denied";

/**
 * A security.istio.io AuthorizationPolicy.
 * https://istio.io/latest/docs/reference/config/security/authorization-policy/
 */
export function readAuthorizationPolicy(metadata: Metadata): Reader<AuthorizationPolicy> {
  return readObject((fields, field) => {
    const scope = readScope(fields, field, metadata.namespace);
    const action = fields.optional("action", readAction) ?? "ALLOW";
    fields.unsupported({ provider: CUSTOM_HINT });
    const rules = fields.optional("rules", readList(readRule(metadata.namespace), { max: MAX_RULES })) ?? [];
    if (rules.length === 0 && action !== "ALLOW")
      field.problems.warning(
        [...field.path, "rules"],
        "NeverMatches",
        `is empty, so the ${action} policy does nothing`,
        "write rules; the rule {} matches everything",
      );
    const { namespace, name } = metadata;
    return { namespace, name, ...scope, action, dryRun: readDryRun(metadata, field), rules };
  });
}

const readAction: Reader<AuthorizationAction> = readOneOf(["ALLOW", "DENY", "AUDIT"], { CUSTOM: CUSTOM_HINT });

type Scope = Pick<AuthorizationPolicy, "selector" | "targetServices">;

function readScope(fields: ObjectFields, field: Field, namespace: string): Scope {
  const selector = fields.optional("selector", readSelector);
  const targetServices = readTargetServices(fields, field, namespace);
  return { ...(selector !== undefined && { selector }), ...(targetServices !== undefined && { targetServices }) };
}

function readDryRun({ annotations }: Metadata, field: Field): boolean {
  const text = annotations[DRY_RUN];
  if (text === undefined || text === "false") return false;
  if (text === "true") return true;
  const place: Field = { value: text, path: ["metadata", "annotations", DRY_RUN], problems: field.problems };
  refuse(place, "InvalidValue", `is ${show(text)}`, 'write "true" or "false"');
  return false;
}

function readRule(namespace: string): Reader<AuthorizationRule> {
  return readObject((fields) => {
    fields.belongElsewhere({
      source: "write it into an item of from",
      operation: "write it into an item of to",
      paths: "write it into to[].operation",
      methods: "write it into to[].operation",
      principals: "write it into from[].source",
      namespaces: "write it into from[].source",
    });
    const from = fields.optional("from", readList(readOne("source", readSource(namespace)), { max: MAX_RULES })) ?? [];
    const to = fields.optional("to", readList(readOne("operation", readOperation), { max: MAX_RULES })) ?? [];
    const when = fields.optional("when", readList(readCondition(namespace), { max: MAX_RULES })) ?? [];
    return { from, to, when };
  });
}

/** An item of `from` or `to`: an object with one field. One that asks for nothing is a slip: it would match everything. */
function readOne(name: "source" | "operation", read: Reader<readonly Condition[]>): Reader<readonly Condition[]> {
  return readObject((fields, field) => {
    const conditions = fields.required(name, read, `write ${name} with what is asked for`);
    if (conditions?.length === 0 && !field.problems.hasErrors)
      return refuse(
        child(field, name, undefined),
        "MissingField",
        "asks for nothing",
        `ask for something, or leave out ${name === "source" ? "from" : "to"} to match everything`,
      );
    return conditions;
  });
}

/**
 * What stands for an object that is wrong and never was right, where it can be read what it is for: everything is denied
 * there. Undefined where it would deny nothing itself, or where it cannot be read what it is for.
 */
export function standInPolicy(raw: unknown): AuthorizationPolicy | undefined {
  if (!isObject(raw)) return undefined;
  const problems = createProblems(undefined);
  const root: Field = { value: raw, path: [], problems };
  const metadata = readObject((fields) => {
    fields.ignore(Object.keys(raw));
    return readMetadata(fields);
  })(root);
  const spec = raw.spec ?? {};
  if (metadata === undefined || problems.hasErrors || !isObject(spec)) return undefined;
  if (spec.action === "AUDIT" || metadata.annotations[DRY_RUN] === "true") return undefined;
  const scope = readObject((fields, field) => {
    fields.ignore(Object.keys(spec));
    return readScope(fields, field, metadata.namespace);
  })(child(root, "spec", spec));
  if (scope === undefined || problems.hasErrors) return undefined;
  const { namespace, name } = metadata;
  const rules = [{ from: [], to: [], when: [] }];
  return { namespace, name, ...scope, action: "DENY", dryRun: false, rules, standIn: true };
}
