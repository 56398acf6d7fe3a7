import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { askControlPlaneOf } from "./control-plane-process.js";

let folder: string;
let server: Server | undefined;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "weft-ask-"));
});
afterEach(async () => {
  await new Promise<void>((done) => (server === undefined ? done() : server.close(() => done())));
  server = undefined;
  await rm(folder, { recursive: true, force: true });
});

describe("a control plane is asked", () => {
  it("by its admin socket, as in its pod", async () => {
    const socket = join(folder, "control.sock");
    server = createServer((request, response) => response.end(JSON.stringify({ path: request.url })));
    await new Promise<void>((listening) => server?.listen(socket, listening));
    expect(await askControlPlaneOf(socket, "/identity")).toEqual({ path: "/identity" });
  });

  it("by its folder; whoever runs none is told so", async () => {
    await expect(askControlPlaneOf(folder, "/identity")).rejects.toMatchObject({ code: "control-plane-failed" });
    await expect(askControlPlaneOf(join(folder, "none"), "/")).rejects.toMatchObject({ code: "folder-missing" });
  });
});
