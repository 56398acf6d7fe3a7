import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

/** A TCP port of 127.0.0.1 that is free now. */
export async function freePort(): Promise<number> {
  const taken = await occupy("127.0.0.1", 0);
  await taken.release();
  return taken.port;
}

export interface Occupied {
  readonly port: number;
  release(): Promise<void>;
}

/** Listens on a port, as another program of the user would; 0 takes any. */
export async function occupy(host: string, port: number): Promise<Occupied> {
  const server = createServer((_request, response) => response.end("somebody else"));
  await new Promise<void>((done, fail) => {
    server.once("error", fail);
    server.listen(port, host, () => done());
  });
  return {
    port: (server.address() as AddressInfo).port,
    release: async () => {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}

/** The first three numbers of addresses that no other mesh on this machine is likely to use; the demo has 127.0.1. */
export function addressBlock(): string {
  const number = () => 2 + Math.floor(Math.random() * 250);
  return `127.${number()}.${number()}`;
}
