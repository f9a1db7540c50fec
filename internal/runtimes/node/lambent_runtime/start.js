'use strict';
// The start of an interpreter that waited for its workload.

const fs = require('fs');

const CHUNK = 1 << 16;

/** Whether this interpreter was started before its function was known. */
const waits = () => process.env.LAMBENT_START !== undefined;

/** Loads what the first event needs, then waits for the workload: a folder to work in
 * and variables, each ended by a zero byte. Without one nobody needs the interpreter. */
function workload() {
  for (const name of ['./errors', './logs', './stream', './turn', './handler', './layers', './context', 'util', 'url', 'net']) {
    require(name);
  }
  require('./rehearsal').play();
  const text = readAll(Number(process.env.LAMBENT_START.slice('fd:'.length)));
  if (text === '') {
    process.exit(0);
  }
  const [folder, ...pairs] = text.split('\0').slice(0, -1);
  apply(pairs);
  process.chdir(folder);
}

function readAll(descriptor) {
  const parts = [];
  for (;;) {
    const bytes = Buffer.allocUnsafe(CHUNK);
    const got = fs.readSync(descriptor, bytes, 0, CHUNK, null);
    if (got === 0) {
      break;
    }
    parts.push(bytes.subarray(0, got));
  }
  fs.closeSync(descriptor);
  return Buffer.concat(parts).toString();
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

module.exports = { apply, waits, workload };
