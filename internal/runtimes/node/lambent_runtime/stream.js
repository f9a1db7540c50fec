'use strict';
// The framed stream to Lambent: see package runtimeapi for the protocol.

const fs = require('fs');

const INVOKE = 0x01;
const READY = 0x81;
const INIT_ERROR = 0x82;
const RESPONSE = 0x83;
const ERROR = 0x84;
const BEGUN = 0x85;

const HEADER = 8;

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
function frame(kind, text) {
  const size = text ? Buffer.byteLength(text) : 0;
  const bytes = Buffer.allocUnsafe(HEADER + size);
  bytes.writeUInt32BE(kind * 0x1000000, 0);
  bytes.writeUInt32BE(size, 4);
  if (size > 0) {
    bytes.write(text, HEADER);
  }
  return bytes;
}

/** Sends a frame before the event loop reads the stream. */
function writeNow(descriptor, kind, text) {
  const bytes = frame(kind, text);
  for (let sent = 0; sent < bytes.length;) {
    sent += fs.writeSync(descriptor, bytes, sent);
  }
}

/** Frames over a socket. Waiting for an event keeps the process; running one does not. */
class Link {
  constructor(descriptor, onInvoke) {
    this._onInvoke = onInvoke;
    this._chunks = [];
    this._size = 0;
    const { Socket } = require('net');
    this._socket = new Socket({ fd: descriptor, readable: true, writable: true });
    this._socket.on('data', (chunk) => this._take(chunk));
    this._socket.on('error', () => {}); // the end says it, too
    this._closed = () => process.exit(0);
    this._socket.on('close', () => this._closed());
  }

  write(kind, text) {
    this._socket.ref();
    this._socket.write(frame(kind, text));
  }

  /** Sends a last frame, if any, and ends the stream. */
  end(answer, then) {
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
    this._accept(whole);
  }

  /** One invocation is on the stream at a time: nothing follows the frame. */
  _accept(bytes) {
    if (bytes[0] !== INVOKE || bytes.length !== HEADER + bytes.readUInt32BE(4)) {
      this._socket.destroy();
      return;
    }
    const event = HEADER + 4 + bytes.readUInt32BE(HEADER);
    this._socket.unref();
    this._onInvoke(JSON.parse(bytes.toString('utf8', HEADER + 4, event)), bytes.toString('utf8', event));
  }
}

module.exports = { READY, INIT_ERROR, RESPONSE, ERROR, BEGUN, Link, take, writeNow };
