import { Action, Counter, NoConfig, Peer, register, StreamContext } from "@weft/sdk";

const closes = new Counter("probe_tcp_closes");

class Tcp extends StreamContext<NoConfig> {
  private first: bool = true;

  onDownstreamData(size: u32, endOfStream: bool): Action {
    const data = this.downstream;
    if (size == 0) return Action.Continue;
    const text = data.text()!;
    // A line may come in pieces.
    if (!text.endsWith("\n")) return Action.Pause;
    if (text == "close\n") this.close();
    data.setText(text.toUpperCase());
    return Action.Continue;
  }

  onUpstreamData(size: u32, endOfStream: bool): Action {
    if (this.first && size > 0) this.upstream.prependText("answer: ");
    this.first = size == 0;
    return Action.Continue;
  }

  onDownstreamClose(peer: Peer): void {
    closes.increment();
  }

  onUpstreamClose(peer: Peer): void {
    closes.increment();
  }
}
register<Tcp, NoConfig>("tcp");
