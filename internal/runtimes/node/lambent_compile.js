'use strict';
// The program that compiles a package ahead of its function's starts. It runs in a sandbox
// that shows one package and runs nothing of it: Node compiles each file as its loaders would, with
// its own compile cache on, and what is in that is written to the output as package bytecode
// describes it. Files that do not compile are left out: the function's import says why.
//
// Node's loaders are within reach with --expose-internals only, which changes nothing of the
// code that V8 makes. What a release does not have, or has by another name, compiles nothing.

const fs = require('fs');
const nodeModule = require('module');
const path = require('path');
const { pathToFileURL } = require('url');

// Bytes of all sources: what this sandbox has memory for. Small ones come first.
const LARGEST_ALL = 64 << 20;
// Bytes of one file of the cache, and of all: what package bytecode takes.
const LARGEST_CODE = 16 << 20;
const LARGEST_CODES = 256 << 20;
const CACHE = '/tmp/lambent-compile-cache';

function main(root) {
  nodeModule.enableCompileCache(CACHE);
  let left = LARGEST_ALL;
  for (const { file, size } of sources(root).sort((a, b) => a.size - b.size)) {
    left -= size;
    if (left < 0) {
      break;
    }
    compile(file);
  }
  nodeModule.flushCompileCache();
  write();
}

/** Every regular file below a folder that a loader takes for JavaScript. */
function sources(folder) {
  return fs.readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const file = path.join(folder, entry.name);
    if (entry.isDirectory()) {
      return sources(file);
    }
    return entry.isFile() && /\.[cm]?js$/.test(entry.name) ? [{ file, size: fs.lstatSync(file).size }] : [];
  });
}

function compile(file) {
  try {
    const source = fs.readFileSync(file, 'utf8');
    if (isModule(file)) {
      const { compileSourceTextModule } = require('internal/modules/esm/utils');
      compileSourceTextModule(pathToFileURL(file).href, source, true); // as the loader's own: only that is cached
      return;
    }
    const { wrapSafe } = require('internal/modules/cjs/loader');
    wrapSafe(file, source, undefined, 'commonjs');
  } catch (_) {} // a syntax error, or too much for this sandbox
}

/** Whether a loader would take a file for an ES module. */
function isModule(file) {
  if (!file.endsWith('.js')) {
    return file.endsWith('.mjs');
  }
  for (let at = path.dirname(file); at !== '/' && !at.endsWith('/node_modules'); at = path.dirname(at)) {
    try {
      return JSON.parse(fs.readFileSync(path.join(at, 'package.json'), 'utf8')).type === 'module';
    } catch (error) {
      if (error.code !== 'ENOENT') {
        return false;
      }
    }
  }
  return false;
}

/** Writes the files of the cache by their paths below it. */
function write() {
  let left = LARGEST_CODES;
  out(Buffer.from('LBC1'));
  for (const folder of fs.readdirSync(CACHE)) {
    for (const name of fs.readdirSync(path.join(CACHE, folder))) {
      const code = fs.readFileSync(path.join(CACHE, folder, name));
      left -= code.length;
      if (code.length <= LARGEST_CODE && left >= 0) {
        record(`${folder}/${name}`, code);
      }
    }
  }
  record('', Buffer.alloc(0));
}

function record(name, code) {
  const head = Buffer.alloc(6);
  head.writeUInt16BE(Buffer.byteLength(name), 0);
  head.writeUInt32BE(code.length, 2);
  out(Buffer.concat([head, Buffer.from(name), code]));
}

function out(bytes) {
  for (let at = 0; at < bytes.length;) {
    at += fs.writeSync(1, bytes, at);
  }
}

main(process.argv[2]);
