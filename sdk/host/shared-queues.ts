interface Queue {
  /** Tells the thread that registered last. */
  notify: () => void;
  items: Uint8Array[];
}

/** Queues of the whole process, by vm_id and name. */
export class SharedQueues {
  readonly #tokens = new Map<string, number>();
  readonly #queues = new Map<number, Queue>();

  /** The same name gives the same token; what waits in the queue stays. */
  register(vmId: string, name: string, notify: (token: number) => void): number {
    const key = JSON.stringify([vmId, name]);
    const token = this.#tokens.get(key) ?? this.#tokens.size + 1;
    this.#tokens.set(key, token);
    this.#queues.set(token, { notify: () => notify(token), items: this.#queues.get(token)?.items ?? [] });
    return token;
  }

  resolve(vmId: string, name: string): number | undefined {
    return this.#tokens.get(JSON.stringify([vmId, name]));
  }

  enqueue(token: number, item: Uint8Array): boolean {
    const queue = this.#queues.get(token);
    if (queue === undefined) return false;
    queue.items.push(Uint8Array.from(item));
    queue.notify();
    return true;
  }

  dequeue(token: number): Uint8Array | "empty" | undefined {
    const queue = this.#queues.get(token);
    return queue === undefined ? undefined : (queue.items.shift() ?? "empty");
  }
}
