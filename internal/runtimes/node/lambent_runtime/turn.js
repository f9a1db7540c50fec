'use strict';
// One invocation, from the event to the answer.

const errors = require('./errors');
const logs = require('./logs');
const { ERROR, RESPONSE } = require('./stream');

/** Finishes once: with the first answer that the function gives in any of its ways. */
class Turn {
  /** shared: other invocations run in the process. */
  constructor(handler, meta, finish, shared = false) {
    this._handler = handler;
    this._meta = meta;
    this._finish = finish;
    this._done = false;
    this._shared = shared;
    this._waits = !shared; // callbackWaitsForEmptyEventLoop: with others it may never be empty
    this._held = null; // the answer that waits for the empty event loop
  }

  run(event) {
    const { id, tenantId, traceId } = this._meta;
    logs.request.id = id;
    logs.request.tenantId = tenantId;
    if (traceId) {
      process.env._X_AMZN_TRACE_ID = traceId;
    } else {
      delete process.env._X_AMZN_TRACE_ID;
    }
    this.start(event);
  }

  /** run for one of many: what belongs to the process is left alone. */
  start(event) {
    try {
      this._call(JSON.parse(event));
    } catch (error) {
      this._fail(error);
    }
  }

  /** Since Node 24 a handler's value is its answer; before, that of an async one is. */
  _call(event) {
    const { build } = require('./context');
    if (logs.MODERN) {
      Promise.resolve(this._handler(event, build(this._meta))).then((value) => this._succeed(value)).catch((error) => this._fail(error));
      return;
    }
    const result = this._handler(event, build(this._meta, this), (error, value) => this.callback(error, value));
    if (result && typeof result.then === 'function') {
      result.then((value) => this.done(null, value), (error) => this.fail(error)).catch((error) => this.fail(error));
    } else if (this._shared && this._handler.length < 2) {
      this.idle(); // it has no other way to answer, and nobody sees when its part of the loop is empty
    }
  }

  get waits() {
    return this._waits;
  }

  set waits(value) {
    this._waits = value;
  }

  /** The handler's third argument. */
  callback(error, value) {
    if (this._held) {
      return;
    }
    if (error !== undefined && error !== null) {
      this._fail(error);
    } else if (!this._waits) {
      this._succeed(value);
    } else {
      this._held = { value };
    }
  }

  /** context.done: answers at once. */
  done(error, value) {
    if (this._held) {
      return;
    }
    if (error !== undefined && error !== null) {
      this._fail(error);
    } else {
      this._succeed(value);
    }
  }

  /** context.fail. */
  fail(error) {
    this.done(error === undefined || error === null ? 'handled' : error);
  }

  /** Nothing is left to run. Without an answer AWS's runtimes until Node 22 answer
   * null; later ones end. */
  idle() {
    if (this._held) {
      this._succeed(this._held.value);
    } else if (!logs.MODERN) {
      this._succeed(null);
    }
  }

  _succeed(value) {
    if (this._done) {
      return;
    }
    let text;
    try {
      text = JSON.stringify(value === undefined ? null : value);
    } catch (_) {
      this._fail(unwritable());
      return;
    }
    this._done = true;
    this._finish(RESPONSE, text === undefined ? 'null' : text);
  }

  _fail(error) {
    if (this._done) {
      return;
    }
    this._done = true;
    logs.error('Invoke Error', error);
    this._finish(ERROR, errors.encode(error));
  }
}

function unwritable() {
  const text = 'Unable to stringify response body';
  return logs.MODERN ? new errors.RuntimeError('JSONStringifyError', text) : new Error(text);
}

module.exports = { Turn };
