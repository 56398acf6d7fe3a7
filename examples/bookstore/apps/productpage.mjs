// The page of a book: its details and its reviews. What cannot be had is left out, and its status is told.
import { call, serve } from "./call.mjs";

const part = ({ status, body }) => (status === 200 ? JSON.parse(body) : { unavailable: status });

serve(async ({ headers }) => {
  const [details, reviews] = await Promise.all([call("details", "/", headers), call("reviews", "/", headers)]);
  return { value: { user: headers["x-user"] ?? "anonymous", details: part(details), reviews: part(reviews) } };
});
