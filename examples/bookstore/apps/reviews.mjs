// What readers say. Version 1 has no stars; 2 and 3 ask ratings for them, and show them in black and in red. /seen tells
// how many were asked for: it is for whoever wants to know who got a request.
import { call, serve } from "./call.mjs";

const [, , version] = process.argv;
const COLOURS = { v2: "black", v3: "red" };
let seen = 0;

serve(async ({ url, headers }) => {
  if (url === "/seen") return { value: { seen } };
  seen++;
  const review = { version, text: "A slender volume on meshes." };
  const colour = COLOURS[version];
  if (colour === undefined) return { value: review };
  const { status, body } = await call("ratings", "/", headers);
  const ratings = status === 200 ? { ...JSON.parse(body), colour } : { unavailable: status };
  return { value: { ...review, ratings } };
});
