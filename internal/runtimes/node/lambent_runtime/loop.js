'use strict';
// One instance's life: start, the function's init, one invocation after another.
//
// Node's own modules only, syntax of Node 14. A module that is not needed to answer a
// plain event is loaded when it is needed: the start is somebody's latency.

const errors = require('./errors');
const logs = require('./logs');
const start = require('./start');
const stream = require('./stream');
const { Turn } = require('./turn');

let turn = null; // the invocation that runs
let link = null; // once the function is loaded

// Exit codes of AWS's runtime after an error that nobody handled.
const REJECTED = 128;
const UNCAUGHT = 129;

/** Runs until Lambent closes the stream, or the function ends the process. */
async function main() {
  const waited = start.waits();
  if (waited) {
    await start.workload(watch);
  }
  const descriptor = stream.take();
  const began = process.hrtime();
  logs.install();
  watch((error, code) => failInit(descriptor, error, code));
  if (!waited) { // one that waited says with Ready what another says with two frames
    stream.writeNow(descriptor, stream.BEGUN);
  }
  let handler;
  const root = process.env.LAMBDA_TASK_ROOT || '/var/task';
  try {
    require('./compiled').use(root);
    handler = await require('./handler').load(root, process.env._HANDLER || '');
  } catch (error) {
    logs.error(logs.MODERN ? 'Init Error' : 'Uncaught Exception', error);
    failInit(descriptor, error, UNCAUGHT);
  }
  // In a turn of the loop of its own: a rejection that nobody handles fails the init.
  setImmediate(() => serve(descriptor, handler, stream.took(began)));
}

/** Answers events from now on. */
function serve(descriptor, handler, took) {
  if (Number(process.env.AWS_LAMBDA_MAX_CONCURRENCY) > 1) {
    require('./slots').serve(descriptor, handler, watch, took);
    return;
  }
  watch(failTurn);
  process.on('beforeExit', () => {
    if (turn) {
      turn.idle();
    }
  });
  link = new stream.Link(descriptor, (meta, event) => {
    turn = new Turn(handler, meta, finish);
    turn.run(event);
  });
  link.begin(took);
}

/** Sends the answer of the invocation that runs. The event loop then waits for the
 * next one; while one runs, it ends when the function has nothing left to do. */
function finish(kind, text) {
  turn = null;
  link.write(kind, text);
}

/** Says what happens to errors that nobody handled. */
function watch(fail) {
  process.removeAllListeners('uncaughtException');
  process.removeAllListeners('unhandledRejection');
  process.on('uncaughtException', (error) => {
    logs.error('Uncaught Exception', error);
    fail(error, UNCAUGHT);
  });
  process.on('unhandledRejection', (reason, promise) => {
    const error = new errors.UnhandledPromiseRejection(reason, promise);
    logs.error('Unhandled Promise Rejection', error);
    fail(error, REJECTED);
  });
}

function failInit(descriptor, error, code) {
  stream.writeNow(descriptor, stream.INIT_ERROR, errors.encode(error));
  process.exit(code);
}

/** The stream ends with the error: no other event may come here. */
function failTurn(error, code) {
  const answer = turn ? [stream.ERROR, errors.encode(error), stream.LAST] : [];
  turn = null;
  link.end(answer, () => process.exit(code));
}

module.exports = { main };
