import { rootCertificates } from "node:tls";

/** PEM of the public certificate authorities, as Mozilla has them and Node.js ships them. */
export const PUBLIC_ROOTS = `${rootCertificates.join("\n")}\n`;
