import { sortedEntries } from "../model/compare.js";
import type { Diagnostic } from "../model/diagnostic.js";
import type { HttpMatch } from "../model/http-route.js";
import type { Snapshot } from "../model/snapshot.js";
import { covers } from "./match-cover.js";

/** What a rule without matches takes. */
const EVERYTHING: HttpMatch = { headers: [], queryParams: [] };

/** Matches of VirtualServices that can never decide, because a match before takes all that they would. */
export function shadowedRoutes({ virtualServices }: Pick<Snapshot, "virtualServices">): Diagnostic[] {
  return sortedEntries(virtualServices).flatMap(([, { namespace, name, http }]) => {
    /** Of all rules before: the match, and where it stands. */
    const before: { readonly match: HttpMatch; readonly place: string }[] = [];
    return http.flatMap((rule, index): Diagnostic[] => {
      const field = `spec.http[${rule.position ?? index}]`;
      const matches = rule.matches.length === 0 ? [EVERYTHING] : rule.matches;
      const found = matches.map((match, m) => {
        const shadow = before.find((other) => covers(other.match, match));
        before.push({ match, place: rule.matches.length === 0 ? field : `${field}.match[${m}]` });
        return shadow?.place;
      });
      const isWhole = found.every((place) => place !== undefined);
      const problem = (place: string, at: string, what: string): Diagnostic => ({
        severity: "warning",
        object: { kind: "VirtualService", namespace, name },
        field: at,
        reason: "ShadowedRoute",
        message: `${what} can never decide: ${place.replace("spec.", "")} stands before and takes all that it would`,
        hint: "put the narrower match first, or remove the one that is never reached",
      });
      if (isWhole) return [problem(found[0] ?? "", field, "the rule")];
      return found.flatMap((place, m) =>
        place === undefined ? [] : [problem(place, `${field}.match[${m}]`, "the match")],
      );
    });
  });
}
