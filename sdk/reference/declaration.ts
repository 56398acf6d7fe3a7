/** What kind of thing a name stands for. */
export type DeclarationKind = "class" | "enum" | "function" | "interface" | "type" | "variable";

/** Where something is written. */
export interface SourcePlace {
  /** Relative to the SDK's folder, with slashes. */
  readonly file: string;
  /** From 1. */
  readonly line: number;
}

/** A comment of the form that begins with two asterisks. */
export interface DocComment {
  /** Markdown. Empty where there is no comment. */
  readonly text: string;
  /** Marked with `@internal`: not for authors. */
  readonly isInternal: boolean;
}

/** A part of a class, an interface or an enum. */
export interface Member {
  readonly name: string;
  readonly kind: "constructor" | "method" | "property" | "value";
  /** As it is written, without its body. */
  readonly signature: string;
  readonly doc: DocComment;
  readonly place: SourcePlace;
}

/** An exported name. */
export interface Declaration {
  readonly name: string;
  readonly kind: DeclarationKind;
  readonly signature: string;
  readonly doc: DocComment;
  readonly place: SourcePlace;
  /** Own ones, and those of base classes that are not exported. */
  readonly members: readonly Member[];
}

/** What can be imported by one name. */
export interface PublicModule {
  /** `@weft/sdk/host`. */
  readonly name: string;
  /** One line. */
  readonly title: string;
  /** Sorted by name. */
  readonly declarations: readonly Declaration[];
}
