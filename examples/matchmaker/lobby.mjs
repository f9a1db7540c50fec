// The lobby: players wait in memory, in the order of their ratings, until somebody near
// enough comes. Whoever waits longer takes a wider gap.

/** An event that is no player. */
export class InvalidPlayer extends Error {
  constructor(message) {
    super(message);
    this.name = 'InvalidPlayer';
  }
}

const NEAR = 100; // rating points that two players may differ by at once
const WIDER = 100; // points more for each step of waiting
const STEP = 250; // ms

export class Lobby {
  constructor(now = () => performance.now()) {
    this._now = now;
    this._waiting = []; // by rating
    this._matches = 0;
    this._timer = null;
  }

  get size() {
    return this._waiting.length;
  }

  /** Resolves with the match, or with null when nobody came in time (ms). A player who
   * joins again takes the place of the first request, which is told null. */
  join(player, rating, patience) {
    this._leave(player);
    return new Promise((tell) => {
      const seat = { player, rating, since: this._now(), until: this._now() + patience, tell };
      const other = this._nearest(seat);
      if (other) {
        this._pair(seat, other);
        return;
      }
      if (patience <= 0) {
        tell(null);
        return;
      }
      this._waiting.splice(this._place(rating), 0, seat);
      this._timer = this._timer || setInterval(() => this.tick(), STEP / 5);
    });
  }

  /** Looks again at those who wait: gaps have grown, patience has ended. */
  tick() {
    for (const seat of [...this._waiting].sort((a, b) => a.since - b.since)) {
      if (!this._waiting.includes(seat)) {
        continue; // it was paired just now
      }
      const other = this._nearest(seat);
      if (other) {
        this._pair(seat, other);
      } else if (this._now() >= seat.until) {
        this._leave(seat.player);
      }
    }
  }

  /** The nearest by rating of those whom the gap allows. */
  _nearest(seat) {
    const at = this._place(seat.rating);
    let best = null;
    for (const step of [-1, 1]) {
      for (let i = step < 0 ? at - 1 : at; i >= 0 && i < this._waiting.length; i += step) {
        const other = this._waiting[i];
        if (other === seat) {
          continue;
        }
        const gap = Math.abs(other.rating - seat.rating);
        if (gap <= this._tolerance(seat, other) && (!best || gap < Math.abs(best.rating - seat.rating))) {
          best = other;
        }
        break; // who sits further off is not nearer
      }
    }
    return best;
  }

  _tolerance(a, b) {
    const waited = this._now() - Math.min(a.since, b.since);
    return NEAR + WIDER * Math.floor(waited / STEP);
  }

  /** The first place whose player has at least this rating. */
  _place(rating) {
    let low = 0;
    for (let high = this._waiting.length; low < high;) {
      const middle = (low + high) >> 1;
      if (this._waiting[middle].rating < rating) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  }

  _pair(a, b) {
    this._remove(a);
    this._remove(b);
    const match = { match: ++this._matches, players: [b.player, a.player], gap: Math.abs(a.rating - b.rating) };
    for (const seat of [a, b]) {
      seat.tell({ ...match, waitedMs: Math.round(this._now() - seat.since) });
    }
  }

  _leave(player) {
    const seat = this._waiting.find((other) => other.player === player);
    if (seat) {
      this._remove(seat);
      seat.tell(null);
    }
  }

  _remove(seat) {
    const at = this._waiting.indexOf(seat);
    if (at >= 0) {
      this._waiting.splice(at, 1);
    }
    if (this._waiting.length === 0) {
      clearInterval(this._timer);
      this._timer = null;
    }
  }
}
