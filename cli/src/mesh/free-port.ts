import { createServer } from "node:net";
import { MeshError } from "./mesh-error.js";

/** A TCP port of 127.0.0.1 that is free now. */
export function freePort(): Promise<number> {
  return new Promise((done, fail) => {
    const server = createServer();
    server.once("error", fail);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => {
        if (typeof address === "object" && address !== null) done(address.port);
        else fail(new Error("the system named no port"));
      });
    });
  });
}

/** Throws, saying who wants the port, when something listens there already. */
export function requirePort(host: string, port: number, wantedBy: string): Promise<void> {
  return new Promise((done, fail) => {
    const server = createServer();
    server.once("error", (error: NodeJS.ErrnoException) => {
      fail(
        error.code === "EADDRINUSE"
          ? new MeshError(
              "port-in-use",
              `port ${port} of ${host} is in use, and ${wantedBy} wants it; end what listens there (see: ss -ltnp 'sport = :${port}')`,
            )
          : error,
      );
    });
    server.listen(port, host, () => server.close(() => done()));
  });
}
