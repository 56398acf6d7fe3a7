import { config, max } from "@weft/sdk";
import { isToken } from "./names";
import { Request } from "./request";

/** Where a key may come from: exactly one of these. */
@config
export class KeySource {
  /** The first value of this header. */
  @max(256) header: string = "";
  /** The first value of this cookie. */
  @max(256) cookie: string = "";
  /** The first value of this parameter of the query. */
  @max(256) queryParam: string = "";
  /** The address of whoever connected to the proxy. At a sidecar that is the app itself. */
  sourceAddress: bool = false;

  validate(): string | null {
    const given =
      <i32>(this.header != "") + <i32>(this.cookie != "") + <i32>(this.queryParam != "") + <i32>this.sourceAddress;
    if (given != 1) return "give exactly one of header, cookie, queryParam and sourceAddress: true";
    if (this.header != "" && !isToken(this.header)) return 'header "' + this.header + '" is no name of a header';
    if (this.cookie != "" && !isToken(this.cookie)) return 'cookie "' + this.cookie + '" is no name of a cookie';
    return null;
  }
}

/** The first of the keys that the request has; null where it has none. An empty value is none. */
export function keyOf(sources: KeySource[], request: Request): string | null {
  for (let i = 0; i < sources.length; i++) {
    const key = valueOf(sources[i], request);
    if (key !== null && key != "") return key;
  }
  return null;
}

function valueOf(source: KeySource, request: Request): string | null {
  if (source.header != "") return request.header(source.header);
  if (source.sourceAddress) return request.sourceAddress();
  const values = source.cookie != "" ? request.cookie(source.cookie) : request.queryParam(source.queryParam);
  return values.length > 0 ? values[0] : null;
}
