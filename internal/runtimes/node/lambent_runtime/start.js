'use strict';
// The start of an interpreter that waited for its workload.

const fs = require('fs');

const CHUNK = 1 << 16;

/** Whether this interpreter was started before its function was known. */
const waits = () => process.env.LAMBENT_START !== undefined;

const OWN = ['./turn', './handler', './layers', './context', './compiled'];

// Node's modules that the runtime needs, and small ones that functions touch first, many by
// a global name: performance alone takes more than a millisecond to load.
const NODE = ['util', 'url', 'net', 'perf_hooks', 'os', 'events', 'stream', 'buffer', 'async_hooks'];

/** Waits for the workload: a folder to work in and variables, each ended by a zero byte.
 * Without one nobody needs the interpreter. Where nobody waits for it yet, it loads and
 * rehearses before what the first event needs. watch is the loop's. */
async function workload(watch) {
  if (process.env.LAMBENT_REHEARSE !== undefined) {
    [...OWN, ...NODE].forEach((name) => require(name));
    await require('./rehearsal').play(watch);
    collect();
  }
  const text = readAll(Number(process.env.LAMBENT_START.slice('fd:'.length)), Buffer.alloc(CHUNK, 1));
  if (text === '') {
    process.exit(0);
  }
  settle(text);
}

/** Gives the process the folder and the variables of a workload. */
function settle(text) {
  const [folder, ...pairs] = text.split('\0').slice(0, -1);
  apply(pairs);
  process.chdir(folder);
}

/** Collects the garbage of the start: else it is due in the middle of the first event. */
function collect() {
  if (globalThis.gc) { // --expose-gc, as AWS has it
    globalThis.gc();
  }
}

/** Reads to the end by way of a buffer, whose memory is there before anybody waits. */
function readAll(descriptor, buffer) {
  let text = Buffer.alloc(0);
  for (;;) {
    const got = fs.readSync(descriptor, buffer, 0, buffer.length, null);
    if (got === 0) {
      break;
    }
    text = Buffer.concat([text, buffer.subarray(0, got)]);
  }
  fs.closeSync(descriptor);
  return text.toString();
}

/** Gives the process its variables and takes all others away. */
function apply(pairs) {
  const names = new Set();
  for (const pair of pairs) {
    const at = pair.indexOf('=');
    const name = pair.slice(0, at);
    names.add(name);
    if (process.env[name] !== pair.slice(at + 1)) {
      process.env[name] = pair.slice(at + 1);
    }
  }
  for (const name of Object.keys(process.env)) {
    if (!names.has(name)) {
      delete process.env[name];
    }
  }
}

module.exports = { readAll, settle, waits, workload };
