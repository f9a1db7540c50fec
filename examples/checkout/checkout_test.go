package main

import (
	"encoding/json"
	"math"
	"os"
	"reflect"
	"strings"
	"testing"
)

func read(t *testing.T, name string) Basket {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var basket Basket
	if err := json.Unmarshal(text, &basket); err != nil {
		t.Fatal(err)
	}
	return basket
}

func TestEventOfTheReadme(t *testing.T) {
	got, err := handle(t.Context(), read(t, "event.json"))
	if err != nil {
		t.Fatal(err)
	}
	want := Bill{
		Currency:  "EUR",
		Lines:     []Line{{"mug-blue", 2, 2500}, {"tea-assam-250g", 3, 2370}, {"kettle-1l", 1, 4999}},
		Subtotal:  9869,
		Discounts: []Deduction{{"AUTUMN10", 987}, {"VOUCHER-5", 500}},
		Tax:       1593, // 19 % of 8382 is 1592.58
		Total:     9975,
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestBadEventOfTheReadme(t *testing.T) {
	_, err := handle(t.Context(), read(t, "event-bad.json"))
	if _, ok := err.(InvalidItem); !ok {
		t.Errorf("got %v, want InvalidItem", err)
	}
}

func TestDiscountsNeverGoBelowZero(t *testing.T) {
	bill := price(Basket{
		Items:     []Item{{"a", 1, 300}},
		Discounts: []Discount{{Code: "big", Amount: 500}, {Code: "more", Percent: 100}},
		TaxRate:   1900,
	})
	if bill.Total != 0 || bill.Tax != 0 || bill.Discounts[0].Amount != 300 || bill.Discounts[1].Amount != 0 {
		t.Errorf("bill = %+v, want nothing to pay", bill)
	}
}

func TestRounding(t *testing.T) {
	for _, c := range []struct{ amount, part, whole, want int64 }{
		{0, 19, 100, 0}, {10, 4, 100, 0}, {10, 5, 100, 1}, {999, 50, 100, 500}, {100, 1, 10000, 0},
	} {
		if got := share(c.amount, c.part, c.whole); got != c.want {
			t.Errorf("share(%d, %d, %d) = %d, want %d", c.amount, c.part, c.whole, got, c.want)
		}
	}
}

func TestLargestBasketDoesNotOverflow(t *testing.T) {
	basket := Basket{Currency: "EUR", TaxRate: maxTaxRate}
	for i := range maxItems {
		basket.Items = append(basket.Items, Item{strings.Repeat("x", i+1), maxQuantity, maxPrice})
	}
	bill, err := handle(t.Context(), basket)
	if err != nil {
		t.Fatal(err)
	}
	if want := int64(2 * maxItems * maxQuantity * maxPrice); bill.Total != want || want > math.MaxInt64/maxTaxRate {
		t.Errorf("total = %d, want %d", bill.Total, want)
	}
}

// TestErrorTypes checks the names that callers see as errorType.
func TestErrorTypes(t *testing.T) {
	good := Item{"a", 1, 100}
	with := func(change func(*Basket)) Basket {
		basket := Basket{Currency: "EUR", Items: []Item{good}}
		change(&basket)
		return basket
	}
	item := func(i Item) Basket { return with(func(b *Basket) { b.Items = []Item{i} }) }
	discount := func(d ...Discount) Basket { return with(func(b *Basket) { b.Discounts = d }) }
	for name, c := range map[string]struct {
		basket Basket
		want   string
	}{
		"nothing":            {Basket{}, "EmptyBasket"},
		"too many items":     {with(func(b *Basket) { b.Items = make([]Item, maxItems+1) }), "BasketTooLarge"},
		"no currency":        {with(func(b *Basket) { b.Currency = "" }), "UnknownCurrency"},
		"negative tax":       {with(func(b *Basket) { b.TaxRate = -1 }), "InvalidTaxRate"},
		"absurd tax":         {with(func(b *Basket) { b.TaxRate = maxTaxRate + 1 }), "InvalidTaxRate"},
		"no sku":             {item(Item{"", 1, 1}), "InvalidItem"},
		"no quantity":        {item(Item{"a", 0, 1}), "InvalidItem"},
		"huge quantity":      {item(Item{"a", math.MaxInt64, 1}), "InvalidItem"},
		"negative price":     {item(Item{"a", 1, -1}), "InvalidItem"},
		"huge price":         {item(Item{"a", 1, math.MaxInt64}), "InvalidItem"},
		"the same twice":     {with(func(b *Basket) { b.Items = []Item{good, good} }), "InvalidItem"},
		"discount, no code":  {discount(Discount{Percent: 5}), "InvalidDiscount"},
		"discount, nothing":  {discount(Discount{Code: "x"}), "InvalidDiscount"},
		"discount, both":     {discount(Discount{Code: "x", Percent: 5, Amount: 5}), "InvalidDiscount"},
		"discount, 101 %":    {discount(Discount{Code: "x", Percent: 101}), "InvalidDiscount"},
		"discount, negative": {discount(Discount{Code: "x", Amount: -5}), "InvalidDiscount"},
		"too many discounts": {discount(make([]Discount, maxDiscounts+1)...), "InvalidDiscount"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := handle(t.Context(), c.basket)
			if err == nil || reflect.TypeOf(err).Name() != c.want || err.Error() == "" {
				t.Errorf("error %T: %v, want %s", err, err, c.want)
			}
		})
	}
}
