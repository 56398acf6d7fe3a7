import {
  proxy_dequeue_shared_queue,
  proxy_enqueue_shared_queue,
  proxy_register_shared_queue,
  proxy_resolve_shared_queue,
} from "./abi/env";
import { clear, pointer, resultPointer, resultSize, resultWord, size } from "./abi/result";
import { copyBytes, encode, encodedSize } from "./abi/text";
import { Status } from "./host/status";

/**
 * Messages between workers and between plugins, first in, first out. The root that registered it last is told by
 * `onQueueReady` that there is something to take; each message is taken once. It has no bound: take until it is empty.
 *
 * ```ts
 * class Reader extends RootContext<NoConfig> {
 *   queue: SharedQueue | null = null;
 *   onConfigure(): bool {
 *     this.queue = SharedQueue.register("events");
 *     return this.queue !== null;
 *   }
 *   onQueueReady(queueId: u32): void {
 *     const queue = this.queue;
 *     if (queue === null) return;
 *     for (let message = queue.pop(); message !== null; message = queue.pop()) log.info(String.UTF8.decode(message));
 *   }
 * }
 * class Writer extends HttpContext<NoConfig> {
 *   onLog(): void {
 *     const queue = (this.root as Reader).queue;
 *     if (queue !== null) queue.push(String.UTF8.encode("a request"));
 *   }
 * }
 * registerRoot<Writer, Reader>("events");
 * ```
 */
export class SharedQueue {
  private constructor(
    /** What onQueueReady gets. */
    readonly id: u32,
  ) {}

  /** Makes the queue, or finds it where it was made. Call it from onConfigure. Null: the host has none. */
  static register(name: string): SharedQueue | null {
    const text = encode(name);
    const status = proxy_register_shared_queue(text, encodedSize, resultWord);
    return status == Status.Ok ? new SharedQueue(load<u32>(resultWord)) : null;
  }

  /** A queue that another VM registered; an empty `vmId` is this one's. Null: there is none by now. */
  static resolve(vmId: string, name: string): SharedQueue | null {
    const vm = encode(vmId);
    const vmSize = encodedSize;
    const text = encode(name);
    const status = proxy_resolve_shared_queue(vm, vmSize, text, encodedSize, resultWord);
    return status == Status.Ok ? new SharedQueue(load<u32>(resultWord)) : null;
  }

  /** Adds a message at the end. False: the queue is gone. */
  push(message: ArrayBuffer): bool {
    return proxy_enqueue_shared_queue(this.id, changetype<usize>(message), message.byteLength) == Status.Ok;
  }

  /** Null: it is empty. */
  pop(): ArrayBuffer | null {
    clear();
    if (proxy_dequeue_shared_queue(this.id, resultPointer, resultSize) != Status.Ok) return null;
    return copyBytes(pointer(), size());
  }
}
