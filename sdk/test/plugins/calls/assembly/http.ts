import {
  Action,
  Counter,
  config,
  HttpCall,
  HttpCallHandler,
  HttpCallResponse,
  HttpContext,
  LocalResponse,
  log,
  NoConfig,
  RootContext,
  register,
  registerRoot,
  Status,
} from "@weft/sdk";

const answers = new Counter("probe_answers");
const failures = ["none", "unavailable", "timeout", "reset"];

class OnAnswer extends HttpCallHandler {
  constructor(private readonly stream: Calling) {
    super();
  }

  onHttpCallResponse(response: HttpCallResponse): void {
    answers.increment();
    const request = this.stream.request;
    const length = response.headers.get("x-length");
    const trailer = response.trailers.get("x-trailer");
    request.headers.set(
      "x-answer",
      [
        response.status.toString(),
        failures[response.failure],
        response.bodySize < 100 ? response.body.text()! : response.bodySize.toString(),
        length === null ? "null" : length,
        trailer === null ? "null" : trailer,
      ].join("|"),
    );
    // The properties are the stream's, not the root's.
    request.headers.set("x-path-there", request.headers.get(":path")!);
    if (this.stream.again()) return;
    request.resume();
  }
}

class Calling extends HttpContext<NoConfig> {
  private rounds: i32 = 0;

  onRequestHeaders(endOfStream: bool): Action {
    const count = this.request.headers.get("x-rounds");
    this.rounds = count === null ? 1 : <i32>parseInt(count, 10);
    return this.call() ? Action.PauseAll : this.refuse();
  }

  again(): bool {
    if (--this.rounds <= 0) return false;
    return this.call();
  }

  private call(): bool {
    const headers = this.request.headers;
    const path = headers.get("x-call")!;
    const cluster = headers.get("x-cluster");
    const call = new HttpCall(cluster === null ? "callee" : cluster, "callee.test", path, "POST");
    call.header("x-from", "plugin").header("x-round", this.rounds.toString()).text("question");
    if (path == "/trailers") call.trailer("x-question", "trailer");
    if (path == "/slow") call.timeoutMs = 100;
    return call.send(new OnAnswer(this)) == Status.Ok;
  }

  private refuse(): Action {
    const response = new LocalResponse(500);
    response.body = "no call";
    return response.send();
  }
}
register<Calling, NoConfig>("http");

/* The root calls by itself, and streams see what it learnt. */
@config
class Polling {
  periodMs: u32 = 50;
}

class OnPoll extends HttpCallHandler {
  constructor(private readonly root: Poller) {
    super();
  }

  onHttpCallResponse(response: HttpCallResponse): void {
    this.root.latest = response.body.text()!;
    log.info("polled");
  }
}

class Poller extends RootContext<Polling> {
  latest: string = "";

  onConfigure(): bool {
    this.tickPeriodMs = this.config.periodMs;
    return true;
  }

  onTick(): void {
    if (this.latest == "") new HttpCall("callee", "callee.test", "/poll").send(new OnPoll(this));
  }
}

class Polled extends HttpContext<Polling> {
  onRequestHeaders(endOfStream: bool): Action {
    const response = new LocalResponse(200);
    response.body = (this.root as Poller).latest;
    return response.send();
  }
}
registerRoot<Polled, Poller>("poller");
