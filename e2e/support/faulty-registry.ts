import {
  createServer,
  type IncomingMessage,
  request as openRequest,
  type Server,
  type ServerResponse,
} from "node:http";

/** What the registry behind says. */
export interface WholeAnswer {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  readonly body: Buffer;
}

/** What is done with a request; `ask` gets the registry's answer to it. Nothing: the answer is passed on. */
export type Fault = (request: IncomingMessage, response: ServerResponse, ask: () => Promise<WholeAnswer>) => unknown;

export interface SeenRequest {
  readonly atMs: number;
  readonly method: string;
  readonly url: string;
  readonly authorization: string | undefined;
}

/** A proxy before a registry that can be told to fail. To its clients it is the registry: they keep its name. */
export interface FaultyRegistry {
  /** From now on it fails so; what was seen is forgotten. */
  fail(fault: Fault): void;
  /** It is well again, as one that was started anew: listens, and has forgotten open connections. */
  heal(): Promise<void>;
  /** Requests since the last of these. */
  readonly seen: readonly SeenRequest[];
  /** Nobody listens any more, and open connections are cut. */
  down(): Promise<void>;
}

/** Listens at 127.0.0.1. `upstream` is `host:port`. */
export async function startFaultyRegistry(port: number, upstream: string): Promise<FaultyRegistry> {
  let fault: Fault | undefined;
  let seen: SeenRequest[] = [];
  let server: Server | undefined;

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { method = "", url = "", headers } = request;
    seen.push({ atMs: Date.now(), method, url, authorization: headers.authorization });
    const ask = () => askUpstream(upstream, request);
    if (fault !== undefined) return void (await fault(request, response, ask));
    const { status, headers: given, body } = await ask();
    response.writeHead(status, given).end(body);
  };
  const down = async () => {
    const closing = server;
    server = undefined;
    if (closing === undefined) return;
    const closed = new Promise((done) => closing.close(done));
    closing.closeAllConnections();
    await closed;
  };
  const up = async () => {
    const opening = createServer((request, response) => {
      // The client, or the registry behind, may leave in the middle.
      answer(request, response).catch(() => response.destroy());
    });
    await new Promise<void>((done, fail) => {
      opening.once("error", fail);
      opening.listen(port, "127.0.0.1", done);
    });
    server = opening;
  };
  await up();
  return {
    fail(next) {
      fault = next;
      seen = [];
    },
    async heal() {
      fault = undefined;
      seen = [];
      await down();
      await up();
    },
    get seen() {
      return seen;
    },
    down,
  };
}

function askUpstream(upstream: string, { method, url, headers }: IncomingMessage): Promise<WholeAnswer> {
  return new Promise((done, fail) => {
    const options = { method: method ?? "GET", headers: { ...headers, connection: "close" } };
    const call = openRequest(`http://${upstream}${url}`, options, (answer) => {
      const chunks: Buffer[] = [];
      answer.on("data", (chunk: Buffer) => chunks.push(chunk));
      answer.on("error", fail);
      answer.on("end", () => {
        const { connection: _, "keep-alive": __, "transfer-encoding": ___, ...kept } = answer.headers;
        done({ status: answer.statusCode ?? 0, headers: kept, body: Buffer.concat(chunks) });
      });
    });
    call.on("error", fail);
    call.end();
  });
}
