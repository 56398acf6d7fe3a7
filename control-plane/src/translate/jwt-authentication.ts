import type { MessageInitShape } from "@bufbuild/protobuf";
import type { TypedExtensionConfigSchema } from "../envoy-api/gen/envoy/config/core/v3/extension_pb.js";
import {
  JwtAuthenticationSchema,
  type JwtProviderSchema,
  type JwtRequirementSchema,
} from "../envoy-api/gen/envoy/extensions/filters/http/jwt_authn/v3/config_pb.js";
import { objectKey } from "../model/object-ref.js";
import type { JwtKeys, JwtRule, RequestAuthentication } from "../model/request-authentication.js";
import type { Snapshot } from "../model/snapshot.js";
import { milliseconds } from "./duration.js";
import { typedExtension } from "./encode.js";
import { jwksSites } from "./jwks-sites.js";
import { jwksCluster } from "./names.js";
import { JWT_PAYLOAD } from "./rbac-claims.js";
import type { Ref } from "./ref.js";
import { serverRefs } from "./server-clusters.js";

type FilterInit = MessageInitShape<typeof TypedExtensionConfigSchema>;
type ProviderInit = MessageInitShape<typeof JwtProviderSchema>;
type RequirementInit = MessageInitShape<typeof JwtRequirementSchema>;

/** How long fetched keys are used before they are fetched again. */
const KEYS_LIFETIME_SECONDS = 300n;
/** Claims that RFC 8693 and others write as words in one text. */
const SPACE_DELIMITED_CLAIMS = ["permission", "scope"];

/** What a proxy needs to fetch the keys of a RequestAuthentication. */
export function jwksRefs(snapshot: Pick<Snapshot, "services">, authentication: RequestAuthentication): Ref[] {
  return jwksSites(authentication).flatMap((site) => serverRefs(snapshot, site));
}

/** The HTTP filter of the RequestAuthentications with these keys; none where there is no rule. */
export function jwtFilters(snapshot: Snapshot, keys: readonly string[]): readonly FilterInit[] {
  const providers: Record<string, ProviderInit> = {};
  for (const key of keys) {
    const authentication = snapshot.requestAuthentications.get(key);
    if (authentication === undefined) continue;
    const { namespace, rules } = authentication;
    rules.forEach((rule, index) => {
      providers[`${objectKey(authentication)}/${index}`] = jwtProvider(rule, namespace);
    });
  }
  const names = Object.keys(providers);
  if (names.length === 0) return [];
  return [
    typedExtension("weft.authentication.jwt", JwtAuthenticationSchema, {
      providers,
      rules: [
        {
          match: { pathSpecifier: { case: "prefix", value: "/" } },
          requirementType: { case: "requires", value: requirement(names) },
        },
      ],
      bypassCorsPreflight: true,
    }),
  ];
}

/**
 * No token is right, and a token must be right for one of the rules. Rules that look in different places would each be
 * content with a token of theirs, or none; rules that look in the same place see a token of another's issuer, which is
 * why one of them is enough.
 */
function requirement(names: readonly string[]): RequirementInit {
  const each = names.map(
    (name): RequirementInit => ({
      requiresType: {
        case: "requiresAny",
        value: { requirements: [provider(name), { requiresType: { case: "allowMissing", value: {} } }] },
      },
    }),
  );
  const [only] = each;
  if (each.length === 1 && only !== undefined) return only;
  const all: RequirementInit = { requiresType: { case: "requiresAll", value: { requirements: each } } };
  return { requiresType: { case: "requiresAny", value: { requirements: [...names.map(provider), all] } } };
}

function provider(providerName: string): RequirementInit {
  return { requiresType: { case: "providerName", value: providerName } };
}

function jwtProvider(rule: JwtRule, namespace: string): ProviderInit {
  return {
    issuer: rule.issuer,
    audiences: [...rule.audiences],
    jwksSourceSpecifier: keySource(rule.keys, namespace),
    fromHeaders: rule.fromHeaders.map(({ name, prefix }) => ({ name, valuePrefix: prefix })),
    fromParams: [...rule.fromParams],
    fromCookies: [...rule.fromCookies],
    forward: rule.forwardOriginalToken,
    ...(rule.outputPayloadToHeader === undefined ? {} : { forwardPayloadHeader: rule.outputPayloadToHeader }),
    claimToHeaders: rule.outputClaimToHeaders.map(({ header, claim }) => ({ headerName: header, claimName: claim })),
    payloadInMetadata: JWT_PAYLOAD,
    normalizePayloadInMetadata: {
      spaceDelimitedClaims: [...new Set([...SPACE_DELIMITED_CLAIMS, ...rule.spaceDelimitedClaims])].sort(),
    },
  };
}

function keySource(keys: JwtKeys, namespace: string): NonNullable<ProviderInit["jwksSourceSpecifier"]> {
  if (keys.kind === "inline")
    return { case: "localJwks", value: { specifier: { case: "inlineString", value: keys.jwks } } };
  return {
    case: "remoteJwks",
    value: {
      httpUri: {
        uri: keys.uri,
        httpUpstreamType: { case: "cluster", value: jwksCluster(namespace, keys) },
        timeout: milliseconds(keys.timeoutMs),
      },
      cacheDuration: { seconds: KEYS_LIFETIME_SECONDS },
    },
  };
}
