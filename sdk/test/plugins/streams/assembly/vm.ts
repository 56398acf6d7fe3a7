import {
  Action,
  Counter,
  environmentVariable,
  HttpContext,
  LocalResponse,
  log,
  NoConfig,
  RootContext,
  randomBytes,
  registerRoot,
  SharedQueue,
} from "@weft/sdk";

const received = new Counter("probe_queue_received");
const dones = new Counter("probe_dones");
const deletes = new Counter("probe_deletes");

class Root extends RootContext<NoConfig> {
  vm: string = "";
  queue: SharedQueue | null = null;
  last: string = "";

  onVmStart(): bool {
    const configuration = this.vmConfiguration;
    this.vm = configuration === null ? "none" : String.UTF8.decode(configuration);
    return this.vm != "refuse";
  }

  onConfigure(): bool {
    this.queue = SharedQueue.register("probe");
    return true;
  }

  onQueueReady(queueId: u32): void {
    const queue = this.queue;
    if (queue === null || queue.id != queueId) return;
    let message = queue.pop();
    while (message !== null) {
      received.increment(message.byteLength);
      message = queue.pop();
    }
  }

  onDone(): bool {
    log.warn("root is done");
    this.done();
    return true;
  }

  onDelete(): void {
    log.warn("root is deleted");
  }
}

class Vm extends HttpContext<NoConfig> {
  onRequestHeaders(endOfStream: bool): Action {
    const path = this.request.headers.get(":path");
    const response = new LocalResponse(200);
    if (path == "/push") {
      const queue = SharedQueue.resolve("", "probe")!;
      response.body = queue.push(String.UTF8.encode("12345")).toString();
      response.body += SharedQueue.resolve("other", "probe") === null ? " null" : " found";
      return response.send();
    }
    const bytes = randomBytes(16)!;
    let sum = 0;
    const view = Uint8Array.wrap(bytes);
    for (let i = 0; i < view.length; i++) sum += view[i];
    const first = Math.random();
    const missing = environmentVariable("PROBE_MISSING");
    response.body = [
      (this.root as Root).vm,
      environmentVariable("PROBE")!,
      missing === null ? "null" : missing,
      sum > 0 ? "random" : "zeros",
      randomBytes(65537) === null ? "null" : "bytes",
      first != Math.random() ? "differ" : "same",
    ].join("|");
    return response.send();
  }

  onDone(): bool {
    dones.increment();
    return true;
  }

  onDelete(): void {
    deletes.increment();
  }
}
registerRoot<Vm, Root>("vm");
