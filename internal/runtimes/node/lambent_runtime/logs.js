'use strict';
// The console as on Lambda: one record for a call, with time, request and level.

const fs = require('fs');

// AWS rewrote its runtime with Node 24; what it answers and logs differs in places.
const MODERN = Number(process.versions.node.split('.')[0]) >= 24;

const LEVELS = ['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL'];

/** The invocation that runs, or ran last. */
const NOBODY = MODERN ? '-' : undefined;
const request = { id: NOBODY, tenantId: undefined };

let own = () => undefined;

/** Says how to find the invocation that a line belongs to, where several run. */
function scoped(find) {
  own = find;
}

let json = false;

/** Puts Lambda's functions into the global console. */
function install() {
  json = (process.env.AWS_LAMBDA_LOG_FORMAT || '').toUpperCase() === 'JSON';
  const least = Math.max(0, LEVELS.indexOf((process.env.AWS_LAMBDA_LOG_LEVEL || '').toUpperCase()));
  for (const [at, level] of LEVELS.entries()) {
    console[level.toLowerCase()] = at < least ? () => {} : (...args) => write(record(level, args));
  }
  console.log = console.info;
}

/** Logs an error that ends an invocation, or the process. */
function error(title, cause) {
  try {
    const value = require('./errors').isError(cause) ? cause : new Error(String(cause));
    if (json) {
      console.error(value);
    } else {
      console.error(title, `\t${plain(value)}`);
    }
  } catch (_) {} // the function replaced the console, or the error has no text: the answer still goes
}

function plain(value) {
  try {
    return JSON.stringify(value, (_, v) => (v instanceof Error ? withFields(v) : v));
  } catch (_) { // a circle, for instance
    return require('./errors').encode(value);
  }
}

/** An error with what it holds besides its text. */
function withFields(value) {
  const fields = { errorType: value.name, errorMessage: value.message, code: value.code, ...value };
  if (typeof value.stack === 'string') {
    fields.stack = value.stack.split('\n');
  }
  return fields;
}

function record(level, args) {
  const time = new Date().toISOString();
  return json ? jsonRecord(time, level, args) : `${time}\t${(own() || request).id}\t${level}\t${require('util').format(...args)}`;
}

/** A single argument is the message as it is; several are put into one text. */
function jsonRecord(timestamp, level, args) {
  const { id, tenantId } = own() || request;
  const line = { timestamp, level, requestId: id };
  if (tenantId !== undefined) {
    line.tenantId = tenantId;
  }
  if (args.length === 1) {
    return oneValue(line, args[0]);
  }
  line.message = require('util').format(...args);
  const cause = args.find((arg) => arg instanceof Error);
  return JSON.stringify(cause ? { ...line, ...errorFields(cause) } : line);
}

function oneValue(line, value) {
  line.message = value;
  try {
    return JSON.stringify(line, (_, v) => (v instanceof Error ? { ...errorFields(v), ...v } : v));
  } catch (_) {
    line.message = require('util').format(value);
    return JSON.stringify(line);
  }
}

function errorFields(value) {
  const { RuntimeError } = require('./errors');
  const own = value instanceof RuntimeError && value.name.slice('Runtime.'.length);
  return {
    errorType: own || (value.constructor && value.constructor.name) || 'UnknownError',
    errorMessage: value.message,
    stackTrace: typeof value.stack === 'string' ? value.stack.split('\n') : value.stack,
  };
}

/** Writes one record before it returns. A line feed would begin another record, so AWS
 * writes carriage returns; here, too. */
function write(text) {
  const bytes = Buffer.from(`${text.replace(/\n/g, '\r')}\n`);
  for (let sent = 0; sent < bytes.length;) {
    try {
      sent += fs.writeSync(1, bytes, sent);
    } catch (failure) {
      if (failure.code !== 'EAGAIN') {
        return; // the function closed it
      }
      pause(); // a pipe that is full, made non-blocking by process.stdout
    }
  }
}

function pause() {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
}

module.exports = { MODERN, NOBODY, error, install, request, scoped };
