"use strict";
// Compression of text and back.
const born = Math.floor((performance.timeOrigin + performance.now()) * 1000);

const zlib = require("node:zlib");

const list = ["cold", "warm", "stem", "fork", "function", "tier", "receipt", "queue"];

function words(count) {
  const out = [];
  for (let i = 0, x = 1; i < count; i++) {
    x = (Math.imul(x, 1103515245) + 12345) & 0x7fffffff;
    out.push(list[x >> 28]);
  }
  return out.join(" ");
}

exports.handler = async (event) => {
  const text = Buffer.from(words(event.words));
  const packed = zlib.deflateSync(text, { level: 6 });
  const back = zlib.inflateSync(packed);
  return { born, result: { bytes: back.length, same: back.equals(text), smaller: packed.length < text.length } };
};
