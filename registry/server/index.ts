export { RegistryServerError, type RegistryServerErrorCode } from "./errors.js";
export type { Authentication } from "./guard.js";
export { HtpasswdError, parseHtpasswd } from "./htpasswd.js";
export {
  type AnsweredRequest,
  createRegistryServer,
  type RegistryServer,
  type RegistryServerLogger,
  type RegistryServerOptions,
} from "./server.js";
