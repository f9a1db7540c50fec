'use strict';
// import from layers. Node looks into NODE_PATH for require only; AWS's Node 18 and later
// do for import, too. The hook is put in when there is such a folder, because it costs
// time.

const fs = require('fs');

function install() {
  const folders = (process.env.NODE_PATH || '').split(':').filter(isLayer);
  if (folders.length === 0) {
    return;
  }
  const nodeModule = require('module');
  if (nodeModule.registerHooks) { // Node 22.15
    nodeModule.registerHooks({ resolve: inThread(folders) });
  } else if (nodeModule.register) { // Node 18.19, 20.6: in a thread of its own
    const url = require('url').pathToFileURL(require.resolve('./resolve_async.mjs')).href;
    nodeModule.register(url, { data: { folders } });
  }
}

/** The runtime's folders and the function's own hold nothing that import would miss. */
function isLayer(folder) {
  return folder.startsWith('/') && !folder.startsWith('/var/runtime') && folder !== '/var/task' && fs.existsSync(folder);
}

function inThread(folders) {
  const { fallback } = require('./resolve');
  return (specifier, context, next) => {
    try {
      return next(specifier, context);
    } catch (error) {
      for (const attempt of fallback(folders, specifier, context, error)) {
        try {
          return next(...attempt);
        } catch (_) {} // it is not in this one
      }
      throw error;
    }
  };
}

module.exports = { install };
