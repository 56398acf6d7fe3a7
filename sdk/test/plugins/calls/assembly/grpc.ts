import {
  Action,
  Counter,
  GrpcCall,
  GrpcHandler,
  GrpcStream,
  Headers,
  HttpContext,
  LocalResponse,
  NoConfig,
  ProtoReader,
  ProtoWriter,
  register,
  Status,
} from "@weft/sdk";

const messages = new Counter("probe_grpc_messages");

class OnReply extends GrpcHandler {
  private said: string = "";

  constructor(private readonly stream: Grpc) {
    super();
  }

  onGrpcInitialMetadata(metadata: Headers): void {
    const value = metadata.get("x-initial");
    this.said += "initial " + (value === null ? "null" : value) + ";";
  }

  onGrpcMessage(message: ArrayBuffer): void {
    messages.increment();
    const reader = new ProtoReader(message);
    while (reader.next()) if (reader.field == 1) this.said += reader.string() + ";";
    const open = this.stream.open;
    if (open !== null && this.said.endsWith("echo two;")) open.close();
    if (open !== null && this.said.endsWith("echo cancel;")) {
      open.cancel();
      this.finish("cancelled");
    }
  }

  onGrpcTrailingMetadata(metadata: Headers): void {
    const value = metadata.get("x-trailing");
    this.said += "trailing " + (value === null ? "null" : value) + ";";
  }

  onGrpcClose(status: u32, message: string): void {
    this.finish("closed " + status.toString() + " " + message);
  }

  private finish(end: string): void {
    this.stream.request.headers.set("x-answer", this.said + end);
    this.stream.request.resume();
  }
}

class Grpc extends HttpContext<NoConfig> {
  open: GrpcStream | null = null;

  onRequestHeaders(endOfStream: bool): Action {
    const path = this.request.headers.get(":path")!;
    const cluster = path == "/nowhere" ? "nowhere" : "grpc";
    const name = path.startsWith("/stream") || path == "/gone" ? "Stream" : path == "/fail" ? "Fail" : "Call";
    const call = new GrpcCall(cluster, "probe.Service", name).metadata("x-from", "plugin");
    if (path == "/silent") call.timeoutMs = 100;
    if (name == "Stream") {
      const open = call.open(new OnReply(this));
      if (open === null) return this.refuse("no stream");
      this.open = open;
      if (path == "/stream-cancel") open.send(this.message("cancel"));
      else {
        open.send(this.message(path == "/gone" ? "forever" : "one"));
        if (path == "/stream") open.send(this.message("two"));
      }
      return Action.PauseAll;
    }
    const status = call.send(this.message(path == "/silent" ? "silent" : "hello"), new OnReply(this));
    return status == Status.Ok ? Action.PauseAll : this.refuse("status " + status.toString());
  }

  private message(text: string): ArrayBuffer {
    return new ProtoWriter().string(1, text).finish();
  }

  private refuse(text: string): Action {
    const response = new LocalResponse(500);
    response.body = text;
    return response.send();
  }
}
register<Grpc, NoConfig>("grpc");
