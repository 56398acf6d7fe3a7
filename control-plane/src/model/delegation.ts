import type { HttpMatch, HttpRoute, UriMatch } from "./http-route.js";
import type { StringMatch } from "./string-match.js";
import type { DelegateRoute, VirtualService } from "./virtual-service.js";

/** The rules that stand for one that delegates. */
export interface Delegated {
  readonly rules: readonly HttpRoute[];
  /** Positions, in the VirtualService delegated to, of rules that can never hold under the rule that delegates. */
  readonly conflicts: readonly number[];
}

/**
 * The delegate's rules under the conditions of the one that delegates. What a rule says itself goes before what it
 * inherits. One whose conditions are not within the other's is left out.
 * https://istio.io/latest/docs/reference/config/networking/virtual-service/#Delegate
 */
export function delegated(root: DelegateRoute, { http }: Pick<VirtualService, "http">): Delegated {
  const rules: HttpRoute[] = [];
  const conflicts: number[] = [];
  const { delegate: _, position: __, matches: ___, name: ____, ...inherited } = root;
  http.forEach((rule, position) => {
    // There is one level of delegation only.
    if (!("action" in rule)) return;
    const matches = mergedMatches(root.matches, rule.matches);
    if (matches === undefined) conflicts.push(rule.position ?? position);
    else rules.push({ ...inherited, ...rule, matches, ...joinedName(root.name, rule.name) });
  });
  return { rules, conflicts };
}

/** Undefined where a match of the delegate is within none of the root's. */
function mergedMatches(root: readonly HttpMatch[], own: readonly HttpMatch[]): readonly HttpMatch[] | undefined {
  if (root.length === 0) return own;
  if (own.length === 0) return root;
  const merged: HttpMatch[] = [];
  for (const match of own) {
    const fitting = root.filter((candidate) => isWithin(match, candidate));
    if (fitting.length === 0) return undefined;
    merged.push(...fitting.map((candidate) => mergedMatch(candidate, match)));
  }
  return merged;
}

function mergedMatch(root: HttpMatch, own: HttpMatch): HttpMatch {
  const sourceLabels = { ...root.sourceLabels, ...own.sourceLabels };
  return {
    ...root,
    ...own,
    ...joinedName(root.name, own.name),
    headers: [...root.headers.filter((header) => !own.headers.some(isAbout(header))), ...own.headers],
    queryParams: [
      ...root.queryParams.filter(({ name }) => !own.queryParams.some((other) => other.name === name)),
      ...own.queryParams,
    ],
    ...(Object.keys(sourceLabels).length > 0 && { sourceLabels }),
  };
}

function isAbout(header: HttpMatch["headers"][number]): (other: HttpMatch["headers"][number]) => boolean {
  return (other) => other.name === header.name && other.invert === header.invert;
}

function joinedName(root: string | undefined, own: string | undefined): { readonly name?: string } {
  const name = root === undefined || own === undefined ? (root ?? own) : `${root}-${own}`;
  return name === undefined ? {} : { name };
}

/** Whether what a match takes may be part of what another takes; of what only one asks for, it may. */
function isWithin(own: HttpMatch, root: HttpMatch): boolean {
  if ((own.ignoreUriCase ?? false) !== (root.ignoreUriCase ?? false)) return false;
  if (differ(own.port, root.port) || differ(own.sourceNamespace, root.sourceNamespace)) return false;
  for (const [label, value] of Object.entries(own.sourceLabels ?? {}))
    if (differ(value, root.sourceLabels?.[label])) return false;
  for (const part of ["uri", "method", "scheme", "authority"] as const)
    if (!isValueWithin(own[part], root[part])) return false;
  for (const header of own.headers) {
    const other = root.headers.find(isAbout(header));
    if (other !== undefined && !isValueWithin(header.match, other.match)) return false;
  }
  for (const param of own.queryParams)
    if (!isValueWithin(param.match, root.queryParams.find(({ name }) => name === param.name)?.match)) return false;
  return true;
}

function differ<T>(a: T | undefined, b: T | undefined): boolean {
  return a !== undefined && b !== undefined && a !== b;
}

/** Patterns are not compared: as in Istio, there must be none where both sides ask for something. */
function isValueWithin(own: StringMatch | UriMatch | undefined, root: StringMatch | UriMatch | undefined): boolean {
  if (own === undefined || root === undefined) return true;
  if (own.kind === "regex" || root.kind === "regex") return false;
  if (root.kind === "exact") return own.kind === "exact" && own.value === root.value;
  return own.value.startsWith(root.value);
}
