'use strict';
// A module with a handler, to be loaded and called as a function's is: see rehearsal.js.

exports.handler = async (event) => ({ event });
