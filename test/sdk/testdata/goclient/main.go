// A function on aws-lambda-go: it greets who the event names.
package main

import (
	"context"
	"errors"

	"github.com/aws/aws-lambda-go/lambda"
)

type event struct {
	Name string `json:"name"`
}

var errNobody = errors.New("nobody to greet")

func main() {
	lambda.Start(func(_ context.Context, e event) (map[string]string, error) {
		if e.Name == "" {
			return nil, errNobody
		}
		return map[string]string{"hello": e.Name}, nil
	})
}
