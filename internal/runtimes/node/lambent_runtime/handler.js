'use strict';
// Finds the function's handler.

const fs = require('fs');
const path = require('path');
const { RuntimeError, UserCodeSyntaxError } = require('./errors');
const { MODERN } = require('./logs');

const CALLBACKS = 'ERROR: AWS Lambda has removed support for callback-based function handlers starting with Node.js 24. ' +
  'You need to modify this function to use a supported handler signature to use Node.js 24 or later. ' +
  'For more information see https://docs.aws.amazon.com/lambda/latest/dg/nodejs-handler.html.';

/** Loads the handler that a configuration names: "folder/module.export.nested". */
async function load(root, name) {
  if (name.includes('..')) {
    throw new RuntimeError('MalformedHandlerName',
      `'${name}' is not a valid handler name. Use absolute paths when specifying root directories in handler names.`);
  }
  const base = path.basename(name);
  const parts = /^([^.]*)\.(.*)$/.exec(base);
  if (!parts) {
    throw new RuntimeError('MalformedHandlerName', 'Bad handler');
  }
  require('./layers').install();
  const found = await loadModule(root, name.slice(0, name.indexOf(base)), parts[1]);
  return checked(find(found, parts[2].split('.')), name);
}

function checked(handler, name) {
  if (!handler) {
    throw new RuntimeError('HandlerNotFound', `${name} is undefined or not exported`);
  }
  if (typeof handler !== 'function') {
    throw new RuntimeError('HandlerNotFound', `${name} is not a function`);
  }
  if (MODERN && handler.length >= 3) {
    throw new RuntimeError('CallbackHandlerDeprecated', CALLBACKS);
  }
  return handler;
}

/** The export that a path of names leads to; since Node 24 also inside the default. */
function find(found, names) {
  const walk = (from) => names.reduce((value, key) => value && value[key], from);
  return walk(found) || (MODERN && found && found.default ? walk(found.default) : undefined);
}

async function loadModule(root, folder, name) {
  try {
    return await loadFile(path.resolve(root, folder, name), () => requireBy(name, [root, path.join(root, folder)]));
  } catch (error) {
    if (error instanceof SyntaxError) {
      throw new UserCodeSyntaxError(error);
    }
    if (error && error.code === 'MODULE_NOT_FOUND') {
      throw new RuntimeError('ImportModuleError', String(error));
    }
    throw error;
  }
}

/** In AWS's order: the name as it is, .js in the kind that its package.json says, .mjs,
 * .cjs, and last as a package. */
async function loadFile(file, otherwise) {
  if (fs.existsSync(file)) {
    return require(file);
  }
  if (fs.existsSync(`${file}.js`)) {
    return isModule(path.dirname(file)) ? importFile(`${file}.js`) : require(`${file}.js`);
  }
  if (fs.existsSync(`${file}.mjs`)) {
    return importFile(`${file}.mjs`);
  }
  return fs.existsSync(`${file}.cjs`) ? require(`${file}.cjs`) : otherwise();
}

const importFile = (file) => import(require('url').pathToFileURL(file).href);

const requireBy = (name, paths) => require(require.resolve(name, { paths }));

/** Whether the nearest package.json makes .js files ES modules. */
function isModule(folder) {
  for (let at = folder; !at.endsWith('/node_modules'); at = path.dirname(at)) {
    const found = packageType(path.join(at, 'package.json'));
    if (found !== undefined || at === '/') {
      return found === 'module';
    }
  }
  return false;
}

/** The type that a package.json gives, "" if it gives none, undefined without a file. */
function packageType(file) {
  let text;
  try {
    text = fs.readFileSync(file, 'utf8');
  } catch (_) {
    return undefined;
  }
  try {
    return (JSON.parse(text) || {}).type || '';
  } catch (error) {
    console.warn(`${file} cannot be read, it will be ignored for ES module detection purposes.`, error);
    return '';
  }
}

module.exports = { load };
