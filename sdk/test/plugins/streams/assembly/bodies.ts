import { Action, HttpContext, LocalResponse, NoConfig, register } from "@weft/sdk";

/* What is done with a body is the request's path. */
class Bodies extends HttpContext<NoConfig> {
  private path: string = "";
  private chunks: u32 = 0;

  onRequestHeaders(endOfStream: bool): Action {
    this.path = this.request.headers.get(":path")!;
    this.request.headers.remove("content-length");
    if (this.path == "/reset") this.reset();
    if (this.path == "/all") {
      const pairs = this.request.headers.pairs();
      const kept = pairs.slice(0);
      for (let i = 0; i < pairs.length; i++) if (pairs[i].name == "x-secret") kept.splice(i, 1);
      const response = new LocalResponse(200);
      const larger = this.request.headers.byteSize;
      const replaced = this.request.headers.replaceAll(kept);
      response.body = [
        replaced.toString(),
        this.request.headers.has("x-secret").toString(),
        this.request.headers.get("x-other")!,
        (larger > this.request.headers.byteSize).toString(),
      ].join("|");
      return response.send();
    }
    if (this.path == "/bytes") {
      const response = new LocalResponse(201);
      const bytes = new Uint8Array(3);
      bytes[0] = 0;
      bytes[1] = 255;
      bytes[2] = 7;
      response.bytes = bytes.buffer;
      return response.send();
    }
    return Action.Continue;
  }

  onRequestBody(size: u32, endOfStream: bool): Action {
    const body = this.request.body;
    this.chunks++;
    if (this.path == "/whole") {
      const text = body.wholeText(endOfStream);
      if (text === null) return Action.Pause;
      body.setText("[" + text + "]" + size.toString() + "=" + body.size.toString());
    } else if (this.path == "/edges") {
      if (this.chunks == 1) body.prependText("<");
      if (endOfStream) body.appendText(">");
    } else if (this.path == "/drain" && size > 0) {
      body.drain(2);
    } else if (this.path == "/part" && size > 4) {
      body.setText(body.text(1, 3)! + "|" + body.text(size, 3)! + "|");
    }
    return Action.Continue;
  }

  /* The end of a body that has trailers. */
  onRequestTrailers(): Action {
    const trailers = this.request.trailers;
    if (this.path == "/whole") {
      const kept = this.request.body.text();
      trailers.set("x-kept", kept === null ? "none" : kept);
    }
    trailers.set("x-chunks", this.chunks > 0 ? "some" : "none");
    trailers.add("x-seen", trailers.get("x-client")!);
    return Action.Continue;
  }

  onResponseHeaders(endOfStream: bool): Action {
    this.response.headers.remove("content-length");
    return Action.Continue;
  }

  onResponseBody(size: u32, endOfStream: bool): Action {
    const body = this.response.body;
    if (this.path.startsWith("/response")) {
      const bytes = body.whole(endOfStream);
      if (bytes === null) return Action.Pause;
      body.set(String.UTF8.encode("whole: " + String.UTF8.decode(bytes)));
    } else if (this.path == "/outside") {
      // The request has left: there is nothing to change.
      body.appendText(this.request.body.setText("x") ? "changed" : "refused");
    }
    return Action.Continue;
  }

  onResponseTrailers(): Action {
    const trailers = this.response.trailers;
    // All of a body that ends with trailers is still at hand here.
    if (this.path == "/response-trailers") this.response.body.setText("whole: " + this.response.body.text()!);
    trailers.set("x-plugin", "seen " + trailers.get("x-server")!);
    trailers.remove("x-removed");
    return Action.Continue;
  }
}
register<Bodies, NoConfig>("bodies");
