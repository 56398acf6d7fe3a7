import { config, max, min, pattern } from "@weft/sdk";
import { isToken } from "./names";

export enum SameSite {
  Lax,
  Strict,
  None,
}

/** A cookie that gives a key to who has none. */
@config
export class Pin {
  /** The cookie's name. */
  @max(256) cookie: string = "";
  /** Its attribute Path. */
  @max(1024) @pattern("^/[!-:<-~]*$") path: string = "/";
  /** Its attribute Domain; empty: the host that answers. */
  @max(253) @pattern("^[0-9A-Za-z.-]*$") domain: string = "";
  /** How long it lasts; 0: until the browser ends. */
  @min(0) @max(34560000) maxAgeSeconds: u32 = 2592000;
  /** Its attribute Secure: sent over HTTPS only. */
  secure: bool = false;
  /** Its attribute SameSite. */
  sameSite: SameSite = SameSite.Lax;

  validate(): string | null {
    if (!isToken(this.cookie)) return 'give the cookie a name; "' + this.cookie + '" is none';
    if (this.sameSite == SameSite.None && !this.secure)
      return "sameSite None needs secure: true, or browsers refuse it";
    return null;
  }

  get isUsed(): bool {
    return this.cookie != "";
  }

  /** The value of a Set-Cookie header. */
  setCookie(key: string): string {
    let text = this.cookie + "=" + key + "; Path=" + this.path;
    if (this.domain != "") text += "; Domain=" + this.domain;
    if (this.maxAgeSeconds > 0) text += "; Max-Age=" + this.maxAgeSeconds.toString();
    text +=
      "; HttpOnly; SameSite=" +
      (this.sameSite == SameSite.Lax ? "Lax" : this.sameSite == SameSite.Strict ? "Strict" : "None");
    return this.secure ? text + "; Secure" : text;
  }
}
