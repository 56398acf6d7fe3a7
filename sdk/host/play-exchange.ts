import {
  type Exchange,
  type ExchangeRequest,
  finishResponse,
  missingBytes,
  routeHeaders,
  routeProblem,
  sendRequest,
  sendResponse,
  toExchangeResponse,
  toUpstreamRequest,
  type UpstreamHandler,
  type UpstreamRequest,
} from "./exchange.js";
import type { HeaderMap } from "./header-map.js";
import type { HttpStream } from "./http-stream.js";
import type { Services } from "./services.js";
import type { StreamHooks } from "./stream-options.js";

/** Sends a request through a stream, lets the upstream answer, and returns once nothing more happens by itself. */
export async function playExchange(
  services: Services,
  request: ExchangeRequest,
  upstream: UpstreamHandler,
  open: (hooks: StreamHooks) => HttpStream,
): Promise<Exchange> {
  let upstreamRequest: UpstreamRequest | undefined;
  let pending: Promise<void> = Promise.resolve();
  const protocol = request.protocol ?? "HTTP/1.1";
  const http1 = protocol === "HTTP/1.1";
  const clientHeaders = (map: HeaderMap): void =>
    finishResponse(map, new Date(Number(services.clock.wallNs / 1_000_000n)));
  const reached = (): void => {
    const problem = routeProblem(stream.upstream);
    if (problem !== undefined) {
      stream.routerReply(404, problem);
      return;
    }
    const missing = http1 ? missingBytes(stream.upstream) : 0;
    if (missing > 0) {
      const message = `the request's content-length promises ${missing} bytes more than its body has: remove the header`;
      services.violation({ kind: "length", message });
      return;
    }
    upstreamRequest = toUpstreamRequest(stream.upstream, http1);
    const answer = upstream(upstreamRequest);
    pending = Promise.resolve(answer).then((response) => {
      if (!stream.closed) sendResponse(stream, response, protocol);
      const short = http1 && stream.client.ended ? missingBytes(stream.client) : 0;
      if (short === 0) return;
      const message = `the response's content-length promises ${short} bytes more than its body has: remove the header`;
      services.operate(() => services.violation({ kind: "length", message }));
    });
  };
  const stream = open({ upstream: reached, upstreamHeaders: routeHeaders, clientHeaders });
  sendRequest(stream, request);
  const settled = async (): Promise<void> => {
    for (let seen: Promise<void> | undefined; seen !== pending; ) {
      seen = pending;
      await seen;
    }
  };
  await settled();
  return {
    stream,
    settled,
    get response() {
      return toExchangeResponse(stream.client, http1);
    },
    get upstreamRequest() {
      return upstreamRequest;
    },
    get localResponse() {
      return stream.localResponse;
    },
    get reset() {
      return stream.reset;
    },
    get finished() {
      return stream.closed;
    },
    routeCacheClears: stream.routeCacheClears,
  };
}
