// What runs in a pod of the tests beside a sidecar: servers of many kinds, and a client that is told by lines of JSON on
// standard input what to do. It knows nothing of the mesh.
import { createHash } from "node:crypto";
import { createSocket } from "node:dgram";
import { Resolver } from "node:dns/promises";
import { once } from "node:events";
import http from "node:http";
import http2 from "node:http2";
import net from "node:net";
import { createInterface } from "node:readline";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import tls from "node:tls";

const NAME = process.argv[2];
const LIMIT_MS = 30_000;
const WEBSOCKET_MAGIC = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

const listen = async (server, port, host = "0.0.0.0") => {
  server.listen(port, host);
  await once(server, "listening");
  server.on("error", () => {});
};

/** Answers with what arrived: who sent it, in which version, and the hash of the body. */
const httpServer = () => {
  const server = http.createServer(async (request, response) => {
    const hash = createHash("sha256");
    let bytes = 0;
    for await (const chunk of request) {
      hash.update(chunk);
      bytes += chunk.length;
    }
    const { method, url, headers, httpVersion, socket } = request;
    const seen = { name: NAME, method, url, headers, httpVersion, from: socket.remoteAddress, to: socket.localAddress };
    response.setHeader("x-app", NAME);
    response.end(JSON.stringify({ ...seen, bytes, sha256: hash.digest("hex") }));
  });
  server.on("upgrade", (request, socket) => {
    const key = request.headers["sec-websocket-key"] + WEBSOCKET_MAGIC;
    const accept = createHash("sha1").update(key).digest("base64");
    socket.on("error", () => {});
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
    );
    socket.pipe(socket);
  });
  server.requestTimeout = 0;
  return server;
};

/** Speaks first, as MySQL and SMTP do; then repeats each byte; and when the caller has ended says how many there were. */
const greetingServer = () =>
  net.createServer({ allowHalfOpen: true }, (socket) => {
    let bytes = 0;
    socket.on("error", () => {});
    socket.write(`220 ${NAME} ready for ${socket.remoteAddress}\n`);
    socket.on("data", (data) => {
      bytes += data.length;
      socket.write(data);
    });
    socket.on("end", () => socket.end(`221 ${bytes} bytes\n`));
  });

/** Streams as gRPC does: a message for each message, then trailers. */
const grpcServer = () => {
  const server = http2.createServer();
  server.on("stream", (stream, headers) => {
    stream.on("error", () => {});
    stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
    stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0", "x-path": headers[":path"] }));
    stream.on("data", (data) => stream.write(data));
    stream.on("end", () => stream.end());
  });
  server.on("sessionError", () => {});
  return server;
};

const tlsServer = ({ key, cert }) =>
  tls.createServer({ key, cert }, (socket) => {
    socket.on("error", () => {});
    socket.write(`secret of ${NAME}\n`);
    socket.pipe(socket);
  });

const SERVERS = { http: httpServer, greeting: greetingServer, grpc: grpcServer, tls: tlsServer };

const agents = new Map();

const requestOptions = ({ host, port, path = "/", method = "GET", headers = {}, agent }) => {
  if (agent !== undefined && !agents.has(agent)) agents.set(agent, new http.Agent({ keepAlive: true, maxSockets: 1 }));
  return { host, port, path, method, headers, agent: agents.get(agent) ?? false, timeout: LIMIT_MS };
};

const answerOf = async (call) => {
  call.on("timeout", () => call.destroy(new Error("no answer in time")));
  const [response] = await once(call, "response");
  let body = "";
  for await (const chunk of response.setEncoding("utf8")) body += chunk;
  return { status: response.statusCode, headers: response.headers, body, port: call.socket.localPort };
};

function* blocks(total) {
  const size = 256 * 1024;
  for (let sent = 0, i = 0; sent < total; sent += size, i++) {
    // Differs from block to block, so that none can be lost or swapped unseen.
    const block = Buffer.alloc(Math.min(size, total - sent), createHash("sha256").update(String(i)).digest());
    yield block;
  }
}

const OPERATIONS = {
  serve: async ({ kind, port, host, ...options }) => {
    await listen(SERVERS[kind](options), port, host);
    return {};
  },

  serveUdp: async ({ port, host = "0.0.0.0" }) => {
    const socket = createSocket("udp4");
    socket.on("message", (data, { address, port: from }) =>
      socket.send(`${NAME} got ${data} from ${address}`, from, address),
    );
    socket.bind(port, host);
    await once(socket, "listening");
    return {};
  },

  /** A DNS server with one address for every name; it counts nothing and knows nothing. */
  serveDns: async ({ port, address }) => {
    const answer = (question) => {
      let end = 12;
      while (question[end] !== 0) end += question[end] + 1;
      const isA = question.readUInt16BE(end + 1) === 1;
      const header = Buffer.from(question.subarray(0, 12));
      header.writeUInt16BE(0x8180, 2);
      header.writeUInt16BE(isA ? 1 : 0, 6);
      header.writeUInt32BE(0, 8);
      const record = Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, ...address.split(".").map(Number)]);
      return Buffer.concat([header, question.subarray(12, end + 5), isA ? record : Buffer.alloc(0)]);
    };
    const udp = createSocket("udp4");
    udp.on("message", (data, from) => udp.send(answer(data), from.port, from.address));
    udp.bind(port, "0.0.0.0");
    await once(udp, "listening");
    const tcp = net.createServer((socket) => {
      socket.on("error", () => {});
      socket.on("data", (data) => {
        const said = answer(data.subarray(2));
        const length = Buffer.alloc(2);
        length.writeUInt16BE(said.length);
        socket.write(Buffer.concat([length, said]));
      });
    });
    await listen(tcp, port);
    return {};
  },

  request: async (options) => {
    const call = http.request(requestOptions(options));
    call.end(options.body);
    return answerOf(call);
  },

  /** Streams so many bytes, and tells their hash beside the answer. */
  upload: async ({ bytes, ...options }) => {
    const call = http.request({ ...requestOptions({ method: "POST", ...options }), timeout: 10 * LIMIT_MS });
    const hash = createHash("sha256");
    const answer = answerOf(call);
    const counted = function* () {
      for (const block of blocks(bytes)) {
        hash.update(block);
        yield block;
      }
    };
    await Promise.all([pipeline(Readable.from(counted()), call), answer]);
    return { ...(await answer), sha256: hash.digest("hex") };
  },

  /** Sends text over TCP, perhaps ends its side, and collects what comes until a pattern matches or the other ends. */
  tcp: async ({ host, port, send = "", after, end = false, until }) => {
    const socket = net.connect({ host, port, allowHalfOpen: true });
    const limit = setTimeout(() => socket.destroy(new Error("nothing more came in time")), LIMIT_MS);
    let text = "";
    let open = true;
    try {
      await once(socket, "connect");
      const say = () => {
        if (send !== "") socket.write(send);
        if (end) socket.end();
      };
      let said = after === undefined;
      if (said) say();
      await new Promise((done, fail) => {
        socket.setEncoding("utf8").on("data", (data) => {
          text += data;
          if (!said && new RegExp(after).test(text)) {
            said = true;
            say();
          }
          if (until !== undefined && new RegExp(until).test(text)) done();
        });
        socket.on("error", fail);
        socket.on("end", () => {
          open = false;
          done();
        });
      });
      return { text, open };
    } finally {
      clearTimeout(limit);
      socket.destroy();
    }
  },

  /** A stream of messages, each sent when the answer to the one before is here. */
  grpc: async ({ host, port, authority, count }) => {
    const session = http2.connect(`http://${authority}`, { createConnection: () => net.connect({ host, port }) });
    const limit = setTimeout(() => session.destroy(new Error("no answer in time")), LIMIT_MS);
    try {
      const stream = session.request({
        ":method": "POST",
        ":path": "/echo.Echo/Chat",
        "content-type": "application/grpc",
        te: "trailers",
      });
      session.on("error", (error) => stream.destroy(error));
      const [headers] = await once(stream, "response");
      const answers = [];
      for (let i = 0; i < count; i++) {
        stream.write(`message ${i};`);
        answers.push(String((await once(stream, "data"))[0]));
      }
      const trailers = once(stream, "trailers");
      stream.end();
      return { status: headers[":status"], answers, trailers: { ...(await trailers)[0] } };
    } finally {
      clearTimeout(limit);
      session.destroy();
    }
  },

  websocket: async ({ host, port, authority, messages }) => {
    const key = Buffer.from("0123456789abcdef").toString("base64");
    const headers = {
      host: authority,
      connection: "Upgrade",
      upgrade: "websocket",
      "sec-websocket-version": "13",
      "sec-websocket-key": key,
    };
    const call = http.request({ ...requestOptions({ host, port, path: "/ws", headers }) });
    call.end();
    const [response, socket] = await Promise.race([
      once(call, "upgrade"),
      once(call, "response").then(([{ statusCode }]) => Promise.reject(new Error(`answered ${statusCode}`))),
    ]);
    const answers = [];
    for (const message of messages) {
      socket.write(message);
      answers.push(String((await once(socket, "data"))[0]));
    }
    socket.destroy();
    return { status: response.statusCode, accept: response.headers["sec-websocket-accept"], answers };
  },

  tls: async ({ host, port, servername, send }) => {
    const socket = tls.connect({ host, port, servername, rejectUnauthorized: false });
    const limit = setTimeout(() => socket.destroy(new Error("nothing more came in time")), LIMIT_MS);
    let text = "";
    try {
      await once(socket, "secureConnect");
      const { fingerprint256 } = socket.getPeerCertificate();
      socket.write(send);
      while (!text.includes(send)) text += String((await once(socket, "data"))[0]);
      return { fingerprint256, text };
    } finally {
      clearTimeout(limit);
      socket.destroy();
    }
  },

  udp: async ({ host, port, send, from }) => {
    const socket = createSocket("udp4");
    if (from !== undefined) socket.bind(from);
    const limit = setTimeout(() => socket.emit("error", new Error("nothing came in time")), LIMIT_MS);
    try {
      socket.send(send, port, host);
      const [data, sender] = await once(socket, "message");
      return { text: String(data), from: sender.address };
    } finally {
      clearTimeout(limit);
      socket.close();
    }
  },

  /** Asks one question by TCP; gives the last four bytes of the answer, which are its address. */
  resolveByTcp: async ({ name, server }) => {
    const labels = name.split(".").flatMap((label) => [Buffer.from([label.length]), Buffer.from(label)]);
    const header = Buffer.from([0, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
    const question = Buffer.concat([header, ...labels, Buffer.from([0, 0, 1, 0, 1])]);
    const length = Buffer.alloc(2);
    length.writeUInt16BE(question.length);
    const socket = net.connect({ host: server, port: 53 });
    const limit = setTimeout(() => socket.destroy(new Error("no answer in time")), LIMIT_MS);
    try {
      socket.write(Buffer.concat([length, question]));
      const [answer] = await once(socket, "data");
      return { addresses: [[...answer.subarray(-4)].join(".")] };
    } finally {
      clearTimeout(limit);
      socket.destroy();
    }
  },

  resolve: async ({ name, type = "A", server }) => {
    const resolver = new Resolver({ timeout: 5_000, tries: 2 });
    resolver.setServers([server]);
    return { addresses: type === "A" ? await resolver.resolve4(name) : await resolver.resolve6(name) };
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const { id, operation, ...options } = JSON.parse(line);
  const reply = (value) => process.stdout.write(`${JSON.stringify({ id, ...value })}\n`);
  OPERATIONS[operation](options).then(
    (result) => reply({ result }),
    (error) => reply({ error: error.code ? `${error.code} ${error.message}` : String(error) }),
  );
}
