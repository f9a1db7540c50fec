'use strict';
// What an interpreter does before it waits, a few times: V8 compiles a function when it is
// first called, and the first event should not wait for that. Nothing of it stays but that.

const fs = require('fs');
const path = require('path');
const { pathToFileURL } = require('url');
const handler = require('./handler');
const logs = require('./logs');
const start = require('./start');
const stream = require('./stream');
const { Turn } = require('./turn');

const META = JSON.stringify({ id: '0', deadlineMs: 1, arn: '', traceId: 'Root=1' });
const INVOKE = Buffer.from(`\0\0\0${String.fromCharCode(META.length)}${META}{"text": "a", "numbers": [1, 2.5]}`);
const VARIABLES = 32; // as many as functions have
const ROUNDS = 3;

/** watch is the loop's. */
async function play(watch) {
  await import(pathToFileURL(path.join(__dirname, 'scene.mjs')).href);
  for (let round = 0; round < ROUNDS; round++) {
    await once(watch);
  }
}

/** An event and its answer, by the way that a function's go; nobody hears what is said. */
async function talk(found) {
  const nobody = fs.openSync('/dev/zero', 'r+');
  stream.writeNow(nobody, stream.READY, stream.took(process.hrtime()));
  stream.fill(nobody, Buffer.allocUnsafe(stream.HEADER));
  await new Promise((resolve) => {
    const link = new stream.Link(nobody, (meta, event) => new Turn(found, meta, (kind, text) => {
      stream.writeNow(nobody, kind, text);
      resolve();
    }).run(event));
    link.accept(stream.INVOKE, INVOKE);
  });
  fs.closeSync(nobody);
}

/** A workload's, in the folder that this is. */
const settle = (pairs) => start.settle([process.cwd(), ...pairs, ''].join('\0'));

async function once(watch) {
  const before = Object.entries(process.env).map(([name, value]) => `${name}=${value}`);
  const more = Array.from({ length: VARIABLES }, (_, number) => `LAMBENT_REHEARSAL_${number}=x`);
  start.readAll(fs.openSync('/dev/null'), Buffer.alloc(1));
  settle([...before, ...more]);
  logs.install();
  watch(() => {});
  const found = await handler.load(__dirname, 'scene.handler');
  delete require.cache[path.join(__dirname, 'scene.js')];
  await new Promise(setImmediate);
  await talk(found);
  settle(before);
  logs.request.id = logs.NOBODY;
}

module.exports = { play };
