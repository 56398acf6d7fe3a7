export { RegistryServerError, type RegistryServerErrorCode } from "./errors.js";
export {
  createRegistryServer,
  type RegistryServer,
  type RegistryServerLogger,
  type RegistryServerOptions,
} from "./server.js";
