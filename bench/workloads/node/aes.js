"use strict";
// AES-128 in counter mode, in JavaScript alone (FIPS 197, SP 800-38A).
const born = Math.floor((performance.timeOrigin + performance.now()) * 1000);

const key = Array.from({ length: 16 }, (_, i) => i);
const double = (a) => ((a << 1) ^ (a & 0x80 ? 0x1b : 0)) & 0xff;

const box = new Array(256).fill(0);
for (let p = 1, q = 1, first = true; first || p !== 1; first = false) {
  p ^= double(p); // times 3
  q ^= q << 1; // divided by 3
  q ^= q << 2;
  q ^= q << 4;
  q &= 0xff;
  if (q & 0x80) q ^= 0x09;
  const r = q | (q << 8);
  box[p] = (q ^ (r >> 7) ^ (r >> 6) ^ (r >> 5) ^ (r >> 4) ^ 0x63) & 0xff;
}
box[0] = 0x63;

function expand() {
  const words = [];
  for (let i = 0; i < 16; i += 4) words.push(key.slice(i, i + 4));
  for (let i = 4, constant = 1; i < 44; i++) {
    let word = words[i - 1];
    if (i % 4 === 0) {
      word = [...word.slice(1), word[0]].map((b) => box[b]);
      word[0] ^= constant;
      constant = double(constant);
    }
    words.push(words[i - 4].map((a, j) => a ^ word[j]));
  }
  const rounds = [];
  for (let i = 0; i < 44; i += 4) rounds.push(words.slice(i, i + 4).flat());
  return rounds;
}
const schedule = expand();

const add = (a, b) => a.map((x, i) => x ^ b[i]);
const shift = (state) => state.map((_, i) => box[state[(i + 4 * (i % 4)) % 16]]);

function mix(state) {
  const out = [];
  for (let i = 0; i < 16; i += 4) {
    const [a, b, c, d] = state.slice(i, i + 4);
    const every = a ^ b ^ c ^ d;
    out.push(a ^ every ^ double(a ^ b), b ^ every ^ double(b ^ c), c ^ every ^ double(c ^ d), d ^ every ^ double(d ^ a));
  }
  return out;
}

function encrypt(block) {
  let state = add(block, schedule[0]);
  for (const round of schedule.slice(1, -1)) state = add(mix(shift(state)), round);
  return Buffer.from(add(shift(state), schedule[10]));
}

function counterBlock(counter) {
  const block = new Array(16).fill(0);
  for (let i = 15; counter > 0; i--, counter = Math.floor(counter / 256)) block[i] = counter % 256;
  return block;
}

exports.handler = async (event) => {
  if (event.block) return { born, result: encrypt([...Buffer.from(event.block, "hex")]).toString("hex") };
  let last = Buffer.alloc(0);
  for (let counter = 0; counter < event.blocks; counter++)
    last = encrypt(counterBlock(counter)).map((b) => b ^ (counter & 255));
  return { born, result: Buffer.from(last).toString("hex") };
};
