// Functions that the tests invoke in Node.

import { existsSync, readFileSync, writeFileSync } from 'node:fs';

let number = 0;

export const echo = async (event) => {
  console.log('echo says', event);
  return event;
};

export const context = async (event, context) => context;

/** Keeps something in a file of /tmp and in the module, and sleeps if asked to. */
export const state = async (event) => {
  number = event.number ?? number;
  if (event.content) {
    writeFileSync('/tmp/content', event.content);
  }
  await new Promise((wake) => setTimeout(wake, (event.sleep ?? 0) * 1000));
  return { number, content: existsSync('/tmp/content') ? readFileSync('/tmp/content', 'utf8') : null };
};

export const misbehave = async (event) => {
  switch (event.how) {
    case 'throw': throw new RangeError('no such thing');
    case 'exit': process.exit(event.code);
    case 'reject': Promise.reject(new Error('nobody waits')); await new Promise(() => {});
    case 'hoard': return Buffer.alloc(event.mib << 20, 1).length;
    case 'heap': { const all = []; for (;;) all.push(new Array(10000).fill(all.length)); }
    default: return 'still here';
  }
};

export const logs = async () => {
  console.debug('quiet');
  console.info('two\nlines');
  console.error('loud', new TypeError('caught'));
};
