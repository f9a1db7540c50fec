'use strict';
// Many requests at once: one event loop, one stream. Frames name the slot of theirs.

const { AsyncLocalStorage } = require('async_hooks');
const errors = require('./errors');
const logs = require('./logs');
const stream = require('./stream');
const { Turn } = require('./turn');

// What code of any library finds of its request, under the names that AWS's package
// @aws/lambda-invoke-store asks for.
const REQUEST = Symbol.for('_AWS_LAMBDA_REQUEST_ID');
const TRACE = Symbol.for('_AWS_LAMBDA_X_RAY_TRACE_ID');
const TENANT = Symbol.for('_AWS_LAMBDA_TENANT_ID');

const scope = new AsyncLocalStorage();

/** Answers events from now on; watch says what happens to errors that nobody handled. */
function serve(descriptor, handler, watch, took) {
  const turns = new Map(); // by slot
  logs.scoped(() => {
    const own = scope.getStore();
    return own && { id: own[REQUEST], tenantId: own[TENANT] };
  });
  share();
  const link = new Slots(descriptor, (slot, meta, event) => {
    const turn = new Turn(handler, meta, (kind, text) => {
      turns.delete(slot);
      link.write(slot, kind, text);
    }, true);
    turns.set(slot, turn);
    scope.run({ [REQUEST]: meta.id, [TRACE]: meta.traceId, [TENANT]: meta.tenantId, slot }, () => turn.start(event));
  });
  watch((error, code) => fail(link, turns, error, code));
  link.begin(took);
}

/** The process ends with the error. The request that it came from gets it, where that is
 * known; Lambent tells the others that their runtime is gone. */
function fail(link, turns, error, code) {
  const own = scope.getStore();
  const known = own && turns.has(own.slot);
  link.end(known ? stream.frame(stream.ERROR, errors.encode(error), stream.LAST, own.slot) : undefined, () => process.exit(code));
}

/** Where AWS's package looks before it makes a store of its own, that nobody would fill. */
function share() {
  if (['true', '1'].includes(process.env.AWS_LAMBDA_NODEJS_NO_GLOBAL_AWSLAMBDA)) {
    return;
  }
  const get = (key) => (scope.getStore() || {})[key];
  globalThis.awslambda = Object.assign(globalThis.awslambda || {}, {
    InvokeStore: {
      get,
      set: (key, value) => set(key, value),
      run: (context, f) => scope.run(context, f),
      getContext: () => scope.getStore(),
      hasContext: () => scope.getStore() !== undefined,
      getRequestId: () => get(REQUEST) || '-',
      getXRayTraceId: () => get(TRACE),
      getTenantId: () => get(TENANT),
    },
  });
}

function set(key, value) {
  const own = scope.getStore();
  if (!own || [REQUEST, TRACE, TENANT].includes(key)) {
    throw new Error(own ? `${String(key)} of a request cannot be changed` : 'there is no request here');
  }
  own[key] = value;
}

/** The stream with its slots. It always keeps the process: what a request waits for may
 * come with another one. */
class Slots {
  constructor(descriptor, onInvoke) {
    this._descriptor = descriptor;
    this._onInvoke = onInvoke;
    this._rest = Buffer.alloc(0);
    this._closed = () => process.exit(0);
  }

  begin(took) {
    this._socket = stream.listen(this._descriptor, (chunk) => this._take(chunk));
    this._socket.on('error', () => {}); // the end says it, too
    this._socket.on('close', () => this._closed());
    this._socket.write(stream.frame(stream.READY, took));
  }

  /** Sends an answer. */
  write(slot, kind, text) {
    stream.send(this._socket, this._descriptor, stream.frame(kind, text, 0, slot));
  }

  /** Sends a last frame, if any, and ends the stream. */
  end(frame, then) {
    this._closed = then;
    this._socket.end(frame, () => this._socket.destroy());
  }

  _take(chunk) {
    let data = this._rest.length > 0 ? Buffer.concat([this._rest, chunk]) : chunk;
    while (data.length >= stream.HEADER) {
      const end = stream.HEADER + data.readUInt32BE(4);
      if (data.length < end) {
        break;
      }
      this._accept(data[0], data.readUInt16BE(2), data.subarray(stream.HEADER, end));
      data = data.subarray(end);
    }
    this._rest = data;
  }

  _accept(kind, slot, payload) {
    if (kind !== stream.INVOKE || payload.length < 4) {
      process.exit(1); // it is not Lambent's
    }
    const event = 4 + payload.readUInt32BE(0);
    this._onInvoke(slot, JSON.parse(payload.toString('utf8', 4, event)), payload.toString('utf8', event));
  }
}

module.exports = { serve };
