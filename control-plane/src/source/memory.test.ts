import { fileSourceContract } from "./file-source.contract.js";
import { createMemorySource } from "./memory.js";
import { sourceContract } from "./source.contract.js";

for (const contract of [sourceContract, fileSourceContract])
  contract("memory", async () => {
    const source = createMemorySource();
    return {
      source,
      write: async (texts) => source.write(texts),
      close: async () => {},
    };
  });
