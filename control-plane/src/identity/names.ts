const TRUST_DOMAIN = /^[a-z0-9]([a-z0-9._-]{0,253}[a-z0-9])?$/;
const LABEL = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;
const SUBDOMAIN = /^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/;
const MAX_SUBDOMAIN_LENGTH = 253;

/**
 * Why the text is no trust domain, or undefined when it is one.
 * https://github.com/spiffe/spiffe/blob/main/standards/SPIFFE-ID.md#21-trust-domain
 */
export function trustDomainProblem(text: string): string | undefined {
  if (TRUST_DOMAIN.test(text)) return undefined;
  return `trust domain ${quote(text)} must be up to 255 characters of a-z, 0-9, ".", "-" and "_" and begin and end with a letter or digit`;
}

/** Why the text is no namespace, or undefined when it is one. */
export function namespaceProblem(text: string): string | undefined {
  if (LABEL.test(text)) return undefined;
  return `namespace ${quote(text)} must be up to 63 characters of a-z, 0-9 and "-" and begin and end with a letter or digit`;
}

/** Why the text is no name of an object (`what` is the kind of name, for the message), or undefined when it is one. */
export function objectNameProblem(text: string, what: string): string | undefined {
  if (text.length <= MAX_SUBDOMAIN_LENGTH && SUBDOMAIN.test(text)) return undefined;
  return `${what} ${quote(text)} must be up to 253 characters of a-z, 0-9, "-" and "." and begin and end with a letter or digit`;
}

/** The text as it may stand in a message, whoever wrote it. */
export function quote(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);
}
