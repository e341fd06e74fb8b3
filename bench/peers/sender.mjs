// Stands in for wrk where there is none. It takes more of the machine, alike for all.
import { readFileSync } from "node:fs";
import { connect } from "node:net";
import { parentPort, workerData } from "node:worker_threads";

const { hostname, port, file, seconds, connections, from } = workerData;
const requests = [];
for (let bytes = readFileSync(file), at = 0; at < bytes.length; ) {
  const end = bytes.indexOf(10, at);
  const size = Number(bytes.toString("latin1", at, end));
  requests.push(bytes.subarray(end + 1, end + 1 + size));
  at = end + 1 + size;
}

let place = from ?? Math.floor(Math.random() * requests.length);
let [bytes, bad, running] = [0, 0, connections];
const took = [];
const began = performance.now();
const isOver = () => performance.now() - began >= seconds * 1000;

for (let n = 0; n < connections; n++) {
  const socket = connect({ host: hostname, port: Number(port), noDelay: true });
  let [sent, received, left] = [0, Buffer.alloc(0), -1];
  const send = () => {
    place = (place + 1) % requests.length;
    [sent, received, left] = [performance.now(), Buffer.alloc(0), -1];
    socket.write(requests[place]);
  };
  const finish = () => {
    socket.destroy();
    if (--running > 0) return;
    took.sort((a, b) => a - b);
    const at = (share) => Math.round(1000 * (took[Math.floor(took.length * share)] ?? 0));
    const us = Math.round((performance.now() - began) * 1000);
    parentPort.postMessage({ requests: took.length, us, bytes, bad, p50: at(0.5), p99: at(0.99) });
  };
  socket.on("connect", send);
  socket.on("error", () => {
    bad++;
    finish();
  });
  socket.on("data", (part) => {
    bytes += part.length;
    if (left < 0) {
      received = Buffer.concat([received, part]);
      const end = received.indexOf("\r\n\r\n");
      if (end < 0) return;
      const head = received.toString("latin1", 0, end);
      const length = /^content-length: (\d+)/im.exec(head);
      if (!length) throw new Error("An answer does not say how long it is.");
      if (!/^HTTP\/1\.1 2/.test(head)) bad++;
      left = Number(length[1]) - (received.length - end - 4);
    } else left -= part.length;
    if (left > 0) return;
    took.push(performance.now() - sent);
    if (isOver()) finish();
    else send();
  });
}
