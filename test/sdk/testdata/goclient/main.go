// Two functions on aws-lambda-go: one greets who the event names, the other, with the handler
// "meeting", has requests that wait for each other.
package main

import (
	"context"
	"errors"
	"os"

	"github.com/aws/aws-lambda-go/lambda"
)

type event struct {
	Name string `json:"name"`
}

var errNobody = errors.New("nobody to greet")

func main() {
	if os.Getenv("_HANDLER") == "meeting" {
		lambda.Start(newMeeting().handle)
	}
	lambda.Start(func(_ context.Context, e event) (map[string]string, error) {
		if e.Name == "" {
			return nil, errNobody
		}
		return map[string]string{"hello": e.Name}, nil
	})
}
