'use strict';
// What an interpreter does before it waits, a few times: V8 compiles a function when it is
// first called, and the first event should not wait for that. Nothing of it stays but that.

const path = require('path');
const { pathToFileURL } = require('url');
const handler = require('./handler');
const logs = require('./logs');
const start = require('./start');
const { Turn } = require('./turn');

const META = { id: '0', deadlineMs: 0, arn: '', traceId: 'Root=1' };
const VARIABLES = 32; // as many as functions have
const ROUNDS = 3;

/** watch is the loop's. */
async function play(watch) {
  await import(pathToFileURL(path.join(__dirname, 'scene.mjs')).href);
  for (let round = 0; round < ROUNDS; round++) {
    await once(watch);
  }
}

async function once(watch) {
  const before = Object.entries(process.env).map(([name, value]) => `${name}=${value}`);
  const more = Array.from({ length: VARIABLES }, (_, number) => `LAMBENT_REHEARSAL_${number}=x`);
  start.apply([...before, ...more]);
  logs.install();
  watch(() => {});
  const found = await handler.load(__dirname, 'scene.handler');
  delete require.cache[path.join(__dirname, 'scene.js')];
  await new Promise(setImmediate);
  await new Promise((resolve) => new Turn(found, META, resolve).run('{"text": "a", "numbers": [1, 2.5]}'));
  start.apply(before);
  logs.request.id = logs.NOBODY;
}

module.exports = { play };
