import type { Declaration, DocComment, Member, PublicModule, SourcePlace } from "./declaration.js";
import { addressesOf, linksOf } from "./doc-comment.js";

/** What is wrong with the comments: one line each, with the place. */
export function docProblems(modules: readonly PublicModule[]): string[] {
  return modules.flatMap((module) =>
    module.declarations.flatMap((one) => [
      ...missing(one),
      ...commentProblems(module, one.name, one.place, one.doc),
      ...one.members.flatMap((member) =>
        commentProblems(module, `${one.name}.${member.name}`, member.place, member.doc),
      ),
    ]),
  );
}

function missing(one: Declaration): string[] {
  const say = (name: string, { file, line }: SourcePlace) => `${file}:${line}: ${name} has no doc comment`;
  const needed = one.members.filter((member) => mustSay(one, member) && member.doc.text === "");
  return [
    ...(one.doc.text === "" ? [say(one.name, one.place)] : []),
    ...needed.map((member) => say(`${one.name}.${member.name}`, member.place)),
  ];
}

/* The fields of a plain shape and the values of an enum may speak for themselves; what one calls may not. */
function mustSay({ kind }: Declaration, member: Member): boolean {
  return member.kind === "method" || (member.kind === "property" && kind !== "interface");
}

function commentProblems(module: PublicModule, name: string, place: SourcePlace, doc: DocComment): string[] {
  const where = `${place.file}:${place.line}: ${name}`;
  const names = linksOf(doc)
    .filter((target) => !resolves(module, target))
    .map((target) => `${where} links to ${target}, which ${module.name} does not export`);
  const addresses = addressesOf(doc).flatMap((address) => addressProblem(address).map((why) => `${where}: ${why}`));
  return [...names, ...addresses];
}

function resolves({ declarations }: PublicModule, target: string): boolean {
  const [name, member, ...rest] = target.split(".");
  const found = declarations.find((one) => one.name === name);
  if (found === undefined || rest.length > 0) return false;
  return member === undefined || found.members.some((one) => one.name === member);
}

/* Nobody is asked whether a page is there: what can be known is that it is well formed and of the right version. */
function addressProblem(address: string): string[] {
  if (!URL.canParse(address)) return [`${address} is no address`];
  const { hostname, pathname, protocol } = new URL(address);
  if (protocol !== "https:") return [`${address} is not https`];
  const isEnvoy = hostname === "www.envoyproxy.io" || pathname.startsWith("/envoyproxy/envoy/");
  return isEnvoy && !pathname.includes("v1.40.0") ? [`${address} is not of Envoy 1.40.0`] : [];
}
