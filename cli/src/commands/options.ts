import { Option } from "commander";

/* Options that several commands have. */

/** For options that may be given more than once. */
export const collect = (value: string, list: readonly string[]): string[] => [...list, value];

/** `-o text|json`. */
export const outputOption = () =>
  new Option("-o, --output <format>", "how it is printed: for people, or as data")
    .choices(["text", "json"])
    .default("text");

/** `--plain-http REGISTRY`. */
export const plainHttpOption = () =>
  new Option("--plain-http <registry>", "speak plain HTTP to this registry (host:port); repeatable")
    .argParser(collect)
    .default([]);

/** `--ca-file FILE`. */
export const caFileOption = () =>
  new Option("--ca-file <file>", "PEM file of authorities that the registry's certificate may come from too");
