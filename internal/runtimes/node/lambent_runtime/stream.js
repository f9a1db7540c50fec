'use strict';
// The framed stream to Lambent: see package runtimeapi for the protocol.

const fs = require('fs');

const INVOKE = 0x01;
const READY = 0x81;
const INIT_ERROR = 0x82;
const RESPONSE = 0x83;
const ERROR = 0x84;
const BEGUN = 0x85;

const LAST = 0x02; // no other event may come

const HEADER = 8;
const CHUNK = 65536;

/** Takes the descriptor that Lambent hands over and hides how it came. Node has made it
 * close in children. */
function take() {
  const value = process.env.LAMBENT_STREAM || '';
  delete process.env.LAMBENT_STREAM;
  if (!value.startsWith('socket:')) {
    throw new Error(`LAMBENT_STREAM is ${value}, want socket:N`);
  }
  return Number(value.slice('socket:'.length));
}

/** One frame, header and payload. */
function frame(kind, text, flags = 0, slot = 0) {
  const size = text ? Buffer.byteLength(text) : 0;
  const bytes = Buffer.allocUnsafe(HEADER + size);
  bytes.writeUInt32BE(kind * 0x1000000 + flags * 0x10000 + slot, 0);
  bytes.writeUInt32BE(size, 4);
  if (typeof text === 'string') {
    bytes.write(text, HEADER);
  } else if (size > 0) {
    text.copy(bytes, HEADER);
  }
  return bytes;
}

/** The payload of Ready: microseconds since a reading of process.hrtime. */
function took(began) {
  const [seconds, nanoseconds] = process.hrtime(began);
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeUInt32BE(seconds * 1e6 + Math.floor(nanoseconds / 1e3));
  return bytes;
}

/** Sends a frame before it returns; the stream is not a socket yet. */
function writeNow(descriptor, kind, text, flags) {
  const bytes = frame(kind, text, flags);
  for (let sent = 0; sent < bytes.length;) {
    sent += fs.writeSync(descriptor, bytes, sent);
  }
}

/** A socket of the stream. What comes is read into one buffer and copied, past the queue of a
 * readable stream, which costs more. */
function listen(descriptor, take) {
  const { Socket } = require('net');
  const onread = { buffer: Buffer.allocUnsafe(CHUNK), callback: (size, bytes) => take(Buffer.from(bytes.subarray(0, size))) };
  const socket = new Socket({ fd: descriptor, readable: true, writable: true, onread });
  return socket.resume(); // its end is to be seen
}

/** Sends by way of the socket only what the stream does not take at once: its queue costs more
 * than the system call. The descriptor does not block any more. */
function send(socket, descriptor, bytes) {
  const sent = socket.writableLength === 0 ? writeSome(descriptor, bytes) : 0;
  if (sent < bytes.length) {
    socket.write(bytes.subarray(sent));
  }
}

/** Returns how many bytes went. An error is the socket's to find. */
function writeSome(descriptor, bytes) {
  try {
    return fs.writeSync(descriptor, bytes);
  } catch (_) {
    return 0;
  }
}

/** Reads until a buffer is full. A stream that ended ends the process. */
function fill(descriptor, bytes) {
  for (let have = 0; have < bytes.length;) {
    const got = fs.readSync(descriptor, bytes, have, bytes.length - have, null);
    if (got === 0) {
      process.exit(0);
    }
    have += got;
  }
  return bytes;
}

/** Frames over the stream. It is a plain descriptor until the first answer is sent, for
 * Node's sockets take longer to load than all of this runtime; then a socket. Waiting
 * for an event keeps the process; running one does not. */
class Link {
  constructor(descriptor, onInvoke) {
    this._descriptor = descriptor;
    this._onInvoke = onInvoke;
    this._socket = null;
    this._chunks = [];
    this._size = 0;
    this._closed = () => process.exit(0);
  }

  /** Says that work may come, and how long the initialisation took if that is given, and
   * waits for the first event. */
  begin(took) {
    writeNow(this._descriptor, READY, took);
    const head = fill(this._descriptor, Buffer.allocUnsafe(HEADER));
    const rest = fill(this._descriptor, Buffer.allocUnsafe(head.readUInt32BE(4)));
    this.accept(head[0], rest);
  }

  /** Sends an answer; the next event is waited for. */
  write(kind, text) {
    if (this._socket) {
      this._socket.ref();
      send(this._socket, this._descriptor, frame(kind, text));
      return;
    }
    writeNow(this._descriptor, kind, text);
    this._listen();
  }

  _listen() {
    this._socket = listen(this._descriptor, (chunk) => this._take(chunk));
    this._socket.on('error', () => {}); // the end says it, too
    this._socket.on('close', () => this._closed());
  }

  /** Sends a last frame, if any, and ends the stream. */
  end(answer, then) {
    if (!this._socket) {
      if (answer.length > 0) {
        writeNow(this._descriptor, ...answer);
      }
      fs.closeSync(this._descriptor);
      then();
      return;
    }
    this._closed = then;
    this._socket.ref();
    this._socket.end(answer.length > 0 ? frame(...answer) : undefined, () => this._socket.destroy());
  }

  _take(chunk) {
    this._chunks.push(chunk);
    this._size += chunk.length;
    if (this._chunks[0].length < HEADER) {
      this._chunks = [Buffer.concat(this._chunks)];
    }
    const first = this._chunks[0];
    if (first.length < HEADER || this._size < HEADER + first.readUInt32BE(4)) {
      return;
    }
    const whole = this._chunks.length === 1 ? first : Buffer.concat(this._chunks);
    this._chunks = [];
    this._size = 0;
    if (whole.length === HEADER + whole.readUInt32BE(4)) {
      this.accept(whole[0], whole.subarray(HEADER));
    } else {
      this._socket.destroy(); // one invocation is on the stream at a time
    }
  }

  /** Takes one frame. */
  accept(kind, payload) {
    if (kind !== INVOKE || payload.length < 4) {
      process.exit(1); // it is not Lambent's
    }
    if (this._socket) {
      this._socket.unref();
    }
    const event = 4 + payload.readUInt32BE(0);
    this._onInvoke(JSON.parse(payload.toString('utf8', 4, event)), payload.toString('utf8', event));
  }
}

module.exports = { HEADER, INVOKE, LAST, INIT_ERROR, READY, RESPONSE, ERROR, BEGUN, Link, fill, frame, listen, send, take, took, writeNow };
