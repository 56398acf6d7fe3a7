import { Headers, properties, randomBytes } from "@weft/sdk";
import { Request } from "./request";
import { addressOf } from "./target";

const KEY_BYTES = 16;

/** The request that is being handled. */
export class LiveRequest extends Request {
  constructor(private readonly map: Headers) {
    super();
  }

  header(name: string): string | null {
    return this.map.get(name);
  }

  headers(name: string): string[] {
    return this.map.all(name);
  }

  sourceAddress(): string {
    const address = properties.string("source.address");
    return address === null ? "" : addressOf(address);
  }

  /** 128 random bits, as hexadecimal digits. */
  newKey(): string | null {
    const random = randomBytes(KEY_BYTES);
    if (random === null) return null;
    const bytes = Uint8Array.wrap(random);
    let text = "";
    for (let i = 0; i < bytes.length; i++) text += hexadecimal(bytes[i] >> 4) + hexadecimal(bytes[i] & 15);
    return text;
  }
}

function hexadecimal(digit: u8): string {
  return "0123456789abcdef".charAt(digit);
}
