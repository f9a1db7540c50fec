package main

import "fmt"

// EmptyBasket means that there is nothing to price.
type EmptyBasket struct{}

func (EmptyBasket) Error() string { return "the basket is empty" }

// BasketTooLarge means that there are too many lines.
type BasketTooLarge struct{ Items int }

func (e BasketTooLarge) Error() string {
	return fmt.Sprintf("the basket has %d items, more than %d", e.Items, maxItems)
}

// UnknownCurrency means a currency that is not accepted.
type UnknownCurrency struct{ Currency string }

func (e UnknownCurrency) Error() string {
	return fmt.Sprintf("currency %q is none of %v", e.Currency, currencies)
}

// InvalidTaxRate means a rate below 0 or above 100 %.
type InvalidTaxRate struct{ Rate int64 }

func (e InvalidTaxRate) Error() string {
	return fmt.Sprintf("tax rate %d is not 0 to %d hundredths of a percent", e.Rate, maxTaxRate)
}

// InvalidItem names the item and says what is wrong with it.
type InvalidItem struct{ SKU, Reason string }

func (e InvalidItem) Error() string { return fmt.Sprintf("item %q: %s", e.SKU, e.Reason) }

// InvalidDiscount names the discount and says what is wrong with it.
type InvalidDiscount struct{ Code, Reason string }

func (e InvalidDiscount) Error() string { return fmt.Sprintf("discount %q: %s", e.Code, e.Reason) }
