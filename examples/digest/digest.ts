// A shop's day in a few lines, for the mail that its owner reads with the coffee.

export type ShopEvent =
  | { kind: "order"; product: string; cents: number }
  | { kind: "refund"; product: string; cents: number }
  | { kind: "signup"; email: string };

export interface Day {
  day: string; // 2026-11-20
  currency: string; // EUR
  events: ShopEvent[];
}

export interface Digest {
  subject: string;
  lines: string[];
  orders: number;
  turnover: string; // orders less refunds, "41.50"
}

const most = 10_000; // events of one day

/** Raised for an event that is no day of a shop; its name is the errorType of the answer. */
export class InvalidDay extends Error {
  override name = "InvalidDay";
}

export function digest(day: Day): Digest {
  const orders = day.events.filter((e) => e.kind === "order");
  const refunds = day.events.filter((e) => e.kind === "refund");
  const signups = day.events.filter((e) => e.kind === "signup");
  const turnover = money(sum(orders) - sum(refunds));
  const lines = best(orders).map(([product, cents]) => `${product}: ${money(cents)} ${day.currency}`);
  if (refunds.length > 0) {
    lines.push(`given back: ${money(sum(refunds))} ${day.currency}`);
  }
  if (signups.length > 0) {
    lines.push(`new: ${signups.map((s) => masked(s.email)).join(", ")}`);
  }
  const subject = `${title(day.day)}: ${count(orders.length, "order")}, ${turnover} ${day.currency}`;
  return { subject, lines, orders: orders.length, turnover };
}

/** The three products that sold for the most, the first of equals first. */
function best(orders: { product: string; cents: number }[]): [string, number][] {
  const sales = new Map<string, number>();
  for (const { product, cents } of orders) {
    sales.set(product, (sales.get(product) ?? 0) + cents);
  }
  return [...sales].sort((a, b) => b[1] - a[1]).slice(0, 3);
}

const sum = (list: { cents: number }[]): number => list.reduce((total, { cents }) => total + cents, 0);
const money = (cents: number): string => (cents / 100).toFixed(2);
const count = (n: number, word: string): string => `${n === 0 ? "no" : n} ${word}${n === 1 ? "" : "s"}`;
const masked = (email: string): string => email.replace(/^(.).*(?=@)/u, "$1…");

function title(day: string): string {
  return new Intl.DateTimeFormat("en-GB", { weekday: "long", day: "numeric", month: "long", timeZone: "UTC" }).format(new Date(day));
}

/** Checks what came from outside and gives it its type. */
export function parse(value: unknown): Day {
  const { day, currency, events } = (value ?? {}) as Partial<Day>;
  if (typeof day !== "string" || !/^\d{4}-\d{2}-\d{2}$/.test(day) || Number.isNaN(Date.parse(day))) {
    throw new InvalidDay("day is not a date such as 2026-11-20");
  }
  if (typeof currency !== "string" || !/^[A-Z]{3}$/.test(currency)) {
    throw new InvalidDay("currency is not three letters such as EUR");
  }
  if (!Array.isArray(events) || events.length > most) {
    throw new InvalidDay(`events is not a list of at most ${most}`);
  }
  events.forEach(check);
  return { day, currency, events };
}

function check(event: unknown, at: number): void {
  const { kind, product, cents, email } = (event ?? {}) as Record<string, unknown>;
  const sale = (kind === "order" || kind === "refund") && typeof product === "string" && Number.isSafeInteger(cents) && (cents as number) >= 0;
  if (!sale && !(kind === "signup" && typeof email === "string")) {
    throw new InvalidDay(`event ${at} is no order, refund or signup`);
  }
}
