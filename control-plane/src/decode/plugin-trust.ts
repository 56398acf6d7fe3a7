import type { Plugin } from "../model/plugin.js";
import { readCapabilities } from "./capabilities.js";
import type { ObjectFields } from "./fields.js";
import { readDnsSubdomain } from "./names.js";
import { readLimits } from "./plugin-limits.js";
import { readVerification } from "./verification.js";
import { readVmConfig } from "./vm-config.js";

/** What a WasmPlugin says of how its module is got, and of what the module may do. */
export type PluginTrust = Pick<Plugin, "imagePullSecret" | "verification" | "limits" | "capabilities" | "env">;

/** Fields of these that only weft.mesh has. */
export const TRUST_FIELDS_OF_WEFT = ["capabilities", "limits", "verification"] as const;

export function readPluginTrust(fields: ObjectFields, api: "weft" | "istio"): PluginTrust {
  const imagePullSecret = fields.optional("imagePullSecret", readDnsSubdomain);
  const env = fields.optional("vmConfig", readVmConfig);
  const common = { ...(imagePullSecret !== undefined && { imagePullSecret }), ...(env !== undefined && { env }) };
  if (api === "istio") return common;
  const verification = fields.optional("verification", readVerification);
  const limits = fields.optional("limits", readLimits);
  const capabilities = fields.optional("capabilities", readCapabilities);
  return {
    ...common,
    ...(verification !== undefined && { verification }),
    ...(limits !== undefined && { limits }),
    ...(capabilities !== undefined && { capabilities }),
  };
}
