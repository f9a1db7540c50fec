// The function: one instance takes many players at once, so that they meet in its memory.
import { InvalidPlayer, Lobby } from './lobby.mjs';

const lobby = new Lobby();

const PATIENCE = 5000; // ms, unless the event says less
const MARGIN = 250; // ms before the function's timeout

export const handler = async (event, context) => {
  const { player, rating, patienceMs = PATIENCE } = checked(event);
  const patience = Math.min(patienceMs, PATIENCE, context.getRemainingTimeInMillis() - MARGIN);
  const match = await lobby.join(player, rating, patience);
  return match || { match: null, player, waiting: lobby.size };
};

function checked(event) {
  const { player, rating, patienceMs = 0 } = event || {};
  if (typeof player !== 'string' || player === '' || player.length > 64) {
    throw new InvalidPlayer('player: a name of 1 to 64 characters is needed');
  }
  if (!Number.isFinite(rating) || rating < 0 || rating > 5000) {
    throw new InvalidPlayer('rating: a number from 0 to 5000 is needed');
  }
  if (!Number.isFinite(patienceMs) || patienceMs < 0) {
    throw new InvalidPlayer('patienceMs: a number of milliseconds from 0 on is needed');
  }
  return event;
}
