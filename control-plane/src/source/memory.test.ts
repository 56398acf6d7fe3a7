import { createMemorySource } from "./memory.js";
import { sourceContract } from "./source.contract.js";

sourceContract("memory", async () => {
  const source = createMemorySource();
  return {
    source,
    write: async (texts) => source.write(texts),
    close: async () => {},
  };
});
