// A plain server around a handler: node:http, kept connections.
"use strict";
const http = require("node:http");
const { handler } = require(`${process.argv[3]}/${process.argv[4]}`);

const server = http.createServer((request, response) => {
  const parts = [];
  request.on("data", (part) => parts.push(part));
  request.on("end", async () => {
    const body = JSON.stringify(await handler(JSON.parse(Buffer.concat(parts))));
    response.writeHead(200, { "Content-Type": "application/json", "Content-Length": Buffer.byteLength(body) });
    response.end(body);
  });
});
server.keepAliveTimeout = 600_000;
const [host, port] = process.argv[2].split(":");
server.listen(Number(port), host);
