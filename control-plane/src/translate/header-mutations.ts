import type { MessageInitShape } from "@bufbuild/protobuf";
import {
  HeaderValueOption_HeaderAppendAction as AppendAction,
  type HeaderValueOptionSchema,
} from "../envoy-api/gen/envoy/config/core/v3/base_pb.js";
import type { HeaderChanges, HeaderOperations } from "../model/http-route.js";

type HeaderOptionInit = MessageInitShape<typeof HeaderValueOptionSchema>;

/** Fields that routes and weighted clusters have alike. Envoy removes before it adds. */
export interface HeaderMutations {
  readonly requestHeadersToAdd?: HeaderOptionInit[];
  readonly requestHeadersToRemove?: string[];
  readonly responseHeadersToAdd?: HeaderOptionInit[];
  readonly responseHeadersToRemove?: string[];
}

/** All changes in one; what comes later can set what came before. */
export function headerMutations(...operations: readonly (HeaderOperations | undefined)[]): HeaderMutations {
  const request = operations.flatMap((operation) => operation?.request ?? []);
  const response = operations.flatMap((operation) => operation?.response ?? []);
  const requestHeadersToAdd = request.flatMap(options);
  const requestHeadersToRemove = request.flatMap(({ remove }) => remove);
  const responseHeadersToAdd = response.flatMap(options);
  const responseHeadersToRemove = response.flatMap(({ remove }) => remove);
  return {
    ...(requestHeadersToAdd.length > 0 && { requestHeadersToAdd }),
    ...(requestHeadersToRemove.length > 0 && { requestHeadersToRemove }),
    ...(responseHeadersToAdd.length > 0 && { responseHeadersToAdd }),
    ...(responseHeadersToRemove.length > 0 && { responseHeadersToRemove }),
  };
}

function options({ set, add }: HeaderChanges): HeaderOptionInit[] {
  return [
    ...set.map(({ name, value }) => ({
      header: { key: name, value },
      appendAction: AppendAction.OVERWRITE_IF_EXISTS_OR_ADD,
    })),
    ...add.map(({ name, value }) => ({
      header: { key: name, value },
      appendAction: AppendAction.APPEND_IF_EXISTS_OR_ADD,
    })),
  ];
}
