import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { decodeInjectionSettings } from "./decode-settings.js";
import { DEFAULT_PROXY } from "./injection-settings.js";

const FIXED = { rootNamespace: "mesh", trustDomain: "example.org" };
const read = (yaml: string) => decodeInjectionSettings(parse(yaml), FIXED, "injection.yaml");

describe("the settings of an installation", () => {
  it("have defaults for all but the image of weft-init", () => {
    const decoded = read("initImage: weft-init:1");
    expect(decoded).toMatchObject({
      ok: true,
      settings: {
        ...FIXED,
        initImage: "weft-init:1",
        xdsAddress: { host: "weft-control-plane.mesh.svc", port: 15012 },
        proxy: DEFAULT_PROXY,
        captureDns: false,
        imagePullSecrets: [],
      },
    });
  });

  it("are read as the chart writes them", () => {
    const decoded = read(
      "{initImage: i, captureDns: true, imagePullSecrets: [a], proxy: {image: p, imagePullPolicy: Always, cpuLimit: 2, cpuRequest: 50m, memoryLimit: 1Gi, concurrency: 4, logLevel: debug, maxConnections: 9, startupSeconds: 60}}",
    );
    expect(decoded).toMatchObject({
      ok: true,
      settings: {
        captureDns: true,
        imagePullSecrets: ["a"],
        proxy: { image: "p", imagePullPolicy: "Always", cpuLimit: "2", memoryRequest: "64Mi", startupSeconds: 60 },
      },
    });
  });

  it.each([
    ["", ["WrongType undefined"]],
    ["{}", ["MissingField initImage"]],
    ["{initImage: i, proxy: {cpuLimits: 1}}", ["UnknownField proxy.cpuLimits"]],
    [
      "{initImage: i, proxy: {memoryLimit: big, concurrency: 0}}",
      ["InvalidQuantity proxy.memoryLimit", "OutOfRange proxy.concurrency"],
    ],
    ["{initImage: i, captureDns: 'yes'}", ["WrongType captureDns"]],
  ])("are refused, naming file and field: %s", (yaml, expected) => {
    const decoded = read(yaml);
    if (decoded.ok) throw new Error("accepted");
    expect(decoded.diagnostics.map(({ reason, field }) => `${reason} ${field}`)).toEqual(expected);
    for (const { file } of decoded.diagnostics) expect(file).toBe("injection.yaml");
  });
});
