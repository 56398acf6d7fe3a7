import type { MessageInitShape } from "@bufbuild/protobuf";
import type { PrincipalSchema } from "../envoy-api/gen/envoy/config/rbac/v3/rbac_pb.js";
import type { ValueMatcherSchema } from "../envoy-api/gen/envoy/type/matcher/v3/value_pb.js";
import type { TextMatch } from "../model/authorization-policy.js";

type PrincipalInit = MessageInitShape<typeof PrincipalSchema>;
type ValueMatcherInit = MessageInitShape<typeof ValueMatcherSchema>;

/** Where Envoy's `jwt_authn` puts what it has verified. */
const JWT_METADATA = "envoy.filters.http.jwt_authn";
export const JWT_PAYLOAD = "payload";

/** A claim of a token that counts: a text, or a list with such a text. */
export function claimPrincipal(path: readonly string[], match: TextMatch): PrincipalInit {
  const text = valueMatcher(match);
  const list: ValueMatcherInit = {
    matchPattern: { case: "listMatch", value: { matchPattern: { case: "oneOf", value: text } } },
  };
  return { identifier: { case: "orIds", value: { ids: [claim(path, text), claim(path, list)] } } };
}

/**
 * A principal `<issuer>/<subject>`. Envoy has the two as two claims, both of which may have slashes in them: the text is
 * divided in every way that it can be.
 */
export function tokenPrincipal(match: TextMatch): PrincipalInit {
  const ways = waysToDivide(match).map(([issuer, subject]) => ({
    identifier: {
      case: "andIds" as const,
      value: { ids: [claim(["iss"], valueMatcher(issuer)), claim(["sub"], valueMatcher(subject))] },
    },
  }));
  const [first] = ways;
  return ways.length === 1 && first !== undefined ? first : { identifier: { case: "orIds", value: { ids: ways } } };
}

const PRESENT: TextMatch = { kind: "present" };

function waysToDivide(match: TextMatch): [issuer: TextMatch, subject: TextMatch][] {
  if (match.kind === "present") return [[PRESENT, PRESENT]];
  const { kind, value } = match;
  const at = [...value].flatMap((char, index) => (char === "/" ? index : []));
  const divided = at.map((index): [TextMatch, TextMatch] => {
    const issuer = value.slice(0, index);
    const subject = value.slice(index + 1);
    return [
      kind === "suffix" ? textOrAny("suffix", issuer) : { kind: "exact", value: issuer },
      kind === "prefix" ? textOrAny("prefix", subject) : { kind: "exact", value: subject },
    ];
  });
  if (kind === "prefix") return [...divided, [{ kind: "prefix", value }, PRESENT]];
  if (kind === "suffix") return [...divided, [PRESENT, { kind: "suffix", value }]];
  return divided;
}

function textOrAny(kind: "prefix" | "suffix", value: string): TextMatch {
  return value === "" ? PRESENT : { kind, value };
}

function claim(path: readonly string[], value: ValueMatcherInit): PrincipalInit {
  const keys = [JWT_PAYLOAD, ...path].map((key) => ({ segment: { case: "key" as const, value: key } }));
  return { identifier: { case: "metadata", value: { filter: JWT_METADATA, path: keys, value } } };
}

function valueMatcher(match: TextMatch): ValueMatcherInit {
  return {
    matchPattern: {
      case: "stringMatch",
      value:
        match.kind === "present"
          ? { matchPattern: { case: "safeRegex", value: { regex: ".+" } } }
          : { matchPattern: { case: match.kind, value: match.value } },
    },
  };
}
