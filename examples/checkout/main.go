// Checkout is a function that prices a basket: lines, discounts, tax, total.
package main

import (
	"context"

	"github.com/aws/aws-lambda-go/lambda"
)

func main() { lambda.Start(handle) }

// handle answers one event. The name of an error's type is what the caller sees as
// errorType.
func handle(_ context.Context, basket Basket) (Bill, error) {
	if err := basket.check(); err != nil {
		return Bill{}, err
	}
	return price(basket), nil
}
