import type { MessageInitShape } from "@bufbuild/protobuf";
import { ApiVersion, type ConfigSourceSchema } from "../envoy-api/gen/envoy/config/core/v3/config_source_pb.js";

/** What refers to another resource names this: it comes over the same ADS stream. */
export const ADS: MessageInitShape<typeof ConfigSourceSchema> = {
  configSourceSpecifier: { case: "ads", value: {} },
  resourceApiVersion: ApiVersion.V3,
};

/** As ADS, for what Envoy waits for with something old in hand: it gives up waiting soon instead of stalling. */
export const ADS_WITH_SHORT_WAIT: MessageInitShape<typeof ConfigSourceSchema> = {
  ...ADS,
  initialFetchTimeout: { seconds: 5n },
};
