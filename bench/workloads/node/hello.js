"use strict";
// µs of the real-time clock: proves when this module was loaded.
const born = Math.floor((performance.timeOrigin + performance.now()) * 1000);

exports.handler = async (event) => ({ born, result: `Hello, ${event.name ?? "you"}!` });
