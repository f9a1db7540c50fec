import { deepEqual, equal, throws } from "node:assert/strict";
import { test } from "node:test";
import { digest, InvalidDay, parse } from "./digest";

const order = (product: string, cents: number) => ({ kind: "order" as const, product, cents });
const day = (...events: unknown[]) => parse({ day: "2026-11-20", currency: "EUR", events });

test("a day with everything", () => {
  const got = digest(day(order("tea", 450), order("cup", 1200), order("tea", 900), order("pot", 100), order("tin", 50),
    { kind: "refund", product: "cup", cents: 200 }, { kind: "signup", email: "ada@example.com" }));
  deepEqual(got, {
    subject: "Friday 20 November: 5 orders, 25.00 EUR",
    lines: ["tea: 13.50 EUR", "cup: 12.00 EUR", "pot: 1.00 EUR", "given back: 2.00 EUR", "new: a…@example.com"],
    orders: 5, turnover: "25.00",
  });
});

test("a quiet day, and one with a single order", () => {
  equal(digest(day()).subject, "Friday 20 November: no orders, 0.00 EUR");
  equal(digest(day(order("tea", 5))).subject, "Friday 20 November: 1 order, 0.05 EUR");
});

test("what is no day is refused", () => {
  for (const bad of [null, 1, {}, { day: "20.11.", currency: "EUR", events: [] }, { day: "2026-11-99", currency: "EUR", events: [] },
    { day: "2026-11-20", currency: "euro", events: [] }, { day: "2026-11-20", currency: "EUR", events: {} }]) {
    throws(() => parse(bad), InvalidDay);
  }
  for (const bad of [null, {}, order("tea", -1), order("tea", 0.5), { kind: "refund" }, { kind: "signup" }, { kind: "gift", product: "x", cents: 1 }]) {
    throws(() => day(order("tea", 1), bad), { name: "InvalidDay", message: "event 1 is no order, refund or signup" });
  }
});
