/* How the SDK sees the contexts of such a plugin. */
import { current, elements } from "../assembly/abi/boundary";
import { decode } from "../assembly/abi/text";
import { Action } from "../assembly/action";
import { AnyHttpContext, AnyRootContext, Context as SdkContext } from "../assembly/contexts";
import { addRegistration, Registration } from "../assembly/register";
import { Context, RootContext } from "./contexts";

class CompatRoot extends AnyRootContext {
  private size: u32 = 0;

  constructor(readonly inner: RootContext) {
    super();
  }

  /** Any text is a configuration. */
  readConfig(json: usize, size: usize): bool {
    this.inner.configuration_ = decode(json, size);
    this.size = <u32>size;
    return this.inner.validateConfiguration(size);
  }

  onVmStart(): bool {
    const configuration = this.vmConfiguration;
    return this.inner.onStart(configuration === null ? 0 : <usize>configuration.byteLength);
  }

  onConfigure(): bool {
    return this.inner.onConfigure(this.size);
  }

  onTick(): void {
    this.inner.onTick();
  }

  onQueueReady(queueId: u32): void {
    this.inner.onQueueReady(queueId);
  }

  onDone(): bool {
    return this.inner.onDone();
  }

  onDelete(): void {
    this.inner.onDelete();
  }
}

class CompatStream extends AnyHttpContext {
  constructor(private readonly inner: Context) {
    super();
  }

  onRequestHeaders(endOfStream: bool): Action {
    return <Action>(<i32>this.inner.onRequestHeaders(elements, endOfStream));
  }

  onRequestBody(size: u32, endOfStream: bool): Action {
    return <Action>(<i32>this.inner.onRequestBody(size, endOfStream));
  }

  onRequestTrailers(): Action {
    return <Action>(<i32>this.inner.onRequestTrailers(elements));
  }

  onRequestMetadata(count: u32): void {
    this.inner.onRequestMetadata(count);
  }

  onResponseHeaders(endOfStream: bool): Action {
    return <Action>(<i32>this.inner.onResponseHeaders(elements, endOfStream));
  }

  onResponseBody(size: u32, endOfStream: bool): Action {
    return <Action>(<i32>this.inner.onResponseBody(size, endOfStream));
  }

  onResponseTrailers(): Action {
    return <Action>(<i32>this.inner.onResponseTrailers(elements));
  }

  onResponseMetadata(count: u32): void {
    this.inner.onResponseMetadata(count);
  }

  onLog(): void {
    this.inner.onLog();
  }

  onDone(): bool {
    return this.inner.onDone();
  }

  onDelete(): void {
    this.inner.onDelete();
  }
}

type RootFactory = (context_id: u32) => RootContext;

class CompatRegistration extends Registration {
  constructor(
    rootId: string,
    private readonly factory: RootFactory,
  ) {
    super(rootId);
  }

  createRoot(): AnyRootContext {
    return new CompatRoot(this.factory(current));
  }

  createStream(root: AnyRootContext): SdkContext {
    return new CompatStream((root as CompatRoot).inner.createContext(current));
  }
}

/** Makes a plugin known; `name` is Envoy's `root_id`. */
export function registerRootContext(root_context_factory: RootFactory, name: string): void {
  addRegistration(new CompatRegistration(name, root_context_factory));
}
