'use strict';
// A function in the old style: it answers by its third argument.

exports.greet = (event, context, callback) => {
  setTimeout(() => {}, event.linger ?? 0);
  context.callbackWaitsForEmptyEventLoop = event.waits ?? true;
  callback(null, `hello ${event.name}`);
};

exports.nothing = () => 'dropped';
