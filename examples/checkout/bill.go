package main

// Bill is the answer. All money is in cents.
type Bill struct {
	Currency  string      `json:"currency"`
	Lines     []Line      `json:"lines"`
	Subtotal  int64       `json:"subtotal"`
	Discounts []Deduction `json:"discounts"`
	Tax       int64       `json:"tax"`
	Total     int64       `json:"total"`
}

// Line is the price of one item.
type Line struct {
	SKU      string `json:"sku"`
	Quantity int64  `json:"quantity"`
	Total    int64  `json:"total"`
}

// Deduction is what a discount took off.
type Deduction struct {
	Code   string `json:"code"`
	Amount int64  `json:"amount"`
}

// price adds up a basket that was checked. Discounts apply one after the other, each
// to what the ones before it left; tax is on what is left in the end.
func price(b Basket) Bill {
	bill := Bill{Currency: b.Currency, Discounts: []Deduction{}}
	for _, item := range b.Items {
		line := Line{item.SKU, item.Quantity, item.Quantity * item.UnitPrice}
		bill.Lines = append(bill.Lines, line)
		bill.Subtotal += line.Total
	}
	net := bill.Subtotal
	for _, discount := range b.Discounts {
		off := discount.off(net)
		bill.Discounts = append(bill.Discounts, Deduction{discount.Code, off})
		net -= off
	}
	bill.Tax = share(net, b.TaxRate, 100_00)
	bill.Total = net + bill.Tax
	return bill
}

// off is what a discount takes off an amount, never more than all of it.
func (d Discount) off(amount int64) int64 {
	if d.Percent > 0 {
		return share(amount, d.Percent, 100)
	}
	return min(d.Amount, amount)
}

// share is amount × part ÷ whole, half a cent rounded up.
func share(amount, part, whole int64) int64 { return (amount*part + whole/2) / whole }
