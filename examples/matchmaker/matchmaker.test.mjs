// Run with: node --test
import assert from 'node:assert';
import { test } from 'node:test';
import { handler } from './index.mjs';
import { Lobby } from './lobby.mjs';

/** A lobby whose clock stands until it is moved. */
function lobbyAt(start = 0) {
  const clock = { ms: start };
  const lobby = new Lobby(() => clock.ms);
  return { lobby, clock };
}

test('two who are near are paired at once, and both are told the same', async () => {
  const { lobby, clock } = lobbyAt();
  const first = lobby.join('ada', 1500, 1000);
  clock.ms = 40;
  const second = await lobby.join('bob', 1580, 1000);
  assert.deepStrictEqual(await first, { match: 1, players: ['ada', 'bob'], gap: 80, waitedMs: 40 });
  assert.deepStrictEqual(second, { match: 1, players: ['ada', 'bob'], gap: 80, waitedMs: 0 });
  assert.strictEqual(lobby.size, 0);
});

test('the nearest of several is chosen', async () => {
  const { lobby } = lobbyAt();
  for (const [player, rating] of [['low', 1000], ['below', 1440], ['above', 1590], ['high', 2000]]) {
    lobby.join(player, rating, 1000);
  }
  assert.deepStrictEqual((await lobby.join('me', 1505, 1000)).players, ['below', 'me']);
  ['low', 'above', 'high'].forEach((player) => lobby._leave(player)); // or the timer would keep the test
});

test('who waits takes a wider gap', async () => {
  const { lobby, clock } = lobbyAt();
  const first = lobby.join('ada', 1500, 5000);
  const second = lobby.join('bob', 1750, 5000);
  lobby.tick();
  assert.strictEqual(lobby.size, 2);
  clock.ms = 500; // two steps: 300 points
  lobby.tick();
  assert.strictEqual((await first).gap, 250);
  assert.strictEqual((await second).match, 1);
});

test('patience ends with null, and so does the place of one who joins again', async () => {
  const { lobby, clock } = lobbyAt();
  const first = lobby.join('ada', 1500, 1000);
  const again = lobby.join('ada', 1500, 100);
  assert.strictEqual(await first, null);
  clock.ms = 99;
  lobby.tick();
  assert.strictEqual(lobby.size, 1);
  clock.ms = 100;
  lobby.tick();
  assert.strictEqual(await again, null);
  assert.strictEqual(lobby.size, 0);
});

test('every player of many is paired once', async () => {
  const { lobby } = lobbyAt();
  const answers = await Promise.all(Array.from({ length: 1000 }, (_, n) => lobby.join(`p${n}`, 1000 + (n * 37) % 90, 1000)));
  const seen = answers.map((answer) => answer.players.join()).sort();
  assert.strictEqual(new Set(seen).size, 500);
  assert.strictEqual(new Set(answers.flatMap((answer) => answer.players)).size, 1000);
});

test('a pair is found well inside a frame of 16 ms, also in a full lobby', async (t) => {
  const { lobby } = lobbyAt();
  for (let n = 0; n < 1600; n++) {
    lobby.join(`p${n}`, n * 3000, 1000); // nobody is near anybody
  }
  const times = [];
  for (let n = 0; n < 200; n++) {
    const began = performance.now();
    await lobby.join(`q${n}`, n * 3000 + 50, 1000);
    times.push(performance.now() - began);
  }
  times.sort((a, b) => a - b);
  t.diagnostic(`a pair among 1600 players takes ${times[100].toFixed(3)} ms, 99 of 100 take ${times[198].toFixed(3)} ms at most`);
  assert.ok(times[100] < 4, `half of them took more than ${times[100]} ms`);
  for (let n = 200; n < 1600; n++) {
    lobby._leave(`p${n}`);
  }
});

test('the handler refuses what is no player', async () => {
  const context = { getRemainingTimeInMillis: () => 1000 };
  for (const event of [null, {}, { player: '', rating: 1 }, { player: 'a', rating: '1500' }, { player: 'a', rating: -1 }, { player: 'a', rating: 1, patienceMs: 'x' }]) {
    await assert.rejects(handler(event, context), { name: 'InvalidPlayer' });
  }
  assert.deepStrictEqual(await handler({ player: 'ada', rating: 1500, patienceMs: 1 }, context), { match: null, player: 'ada', waiting: 0 });
});
