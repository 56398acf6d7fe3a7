import { HeaderStyle } from "./config";

/** What a client may know of a limit. */
export class Policy {
  private text: string = "";
  private quotaText: string = "";

  constructor(
    readonly name: string,
    readonly requests: u64,
    /** Length of the time that they are for; 0: not known. */
    readonly seconds: u64,
    readonly burst: u64,
  ) {}

  /** The requests, as text. */
  get quota(): string {
    if (this.quotaText == "") this.quotaText = this.requests.toString();
    return this.quotaText;
  }

  /** `10;w=60;burst=20` in draft 06, `"name";q=10;w=60` as a structured field. One style for each policy: it is kept. */
  in(style: HeaderStyle): string {
    if (this.text == "") this.text = this.write(style);
    return this.text;
  }

  private write(style: HeaderStyle): string {
    const seconds = this.seconds == 0 ? "" : ";w=" + this.seconds.toString();
    if (style == HeaderStyle.structured) return '"' + this.name + '";q=' + this.quota + seconds;
    return this.quota + seconds + (this.burst == this.requests ? "" : ";burst=" + this.burst.toString());
  }
}
