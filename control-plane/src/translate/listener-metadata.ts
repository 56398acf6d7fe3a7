import type { MessageInitShape } from "@bufbuild/protobuf";
import type { MetadataSchema } from "../envoy-api/gen/envoy/config/core/v3/base_pb.js";
import type { MeshSettings } from "../model/mesh-settings.js";
import type { Workload } from "../model/workload.js";
import { METADATA_NAMESPACE } from "./names.js";
import { identityText, workloadIdentity } from "./workload-identity.js";

/** What formats such as `%METADATA(LISTENER:weft.mesh:workload)%` and plugins read: whose listener it is. */
export function listenerMetadata(values: Readonly<Record<string, string>>): MessageInitShape<typeof MetadataSchema> {
  return { filterMetadata: { [METADATA_NAMESPACE]: values } };
}

/** Of a listener for what a workload calls. */
export function callerMetadata(settings: MeshSettings, workload: Workload): MessageInitShape<typeof MetadataSchema> {
  return listenerMetadata({
    reporter: "source",
    ...workloadIdentity(workload),
    identity: identityText(settings, { kind: "own", workload, certified: true }),
  });
}
