import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { ClusterLoadAssignmentSchema } from "../envoy-api/gen/envoy/config/endpoint/v3/endpoint_pb.js";
import {
  DeltaDiscoveryRequestSchema,
  DeltaDiscoveryResponseSchema,
} from "../envoy-api/gen/envoy/service/discovery/v3/discovery_pb.js";
import { TYPE_URLS } from "../model/resource.js";
import { decodeDeltaRequest, encodeDeltaResponse } from "./codec.js";
import { emptyEndpoints } from "./empty-endpoints.js";

describe("decodeDeltaRequest", () => {
  test("reads what protobuf-es writes", () => {
    const bytes = toBinary(
      DeltaDiscoveryRequestSchema,
      create(DeltaDiscoveryRequestSchema, {
        node: {
          id: "sidecar~1",
          cluster: "c",
          extensions: Array.from({ length: 500 }, (_, i) => ({ name: `envoy.filters.http.${i}`, category: "x" })),
        },
        typeUrl: TYPE_URLS.cluster,
        resourceNamesSubscribe: ["*", "bücher"],
        resourceNamesUnsubscribe: ["old"],
        initialResourceVersions: { a: "1", "": "2", b: "" },
        responseNonce: "7",
        errorDetail: { code: 3, message: "no such filter" },
      }),
    );
    expect(decodeDeltaRequest(bytes)).toEqual({
      typeUrl: TYPE_URLS.cluster,
      nodeId: "sidecar~1",
      subscribe: ["*", "bücher"],
      unsubscribe: ["old"],
      initialResourceVersions: new Map([
        ["a", "1"],
        ["", "2"],
        ["b", ""],
      ]),
      responseNonce: "7",
      error: "no such filter",
    });
  });

  test("an empty message is a request without anything", () => {
    expect(decodeDeltaRequest(new Uint8Array())).toEqual({
      typeUrl: "",
      nodeId: "",
      subscribe: [],
      unsubscribe: [],
      initialResourceVersions: new Map(),
      responseNonce: "",
    });
  });

  test("an error without a message is an error", () => {
    const bytes = toBinary(
      DeltaDiscoveryRequestSchema,
      create(DeltaDiscoveryRequestSchema, { errorDetail: { code: 13 } }),
    );
    expect(decodeDeltaRequest(bytes).error).toBe("");
  });

  test("skips fields that it does not know", () => {
    const known = toBinary(DeltaDiscoveryRequestSchema, create(DeltaDiscoveryRequestSchema, { responseNonce: "1" }));
    // Field 100, once as a varint and once as a string.
    const unknown = Uint8Array.from([0xa0, 0x06, 0x05, 0xa2, 0x06, 0x01, 0x41]);
    expect(decodeDeltaRequest(Buffer.concat([unknown, known, unknown])).responseNonce).toBe("1");
  });

  test.each([
    ["a field number of 0", [0x02, 0x00]],
    ["a length beyond the end", [0x12, 0x7f, 0x41]],
    ["a varint that never ends", [0x12, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]],
    ["bytes that are no message in a nested field", [0x3a, 0x02, 0x12, 0x7f]],
  ])("refuses %s", (_, bytes) => {
    expect(() => decodeDeltaRequest(Uint8Array.from(bytes))).toThrow(
      expect.objectContaining({ code: "XDS_MALFORMED_REQUEST" }),
    );
  });
});

describe("encodeDeltaResponse", () => {
  const bytes = toBinary(ClusterLoadAssignmentSchema, create(ClusterLoadAssignmentSchema, { clusterName: "a" }));

  test("writes what protobuf-es reads", () => {
    const large = new Uint8Array(100_000).fill(7);
    const encoded = encodeDeltaResponse(
      "endpoints",
      "12",
      [
        { name: "bücher", version: "v1", bytes },
        { name: "large", version: "v2", bytes: large },
        { name: "empty", version: "v3", bytes: new Uint8Array() },
      ],
      ["gone", "too"],
    );
    const decoded = fromBinary(DeltaDiscoveryResponseSchema, new Uint8Array(encoded));
    expect(decoded).toEqual(
      create(DeltaDiscoveryResponseSchema, {
        typeUrl: TYPE_URLS.endpoints,
        nonce: "12",
        removedResources: ["gone", "too"],
        resources: [
          { name: "bücher", version: "v1", resource: { typeUrl: TYPE_URLS.endpoints, value: bytes } },
          { name: "large", version: "v2", resource: { typeUrl: TYPE_URLS.endpoints, value: large } },
          { name: "empty", version: "v3", resource: { typeUrl: TYPE_URLS.endpoints, value: new Uint8Array() } },
        ],
      }),
    );
  });

  test("only the nonce differs between two streams", () => {
    const resources = [{ name: "a", version: "1", bytes }];
    const one = encodeDeltaResponse("endpoints", "1", resources, []);
    const two = encodeDeltaResponse("endpoints", "2", resources, []);
    const differing = [...one.keys()].filter((index) => one[index] !== two[index]);
    expect(differing).toEqual([one.indexOf(Buffer.from([0x2a, 0x01])) + 2]);
  });

  test("equal bytes under another name or version are framed anew", () => {
    const names = [
      { name: "a", version: "1", bytes },
      { name: "b", version: "1", bytes },
      { name: "b", version: "2", bytes },
    ];
    for (const resource of names) {
      const decoded = fromBinary(DeltaDiscoveryResponseSchema, encodeDeltaResponse("endpoints", "1", [resource], []));
      expect(decoded.resources[0]).toMatchObject({ name: resource.name, version: resource.version });
    }
  });
});

test("emptyEndpoints is a ClusterLoadAssignment of that name, without endpoints", () => {
  const resource = emptyEndpoints("outbound|80||bücher");
  expect(fromBinary(ClusterLoadAssignmentSchema, resource.bytes ?? new Uint8Array())).toEqual(
    create(ClusterLoadAssignmentSchema, { clusterName: "outbound|80||bücher" }),
  );
});
