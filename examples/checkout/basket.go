package main

import (
	"fmt"
	"slices"
)

// Limits of a basket. They keep every sum far from the end of an int64.
const (
	maxItems     = 100
	maxDiscounts = 10
	maxQuantity  = 1_000
	maxPrice     = 100_000_00 // cents
	maxTaxRate   = 100_00     // hundredths of a percent
)

// currencies that have cents.
var currencies = []string{"CHF", "EUR", "GBP", "SEK", "USD"}

// Basket is the event.
type Basket struct {
	Currency  string     `json:"currency"`
	Items     []Item     `json:"items"`
	Discounts []Discount `json:"discounts"`
	TaxRate   int64      `json:"taxRate"` // hundredths of a percent: 1900 is 19 %
}

// Item is one line of the basket.
type Item struct {
	SKU       string `json:"sku"`
	Quantity  int64  `json:"quantity"`
	UnitPrice int64  `json:"unitPrice"` // cents
}

// Discount takes either a percentage or an amount off the whole basket.
type Discount struct {
	Code    string `json:"code"`
	Percent int64  `json:"percent,omitempty"` // 1 to 100
	Amount  int64  `json:"amount,omitempty"`  // cents
}

// check says the first thing that is wrong with the basket.
func (b Basket) check() error {
	if len(b.Items) == 0 {
		return EmptyBasket{}
	}
	if !slices.Contains(currencies, b.Currency) {
		return UnknownCurrency{b.Currency}
	}
	if b.TaxRate < 0 || b.TaxRate > maxTaxRate {
		return InvalidTaxRate{b.TaxRate}
	}
	if err := checkItems(b.Items); err != nil {
		return err
	}
	return checkDiscounts(b.Discounts)
}

func checkItems(items []Item) error {
	if len(items) > maxItems {
		return BasketTooLarge{len(items)}
	}
	seen := make(map[string]bool)
	for _, item := range items {
		if reason := item.fault(); reason != "" {
			return InvalidItem{item.SKU, reason}
		}
		if seen[item.SKU] {
			return InvalidItem{item.SKU, "it is in the basket twice"}
		}
		seen[item.SKU] = true
	}
	return nil
}

func (i Item) fault() string {
	switch {
	case i.SKU == "":
		return "it has no sku"
	case i.Quantity < 1 || i.Quantity > maxQuantity:
		return fmt.Sprintf("its quantity %d is not 1 to %d", i.Quantity, maxQuantity)
	case i.UnitPrice < 0 || i.UnitPrice > maxPrice:
		return fmt.Sprintf("its price of %d cents is not 0 to %d", i.UnitPrice, maxPrice)
	}
	return ""
}

func checkDiscounts(discounts []Discount) error {
	if len(discounts) > maxDiscounts {
		return InvalidDiscount{"", fmt.Sprintf("there are more than %d", maxDiscounts)}
	}
	for _, discount := range discounts {
		if reason := discount.fault(); reason != "" {
			return InvalidDiscount{discount.Code, reason}
		}
	}
	return nil
}

func (d Discount) fault() string {
	switch {
	case d.Code == "":
		return "it has no code"
	case d.Percent < 0 || d.Percent > 100:
		return fmt.Sprintf("%d is not a percentage", d.Percent)
	case d.Amount < 0:
		return "its amount is negative"
	case (d.Percent == 0) == (d.Amount == 0):
		return "it needs either a percent or an amount"
	}
	return ""
}
