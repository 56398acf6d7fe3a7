import type { MessageInitShape } from "@bufbuild/protobuf";
import type { RegexMatchAndSubstituteSchema } from "../envoy-api/gen/envoy/type/matcher/v3/regex_pb.js";
import type { PathRewrite, UriMatch } from "../model/http-route.js";

/** How Envoy writes a path anew, of a request as of a redirect. The query stays. */
export type EnvoyRewrite =
  | { readonly kind: "prefix"; readonly prefixRewrite: string }
  | { readonly kind: "regex"; readonly regexRewrite: MessageInitShape<typeof RegexMatchAndSubstituteSchema> };

/** What was matched decides what is replaced: Envoy swaps the prefix of a match by prefix, and all of any other. */
export function envoyRewrite(rewrite: PathRewrite, uri: UriMatch | undefined): EnvoyRewrite {
  switch (rewrite.kind) {
    case "prefix":
      return uri?.kind === "path"
        ? elements(uri.value, rewrite.value)
        : { kind: "prefix", prefixRewrite: rewrite.value };
    case "full":
      return regex("^/.*$", literal(rewrite.value));
    case "regex":
      return regex(rewrite.regex, rewrite.substitution);
  }
}

/** Replaces whole elements, so that `/a` → `/` makes `/b` of `/a/b`, and `/` → `/a` makes `/a/b` of `/b`. */
function elements(matched: string, value: string): EnvoyRewrite {
  const from = matched.replace(/\/+$/, "");
  const to = value.replace(/\/+$/, "");
  if (from !== "" && to !== "") return { kind: "prefix", prefixRewrite: to };
  return regex(`^${quoted(from)}/*`, `${literal(to)}/`);
}

function regex(pattern: string, substitution: string): EnvoyRewrite {
  return { kind: "regex", regexRewrite: { pattern: { regex: pattern }, substitution } };
}

function literal(text: string): string {
  return text.replaceAll("\\", "\\\\");
}

function quoted(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
}
