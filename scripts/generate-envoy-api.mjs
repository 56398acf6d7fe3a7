// Turns a FileDescriptorSet into TypeScript with protoc-gen-es, speaking protoc's plugin protocol to it directly.
// Usage: node generate-envoy-api.mjs DESCRIPTORS PLUGIN OUT_DIR
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  CodeGeneratorRequestSchema,
  CodeGeneratorResponseSchema,
  FileDescriptorSetSchema,
} from "@bufbuild/protobuf/wkt";

const [descriptors, plugin, outDir] = process.argv.slice(2);
const { file } = fromBinary(FileDescriptorSetSchema, readFileSync(descriptors));
const request = create(CodeGeneratorRequestSchema, {
  parameter: "target=ts,import_extension=js",
  protoFile: file,
  // The well-known types come with the runtime.
  fileToGenerate: file.map((f) => f.name).filter((name) => !name.startsWith("google/protobuf/")),
});
const run = spawnSync(process.execPath, [plugin], {
  input: toBinary(CodeGeneratorRequestSchema, request),
  maxBuffer: 1 << 28,
});
if (run.status !== 0) throw new Error(`protoc-gen-es failed: ${run.error?.message ?? run.stderr}`);
const response = fromBinary(CodeGeneratorResponseSchema, run.stdout);
if (response.error) throw new Error(`protoc-gen-es: ${response.error}`);

rmSync(outDir, { recursive: true, force: true });
for (const generated of response.file) {
  const path = join(outDir, generated.name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, generated.content);
}
console.log(`${response.file.length} files`);
