import { Headers, properties } from "@weft/sdk";
import { RequestView } from "./descriptor";

/** The request of the running callback. */
export class EnvoyRequest extends RequestView {
  constructor(private readonly headers: Headers) {
    super();
  }

  header(name: string): string | null {
    const values = this.headers.all(name);
    if (values.length == 0) return null;
    return values.length == 1 ? values[0] : values.join(",");
  }

  sourceIdentity(): string | null {
    return properties.string("connection.uri_san_peer_certificate");
  }

  sourceAddress(): string | null {
    return properties.string("source.address");
  }
}
