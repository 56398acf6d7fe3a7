/* npm run docs: writes the guide and the reference into sdk/docs. */
import { join } from "node:path";
import { sdkFolder } from "./read-declarations.js";
import { writeReference } from "./write-reference.js";

const dir = join(sdkFolder(), "docs");
await writeReference(dir);
console.log(`open ${join(dir, "index.html")}`);
