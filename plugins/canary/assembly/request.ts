import { cookieValues } from "./cookie";
import { hostOf, pathOf, queryValues } from "./target";

/** What the rules can ask of a request. Each part is fetched when it is asked for, and then kept. */
export abstract class Request {
  private target: string | null = null;
  private cookies: string[] | null = null;

  /** The first value of a header. */
  abstract header(name: string): string | null;

  /** Every value of a header. */
  abstract headers(name: string): string[];

  /** Of whom the connection is, without the port; "" where it is not known. */
  abstract sourceAddress(): string;

  /** A key that nobody has yet; null where there is no source of them. */
  abstract newKey(): string | null;

  get path(): string {
    return pathOf(this.fetchTarget());
  }

  get host(): string {
    const authority = this.header(":authority");
    return authority === null ? "" : hostOf(authority);
  }

  queryParam(name: string): string[] {
    return queryValues(this.fetchTarget(), name);
  }

  cookie(name: string): string[] {
    let headers = this.cookies;
    if (headers === null) {
      headers = this.headers("cookie");
      this.cookies = headers;
    }
    return cookieValues(headers, name);
  }

  private fetchTarget(): string {
    let target = this.target;
    if (target === null) {
      target = this.header(":path");
      if (target === null) target = "";
      this.target = target;
    }
    return target;
  }
}
