'use strict';
// What V8 made of the package's sources when it was deployed (lambent_compile.js).

const fs = require('fs');
const nodeModule = require('module');

const FOLDER = '.lambent-compile-cache';

/** Has modules taken from there that Node finds to be of this release, these flags and the same
 * sources. A function that says something of a compile cache itself is left alone, and so is a
 * folder that Node would write to. */
function use(root) {
  const folder = `${root}/${FOLDER}`;
  const { NODE_COMPILE_CACHE, NODE_DISABLE_COMPILE_CACHE } = process.env;
  if (!nodeModule.enableCompileCache || NODE_COMPILE_CACHE !== undefined || NODE_DISABLE_COMPILE_CACHE !== undefined) {
    return;
  }
  if (fs.existsSync(folder) && !writable(folder)) {
    nodeModule.enableCompileCache(folder);
  }
}

function writable(folder) {
  try {
    fs.accessSync(folder, fs.constants.W_OK);
    return true;
  } catch (_) {
    return false;
  }
}

module.exports = { use };
