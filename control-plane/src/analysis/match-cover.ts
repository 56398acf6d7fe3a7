import type { HeaderMatch, HttpMatch, QueryParamMatch, UriMatch } from "../model/http-route.js";
import type { StringMatch } from "../model/string-match.js";

/**
 * Whether `wide` takes every request that `narrow` takes. False also where that cannot be told: patterns are compared as
 * text only.
 */
export function covers(wide: HttpMatch, narrow: HttpMatch): boolean {
  return (
    coversUri(wide, narrow) &&
    coversValue(wide.method, narrow.method) &&
    coversValue(wide.scheme, narrow.scheme) &&
    coversValue(wide.authority, narrow.authority) &&
    (wide.port === undefined || wide.port === narrow.port) &&
    (wide.sourceNamespace === undefined || wide.sourceNamespace === narrow.sourceNamespace) &&
    Object.entries(wide.sourceLabels ?? {}).every(([label, value]) => narrow.sourceLabels?.[label] === value) &&
    wide.headers.every((header) => narrow.headers.some((other) => coversHeader(header, other))) &&
    wide.queryParams.every((param) => narrow.queryParams.some((other) => coversParam(param, other)))
  );
}

function coversUri(wide: HttpMatch, narrow: HttpMatch): boolean {
  const { uri } = wide;
  if (uri === undefined || (uri.kind === "prefix" && uri.value === "/")) return true;
  // Who asks for less about case takes more.
  if (narrow.ignoreUriCase === true && wide.ignoreUriCase !== true) return false;
  const fold = wide.ignoreUriCase === true;
  return coversValue(folded(uri, fold), folded(narrow.uri, fold));
}

function folded(uri: UriMatch | undefined, fold: boolean): UriMatch | undefined {
  return uri === undefined || !fold || uri.kind === "regex" ? uri : { ...uri, value: uri.value.toLowerCase() };
}

function coversValue(wide: StringMatch | UriMatch | undefined, narrow: StringMatch | UriMatch | undefined): boolean {
  if (wide === undefined) return true;
  if (narrow === undefined) return false;
  switch (wide.kind) {
    case "exact":
      return narrow.kind === "exact" && narrow.value === wide.value;
    case "regex":
      return narrow.kind === "regex" ? narrow.value === wide.value : wide.value === ".*";
    case "prefix":
      return narrow.kind !== "regex" && narrow.value.startsWith(wide.value);
    case "path": {
      if (narrow.kind === "regex") return false;
      const elements = wide.value.replace(/\/+$/, "");
      if (elements === "") return true;
      if (narrow.value === elements) return narrow.kind !== "prefix";
      return narrow.value.startsWith(`${elements}/`);
    }
  }
}

function coversHeader(wide: HeaderMatch, narrow: HeaderMatch): boolean {
  if (wide.name !== narrow.name || wide.invert !== narrow.invert) return false;
  // The opposite of a wider value is narrower.
  return wide.invert ? coversValue(narrow.match, wide.match) : coversValue(wide.match, narrow.match);
}

function coversParam(wide: QueryParamMatch, narrow: QueryParamMatch): boolean {
  return wide.name === narrow.name && coversValue(wide.match, narrow.match);
}
