import {
  Action,
  Gauge,
  HttpCall,
  HttpCallHandler,
  HttpCallResponse,
  HttpContext,
  NoConfig,
  properties,
  register,
  Status,
  sharedData,
  Update,
} from "@weft/sdk";

/* The memory of the VM that handles requests, in pages of 64 KiB. */
const pages = new Gauge("soak_pages");

class Count extends Update {
  next(current: ArrayBuffer | null): ArrayBuffer | null {
    const next = new ArrayBuffer(8);
    store<u64>(changetype<usize>(next), current === null ? 1 : load<u64>(changetype<usize>(current)) + 1);
    return next;
  }
}

class OnAnswer extends HttpCallHandler {
  constructor(private readonly stream: Soak) {
    super();
  }

  onHttpCallResponse(response: HttpCallResponse): void {
    this.stream.answer = response.body.text()!;
    this.stream.request.resume();
  }
}

/* What a busy plugin does: bodies, a callout, all headers, attributes, shared data. */
class Soak extends HttpContext<NoConfig> {
  answer: string = "";
  private text: string = "";
  private path: string = "";

  onRequestHeaders(endOfStream: bool): Action {
    this.request.headers.remove("content-length");
    this.path = properties.string("request.path")!;
    const pairs = this.request.headers.pairs();
    for (let i = 0; i < pairs.length; i++) this.text += pairs[i].name + "=" + pairs[i].value + ";";
    const call = new HttpCall("callee", "callee.test", "/").header("x-size", this.text.length.toString());
    return call.send(new OnAnswer(this)) == Status.Ok ? Action.PauseAll : Action.Continue;
  }

  onRequestBody(size: u32, endOfStream: bool): Action {
    const text = this.request.body.wholeText(endOfStream);
    if (text === null) return Action.Pause;
    this.request.body.setText(text + this.answer);
    return Action.Continue;
  }

  onResponseHeaders(endOfStream: bool): Action {
    this.response.headers.remove("content-length");
    this.response.headers.set("x-path", this.path);
    return Action.Continue;
  }

  onResponseBody(size: u32, endOfStream: bool): Action {
    const bytes = this.response.body.whole(endOfStream);
    if (bytes === null) return Action.Pause;
    this.response.body.set(bytes);
    sharedData.update("requests", new Count());
    return Action.Continue;
  }

  onLog(): void {
    pages.value = memory.size();
  }
}
register<Soak, NoConfig>("soak");
