/*
 * Functions that Envoy has beyond the ABI, with typed arguments. Their messages:
 * https://github.com/envoyproxy/envoy/tree/v1.40.0/source/extensions/common/wasm/ext
 */
import { allocate } from "./abi/arena";
import { pointer, size } from "./abi/result";
import { decode, encode, encodedSize } from "./abi/text";
import { HeaderPair, pairsOf } from "./headers";
import { callForeign, foreignResult, runForeign } from "./host/foreign";
import { deserialize } from "./host/pairs";
import { Status } from "./host/status";
import { ProtoReader, ProtoWriter } from "./proto";

/** How long a value of filter state is kept. */
export enum LifeSpan {
  FilterChain = 0,
  DownstreamRequest = 1,
  DownstreamConnection = 2,
}

/** What Envoy takes a property's bytes for, in access logs and expressions. */
export enum PropertyType {
  Bytes = 0,
  String = 1,
  FlatBuffers = 2,
  Protobuf = 3,
}

function run(name: string, message: ProtoWriter): Status {
  const bytes = message.finish();
  return runForeign(name, changetype<usize>(bytes), bytes.byteLength);
}

/** Calls any foreign function; null where it is not there or fails, an empty buffer where it returns nothing. */
export function callForeignFunction(name: string, argument: ArrayBuffer): ArrayBuffer | null {
  const status = callForeign(name, changetype<usize>(argument), argument.byteLength);
  return status == Status.Ok ? foreignResult() : null;
}

/**
 * Sets filter state that Envoy itself knows, such as `envoy.tcp_proxy.cluster` or `envoy.network.upstream_server_name`.
 * False: the key is unknown or the value is not one for it. For keys of your own: `properties.set`. Costs 0.6 µs.
 */
export function setEnvoyFilterState(key: string, value: string, span: LifeSpan = LifeSpan.FilterChain): bool {
  const message = new ProtoWriter().string(1, key).string(2, value).varint(3, span);
  return run("set_envoy_filter_state", message) == Status.Ok;
}

/**
 * Says of what type a property of the plugin's own is, before it is set: `String` makes
 * `%FILTER_STATE(wasm.<name>:TYPED)%` a text. False: it is declared already. Envoy 1.40 lets a plugin set a property
 * again even where it is `readOnly`.
 */
export function declareProperty(
  name: string,
  type: PropertyType = PropertyType.String,
  span: LifeSpan = LifeSpan.FilterChain,
  readOnly: bool = false,
  schema: ArrayBuffer | null = null,
): bool {
  const message = new ProtoWriter()
    .string(1, name)
    .varint(2, readOnly ? 1 : 0)
    .varint(3, type);
  if (schema !== null) message.bytesField(4, schema);
  return run("declare_property", message.varint(5, span)) == Status.Ok;
}

/** zlib (RFC 1950). Null: it failed. */
export function compress(bytes: ArrayBuffer): ArrayBuffer | null {
  return callForeignFunction("compress", bytes);
}

/** The opposite of `compress`. Null: the bytes are not zlib's. */
export function uncompress(bytes: ArrayBuffer): ArrayBuffer | null {
  return callForeignFunction("uncompress", bytes);
}

/**
 * Whether a signature (RSA PKCS #1 or ECDSA) is the key's. `hash` is `sha1`, `sha224`, `sha256`, `sha384` or `sha512`.
 * False also where the key cannot be read.
 */
export function verifySignature(publicKeyPem: string, hash: string, signature: ArrayBuffer, text: ArrayBuffer): bool {
  const message = new ProtoWriter()
    .string(1, hash)
    .string(5, publicKeyPem)
    .bytesField(3, signature)
    .bytesField(4, text);
  const result = callForeignFunction("verify_signature", message.finish());
  if (result === null) return false;
  const reader = new ProtoReader(result);
  while (reader.next()) if (reader.field == 1) return reader.boolean();
  return false;
}

/** Signs with a private key (PKCS #8); null where the key or the hash is none. */
export function sign(privateKeyPem: string, hash: string, text: ArrayBuffer): ArrayBuffer | null {
  const message = new ProtoWriter().string(1, hash).bytesField(3, text).string(4, privateKeyPem);
  const result = callForeignFunction("sign", message.finish());
  if (result === null) return null;
  let signature: ArrayBuffer | null = null;
  let signed = false;
  const reader = new ProtoReader(result);
  while (reader.next()) {
    if (reader.field == 1) signed = reader.boolean();
    if (reader.field == 2) signature = reader.bytes();
  }
  return signed ? signature : null;
}

/**
 * An expression of Envoy's (CEL) over attributes. Make it once, in the root, and evaluate it for each stream. What is
 * absent evaluates to null.
 * https://www.envoyproxy.io/docs/envoy/v1.40.0/intro/arch_overview/advanced/attributes
 *
 * ```ts
 * class Rules extends RootContext<NoConfig> {
 *   rule: Expression | null = null;
 *   onConfigure(): bool {
 *     this.rule = Expression.compile("request.method == 'POST' && source.address.startsWith('10.')");
 *     return this.rule !== null;
 *   }
 * }
 * class Ruled extends HttpContext<NoConfig> {
 *   onRequestHeaders(endOfStream: bool): Action {
 *     const rule = (this.root as Rules).rule;
 *     return rule !== null && rule.boolean() ? new LocalResponse(403).send() : Action.Continue;
 *   }
 * }
 * registerRoot<Ruled, Rules>("ruled");
 * ```
 */
export class Expression {
  private constructor(private readonly token: u32) {}

  /** Null where the text is no expression. */
  static compile(text: string): Expression | null {
    const bytes = encode(text);
    if (callForeign("expr_create", bytes, encodedSize) != Status.Ok || size() != 4) return null;
    return new Expression(load<u32>(pointer()));
  }

  /** The value as text; null where it is absent or the evaluation failed. */
  string(): string | null {
    return this.evaluate() ? decode(pointer(), size()) : null;
  }

  /** The value of a condition; the fallback where it is none, or is absent. */
  boolean(fallback: bool = false): bool {
    return this.evaluate() && size() == 1 ? load<u8>(pointer()) != 0 : fallback;
  }

  /** The value of an integer; the fallback where it is none, or is absent. */
  integer(fallback: i64 = 0): i64 {
    return this.evaluate() && size() == 8 ? load<i64>(pointer()) : fallback;
  }

  /** The value of a double; the fallback where it is none, or is absent. */
  number(fallback: f64 = 0): f64 {
    return this.evaluate() && size() == 8 ? load<f64>(pointer()) : fallback;
  }

  /** The entries of a map, such as `request.headers`; null where it is absent. */
  map(): HeaderPair[] | null {
    return this.evaluate() ? pairsOf(deserialize(pointer(), size())) : null;
  }

  /** It cannot be evaluated any more. */
  delete(): void {
    runForeign("expr_delete", this.argument(), 4);
  }

  private evaluate(): bool {
    return callForeign("expr_evaluate", this.argument(), 4) == Status.Ok;
  }

  private argument(): usize {
    const argument = allocate(4);
    store<u32>(argument, this.token);
    return argument;
  }
}
