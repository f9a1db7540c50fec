'use strict';
// What an interpreter does once before it waits: V8 compiles a function when it is first
// called, and the first event should not wait for that. Nothing of it stays but that.

const path = require('path');
const logs = require('./logs');
const start = require('./start');
const { Turn } = require('./turn');

const META = { id: '0', deadlineMs: 0, arn: '', traceId: 'Root=1' };
const VARIABLES = 32; // as many as functions have

function play() {
  const before = Object.entries(process.env).map(([name, value]) => `${name}=${value}`);
  const more = Array.from({ length: VARIABLES }, (_, number) => `LAMBENT_REHEARSAL_${number}=x`);
  start.apply([...before, ...more]);
  require('./handler').load(__dirname, 'scene.handler');
  const scene = path.join(__dirname, 'scene.js');
  new Turn(require(scene).handler, META, () => {}).run('{"text": "a", "numbers": [1, 2.5]}');
  delete require.cache[scene];
  start.apply(before);
  logs.request.id = logs.NOBODY;
}

module.exports = { play };
