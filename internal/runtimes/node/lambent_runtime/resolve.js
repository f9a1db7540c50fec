'use strict';
// Where else an import may find a package: shared by the hook of both kinds.

const path = require('path');
const { pathToFileURL } = require('url');

const RELATIVE = /^(\.{0,2}\/|[a-z][a-z0-9+.-]*:|#)/i;

/** The arguments to try after an error, one pair for each folder of NODE_PATH. A folder
 * called node_modules is searched as if the importing file stood beside it, so that the
 * package's exports hold; any other by the package's name below it. */
function fallback(folders, specifier, context, error) {
  if (!error || error.code !== 'ERR_MODULE_NOT_FOUND' || RELATIVE.test(specifier)) {
    return [];
  }
  return folders.map((folder) => {
    if (path.basename(folder) !== 'node_modules') {
      return [pathToFileURL(path.join(folder, specifier)).href, context];
    }
    const parentURL = pathToFileURL(path.join(path.dirname(folder), 'importer.mjs')).href;
    return [specifier, { ...context, parentURL }];
  });
}

module.exports = { fallback };
