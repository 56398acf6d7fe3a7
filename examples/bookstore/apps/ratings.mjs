// Stars. /break and /mend make this instance fail, and well again.
import { serve } from "./call.mjs";

const [, , instance] = process.argv;
let isBroken = false;

serve(async ({ url }) => {
  if (url === "/break" || url === "/mend") {
    isBroken = url === "/break";
    return { value: { instance, isBroken } };
  }
  return isBroken ? { status: 500, value: { instance } } : { value: { instance, stars: 5 } };
});
