import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, describe, expect, test } from "vitest";
import { findDockerRegistry, startDockerRegistry } from "../../test/docker-registry.js";
import { createCleanup, startOldRegistry, startRegistry, tempFolder, wasmModule } from "../../test/fixtures.js";
import { packPlugin } from "../pack-plugin.js";
import { pushPlugin } from "../push-plugin.js";
import { parseReference } from "../reference.js";
import { createRegistryClient } from "../remote.js";
import { generateKeyPair, loadSigningKey, loadVerificationKey } from "./key.js";
import { type SignatureForm, signImage } from "./sign-image.js";
import { verifyImage } from "./verify-image.js";

const cleanup = createCleanup();
afterEach(() => cleanup.run());

const cosign = process.env.WEFT_COSIGN;
const FORMS: readonly SignatureForm[] = ["bundle", "tag"];
const REGISTRIES = [
  { name: "a registry with the referrers API", start: startRegistry, isThere: true },
  { name: "a registry without it", start: startOldRegistry, isThere: true },
  { name: "Docker's registry 2.8", start: startDockerRegistry, isThere: findDockerRegistry() !== undefined },
] as const;
const reason = cosign === undefined ? " (skipped: WEFT_COSIGN names none)" : "";

for (const { name, start, isThere } of REGISTRIES) {
  const missing = isThere ? reason : " (skipped: no docker-registry; WEFT_DOCKER_REGISTRY names one)";
  describe.skipIf(missing !== "")(`the real cosign and ${name}${missing}`, () => {
    async function setUp() {
      const address = await start(cleanup);
      const client = createRegistryClient({ plainHttp: [address] });
      const reference = parseReference(`${address}/team/p:v1`);
      const { digest } = await pushPlugin(
        client,
        reference,
        await packPlugin({ wasm: wasmModule(), pluginYaml: "name: p" }),
      );
      const dir = await tempFolder(cleanup);
      const image = `${address}/team/p@${digest}`;
      const run = (...args: string[]) =>
        promisify(execFile)(cosign ?? "", args, {
          cwd: dir,
          env: { ...process.env, HOME: dir, COSIGN_PASSWORD: "pass", COSIGN_YES: "true" },
          timeout: 60_000,
        });
      const verify = () =>
        run("verify", "--key", "cosign.pub", "--insecure-ignore-tlog=true", "--allow-http-registry", image);
      return { client, reference, digest, dir, image, run, verify };
    }

    test.each(FORMS)("verifies what we sign as %s, with a key that we made", async (form) => {
      const { client, reference, dir, verify } = await setUp();
      const pair = await generateKeyPair("pass");
      await writeFile(join(dir, "cosign.pub"), pair.publicKey);
      await expect(verify()).rejects.toThrow(/no signatures found|no matching signatures/i);
      await signImage(client, reference, await loadSigningKey(pair.privateKey, "pass", "key"), { form });
      expect((await verify()).stdout).toContain("docker-manifest-digest");
    });

    test.each(FORMS)("signs as %s, with its own key or ours, what we verify", async (form) => {
      const { client, reference, digest, dir, image, run } = await setUp();
      await run("generate-key-pair");
      const { stdout: pem } = await run("public-key", "--key", "cosign.key");
      const ours = await generateKeyPair("pass");
      await writeFile(join(dir, "ours.key"), ours.privateKey);
      const bundle = form === "bundle" ? "--new-bundle-format=true" : "--new-bundle-format=false";
      for (const [file, publicKey] of [
        ["cosign.key", pem],
        ["ours.key", ours.publicKey],
      ] as const) {
        const flags = ["--use-signing-config=false", "--tlog-upload=false", "--allow-http-registry", bundle];
        await run("sign", "--key", file, ...flags, image);
        const found = await verifyImage(client, reference, digest, [loadVerificationKey(publicKey, file)]);
        expect(found).toMatchObject({ ok: true, signatures: [{ form }] });
      }
    });
  });
}
