import type { Attachment } from "./plugin.js";

/** ALLOW admits what matches and nothing else, DENY refuses what matches, AUDIT marks it for access logs. */
export type AuthorizationAction = "ALLOW" | "DENY" | "AUDIT";

/** How a text is compared; `present`: with anything but an empty text. */
export type TextMatch =
  | { readonly kind: "exact" | "prefix" | "suffix"; readonly value: string }
  | { readonly kind: "present" };

/** In a `template`, `{*}` stands for one segment of a path and `{**}` for any number of them, at the end. */
export type PathMatch = TextMatch | { readonly kind: "template"; readonly value: string };

export interface AddressBlock {
  readonly address: string;
  /** Number of leading bits that must be equal. */
  readonly bits: number;
}

/** The value must be one of `values`, where there are any, and none of `notValues`. */
interface Comparison<A extends string, V> {
  readonly attribute: A;
  readonly values: readonly V[];
  readonly notValues: readonly V[];
}

/** What is asked of one attribute of a request, or of a connection. */
export type Condition =
  | Comparison<
      | "source.principal"
      | "source.namespace"
      /** `<namespace>/<name>`. */
      | "source.serviceAccount"
      | "source.trustDomain"
      | "connection.sni"
      /** `<issuer>/<subject>` of a token. */
      | "request.auth.principal"
      | "request.auth.audiences"
      | "request.auth.presenter"
      | "request.host"
      | "request.method",
      TextMatch
    >
  | Comparison<"request.path", PathMatch>
  | Comparison<"source.ip" | "remote.ip" | "destination.ip", AddressBlock>
  /** As the workload has it, whatever its Services call it. */
  | Comparison<"destination.port", number>
  /** `name` in lower case. */
  | (Comparison<"request.headers", TextMatch> & { readonly name: string })
  /** `path` from the token's payload to the claim. */
  | (Comparison<"request.auth.claims", TextMatch> & { readonly path: readonly string[] });

/** Holds when one source holds, one operation holds and all of `when` hold; without sources, or operations, any does. */
export interface AuthorizationRule {
  /** Each a list of conditions that must all hold. */
  readonly from: readonly (readonly Condition[])[];
  readonly to: readonly (readonly Condition[])[];
  readonly when: readonly Condition[];
}

/** A security.istio.io AuthorizationPolicy. */
export interface AuthorizationPolicy extends Attachment {
  readonly name: string;
  readonly action: AuthorizationAction;
  /** Only counted, not enforced. */
  readonly dryRun: boolean;
  /** Any of them; an empty list matches nothing. */
  readonly rules: readonly AuthorizationRule[];
  /** Whether it stands for an object that was never right: it denies all that the object covers. */
  readonly standIn?: true;
}

/** Whether the attribute is only there where HTTP is spoken. */
export function isOfHttp({ attribute }: Condition): boolean {
  return attribute.startsWith("request.");
}

/** All conditions of a rule. */
export function conditionsOf({ from, to, when }: AuthorizationRule): readonly Condition[] {
  return [...from.flat(), ...to.flat(), ...when];
}
