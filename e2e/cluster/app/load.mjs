// Sends requests from a pod and counts the answers: node load.mjs URL COUNT [CONCURRENCY [HEADER:VALUE…]]. With 0 as the
// count it goes on until its input ends. The last line is JSON: how often each `status message`, or error, was seen.
import http from "node:http";

const [url, count, concurrency = "1", ...headers] = process.argv.slice(2);
const limit = Number(count) === 0 ? Number.POSITIVE_INFINITY : Number(count);
const fields = Object.fromEntries(headers.map((header) => header.split(/:(.*)/s).slice(0, 2)));
const seen = {};
let sent = 0;
let ended = false;
if (limit === Number.POSITIVE_INFINITY) {
  process.stdin.resume();
  process.stdin.on("end", () => {
    ended = true;
  });
}

const ask = () =>
  new Promise((done) => {
    const call = http.get(url, { headers: fields, agent: false, timeout: 30_000 }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (data) => {
        text += data;
      });
      response.on("end", () => done(`${response.statusCode} ${messageOf(text)}`.trim()));
      response.on("error", (error) => done(error.code ?? error.message));
    });
    call.on("timeout", () => call.destroy(new Error("timeout")));
    call.on("error", (error) => done(error.code ?? error.message));
  });

function messageOf(text) {
  try {
    return JSON.parse(text).message;
  } catch {
    return text.slice(0, 100);
  }
}

await Promise.all(
  Array.from({ length: Number(concurrency) }, async () => {
    while (!ended && sent++ < limit) {
      const answer = await ask();
      seen[answer] = (seen[answer] ?? 0) + 1;
    }
  }),
);
console.log(JSON.stringify(seen));
