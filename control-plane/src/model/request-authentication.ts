import type { Attachment } from "./plugin.js";

/** A security.istio.io RequestAuthentication: which tokens count. Requests without a token pass. */
export interface RequestAuthentication extends Attachment {
  readonly name: string;
  readonly rules: readonly JwtRule[];
}

/** Which JSON web tokens of one issuer count, and what the app gets of them. */
export interface JwtRule {
  readonly issuer: string;
  /** Any of them; empty: whatever the token says. */
  readonly audiences: readonly string[];
  readonly keys: JwtKeys;
  /** Where tokens are looked for; nowhere: in `Authorization: Bearer` and in the query parameter `access_token`. */
  readonly fromHeaders: readonly { readonly name: string; readonly prefix: string }[];
  readonly fromParams: readonly string[];
  readonly fromCookies: readonly string[];
  /** A header for the payload of a token that counts, in base64url; callers cannot set it. */
  readonly outputPayloadToHeader?: string;
  readonly outputClaimToHeaders: readonly { readonly header: string; readonly claim: string }[];
  /** Whether the app gets the token too. */
  readonly forwardOriginalToken: boolean;
  /** Claims that are lists of words in one text, beside `scope` and `permission`. */
  readonly spaceDelimitedClaims: readonly string[];
}

/** The issuer's public keys, as a JSON web key set. */
export type JwtKeys =
  | { readonly kind: "inline"; readonly jwks: string }
  | {
      readonly kind: "remote";
      readonly uri: string;
      readonly tls: boolean;
      readonly host: string;
      readonly port: number;
      readonly timeoutMs: number;
    };
