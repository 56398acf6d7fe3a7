import {
  Action,
  callForeignFunction,
  compress,
  config,
  declareProperty,
  Expression,
  HttpContext,
  LifeSpan,
  LocalResponse,
  PropertyType,
  ProtoReader,
  ProtoWriter,
  properties,
  RootContext,
  registerRoot,
  setEnvoyFilterState,
  sign,
  uncompress,
  verifySignature,
} from "@weft/sdk";

@config
class Keys {
  privateKey: string = "";
  publicKey: string = "";
}

class Root extends RootContext<Keys> {
  isGet: Expression | null = null;
  size: Expression | null = null;
  text: Expression | null = null;

  onConfigure(): bool {
    this.isGet = Expression.compile('request.method == "GET" && request.headers["x-user"].startsWith("a")');
    this.size = Expression.compile("size(request.path) + 40");
    this.text = Expression.compile('request.path + "!"');
    return true;
  }
}

function text(bytes: ArrayBuffer | null): string {
  return bytes === null ? "null" : String.UTF8.decode(bytes);
}

class Foreign extends HttpContext<Keys> {
  onRequestHeaders(endOfStream: bool): Action {
    const path = this.request.headers.get(":path");
    if (path == "/route") {
      // The host of the upstream is chosen by a cluster that is named in filter state.
      this.labels.set("choice", "other");
      this.route.clear();
      return Action.Continue;
    }
    const response = new LocalResponse(200);
    if (path == "/keys") response.body = this.keys();
    else if (path == "/expressions") response.body = this.expressions();
    else response.body = this.others();
    return response.send();
  }

  private keys(): string {
    const message = String.UTF8.encode("message");
    const other = String.UTF8.encode("another");
    const signature = sign(this.config.privateKey, "sha256", message);
    if (signature === null) return "no signature";
    return [
      verifySignature(this.config.publicKey, "sha256", signature, message).toString(),
      verifySignature(this.config.publicKey, "sha256", signature, other).toString(),
      verifySignature("no key", "sha256", signature, message).toString(),
      sign("no key", "sha256", message) === null ? "null" : "signed",
    ].join("|");
  }

  private expressions(): string {
    const root = this.root as Root;
    const broken = Expression.compile("1 +");
    const dropped = Expression.compile("1")!;
    const before = dropped.integer(-1);
    dropped.delete();
    return [
      root.isGet!.boolean(false).toString(),
      root.size!.integer(-1).toString(),
      root.text!.string()!,
      broken === null ? "null" : "compiled",
      before.toString(),
      dropped.integer(-1).toString(),
      Expression.compile("request.nothing")!.string() === null ? "null" : "value",
      Expression.compile("1.5 + 1.0")!.number().toString(),
    ].join("|");
  }

  private others(): string {
    const plain = String.UTF8.encode("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
    const packed = compress(plain)!;
    const nested = new ProtoWriter().string(1, "inner").varint(2, 300);
    const reader = new ProtoReader(new ProtoWriter().message(7, nested).double(8, 0.5).finish());
    let proto = "";
    while (reader.next()) {
      if (reader.field == 7) {
        const inner = new ProtoReader(reader.bytes());
        while (inner.next()) proto += inner.field == 1 ? inner.string() : inner.varint().toString();
      } else proto += reader.double().toString();
    }
    return [
      (packed.byteLength < plain.byteLength).toString(),
      (text(uncompress(packed)).length == plain.byteLength).toString(),
      uncompress(plain) === null ? "null" : "uncompressed",
      callForeignFunction("nothing", plain) === null ? "null" : "called",
      setEnvoyFilterState("envoy.network.upstream_server_name", "a.example", LifeSpan.DownstreamRequest).toString(),
      setEnvoyFilterState("not.known", "x").toString(),
      text(properties.bytes(properties.path(["filter_state", "envoy.network.upstream_server_name"]))),
      declareProperty("typed", PropertyType.String, LifeSpan.FilterChain, true).toString(),
      properties.set("typed", "once").toString(),
      properties.set("typed", "twice").toString(),
      properties.string("typed")!,
      declareProperty("typed").toString(),
      proto,
      new ProtoReader(plain).next().toString(),
    ].join("|");
  }
}
registerRoot<Foreign, Root>("foreign");
