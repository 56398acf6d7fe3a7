// The app of a pod, as far as its probes are concerned. It prints what it is asked, and is told by lines what to be.
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { createServer as createTcpServer } from "node:net";
import { createInterface } from "node:readline";
import { Server, ServerCredentials } from "@grpc/grpc-js";

const [address, certificateFile] = process.argv.slice(2);
const PORTS = { http: 8080, https: 8443, grpc: 9000, tcp: 6379 };
let isWell = true;

const answer = (request, response) => {
  const { host, "x-probe": probe, "x-weft-kubelet": token } = request.headers;
  const from = request.socket.remoteAddress;
  console.log(JSON.stringify({ url: request.url, host, probe, token, from, server: request.socket.servername }));
  if (request.url === "/login") response.writeHead(302, { location: "/elsewhere" }).end();
  else response.writeHead(isWell ? 200 : 500).end("answer of the app");
};
createServer(answer).listen(PORTS.http, address);

const pem = readFileSync(certificateFile);
createTlsServer({ key: pem, cert: pem }, answer).listen(PORTS.https, address);

/** https://github.com/grpc/grpc/blob/master/doc/health-checking.md, by hand: one string in, one number out. */
const grpc = new Server();
const bytes = (value) => value;
grpc.addService(
  {
    Check: {
      path: "/grpc.health.v1.Health/Check",
      requestStream: false,
      responseStream: false,
      requestSerialize: bytes,
      requestDeserialize: bytes,
      responseSerialize: bytes,
      responseDeserialize: bytes,
    },
  },
  {
    Check: ({ request }, done) => {
      const service = request.subarray(2).toString();
      console.log(JSON.stringify({ service }));
      done(null, Buffer.from([8, isWell && service === "shop.Api" ? 1 : 2]));
    },
  },
);
grpc.bindAsync(`${address}:${PORTS.grpc}`, ServerCredentials.createInsecure(), () => {});

let tcp;
const listen = () => {
  tcp = createTcpServer((socket) => socket.on("error", () => {}).end()).listen(PORTS.tcp, address);
};
listen();

createInterface({ input: process.stdin }).on("line", (line) => {
  isWell = line === "well";
  if (!isWell) tcp.close();
  else if (!tcp.listening) listen();
});
console.log(JSON.stringify({ started: true }));
