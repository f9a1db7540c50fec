"""AES-128 in counter mode, in Python alone (FIPS 197, SP 800-38A)."""

import time

BORN = time.time_ns() // 1000

KEY = bytes(range(16))


def handler(event, context):
    if "block" in event:  # one block: the standard's example is the test
        return {"born": BORN, "result": encrypt(SCHEDULE, bytes.fromhex(event["block"])).hex()}
    blocks = event["blocks"]
    last = b""
    for counter in range(blocks):
        stream = encrypt(SCHEDULE, counter.to_bytes(16, "big"))
        last = bytes(a ^ b for a, b in zip(stream, bytes([counter & 255]) * 16))
    return {"born": BORN, "result": last.hex()}


def double(a):
    return (a << 1 ^ (0x1B if a & 0x80 else 0)) & 0xFF


def sbox():
    box, p, q = [0] * 256, 1, 1
    while True:
        p = p ^ double(p)  # times 3
        q ^= q << 1  # divided by 3
        q ^= q << 2
        q ^= q << 4
        q &= 0xFF
        if q & 0x80:
            q ^= 0x09
        r = q | q << 8
        box[p] = (q ^ r >> 7 ^ r >> 6 ^ r >> 5 ^ r >> 4 ^ 0x63) & 0xFF
        if p == 1:
            break
    box[0] = 0x63
    return box


SBOX = sbox()


def expand(key):
    words, round_constant = [list(key[i : i + 4]) for i in range(0, 16, 4)], 1
    for i in range(4, 44):
        word = words[i - 1]
        if i % 4 == 0:
            word = [SBOX[b] for b in word[1:] + word[:1]]
            word[0] ^= round_constant
            round_constant = double(round_constant)
        words.append([a ^ b for a, b in zip(words[i - 4], word)])
    return [sum(words[i : i + 4], []) for i in range(0, 44, 4)]


SCHEDULE = expand(KEY)


def encrypt(schedule, block):
    state = [a ^ b for a, b in zip(block, schedule[0])]
    for key in schedule[1:-1]:
        state = [a ^ b for a, b in zip(mix(shift(state)), key)]
    return bytes(a ^ b for a, b in zip(shift(state), schedule[-1]))


def shift(state):
    return [SBOX[state[(i + 4 * (i % 4)) % 16]] for i in range(16)]


def mix(state):
    out = []
    for i in range(0, 16, 4):
        a, b, c, d = state[i : i + 4]
        every = a ^ b ^ c ^ d
        out += [
            a ^ every ^ double(a ^ b),
            b ^ every ^ double(b ^ c),
            c ^ every ^ double(c ^ d),
            d ^ every ^ double(d ^ a),
        ]
    return out
