'use strict';
// Errors as a caller sees them, with the type names of AWS's runtime.

class RuntimeError extends Error {
  constructor(name, message) {
    super(message);
    Object.defineProperty(this, 'name', { value: `Runtime.${name}`, enumerable: false });
    if (typeof this.stack === 'string') {
      this.stack = this.stack.replace(/^Error/, this.name);
    }
  }
}

/** The function's code has a syntax error: where it is stands in the original's stack. */
class UserCodeSyntaxError extends RuntimeError {
  constructor(original) {
    super('UserCodeSyntaxError', String(original));
    this.stack = original.stack;
  }
}

class UnhandledPromiseRejection extends RuntimeError {
  constructor(reason, promise) {
    super('UnhandledPromiseRejection', text(reason));
    this.reason = reason;
    this.promise = promise;
  }
}

function text(value) {
  try {
    return String(value);
  } catch (_) {
    return `<no message: ${typeof value} without a text>`;
  }
}

/** Whether a value is an error, also one of another realm or a library's own. */
function isError(value) {
  if (value instanceof Error || require('util').types.isNativeError(value)) {
    return true;
  }
  return Boolean(value) && ['name', 'message', 'stack'].every((key) => typeof value[key] === 'string' && value[key] !== '');
}

// A DEL in an error would break AWS's headers; it is written as its runtime does.
const clean = (value) => (typeof value === 'string' ? value.replace(/\x7F/g, '%7F') : value);

/** The value that AWS answers for an error. */
function describe(error) {
  try {
    if (!isError(error)) {
      return { errorType: typeof error, errorMessage: String(error), trace: [] };
    }
    const stack = typeof error.stack === 'string' ? error.stack : '';
    return { errorType: clean(error.name), errorMessage: clean(error.message), trace: stack ? clean(stack).split('\n') : [] };
  } catch (_) {
    const errorMessage = 'callback called with Error argument, but there was a problem while retrieving one or more of its message, name, and stack';
    return { errorType: 'handled', errorMessage, trace: [] };
  }
}

/** The JSON text of an error. */
function encode(error) {
  try {
    return JSON.stringify(describe(error));
  } catch (_) { // a name or message that is no text
    return JSON.stringify(describe(new Error('an error that cannot be written as JSON')));
  }
}

module.exports = { RuntimeError, UserCodeSyntaxError, UnhandledPromiseRejection, describe, encode, isError };
