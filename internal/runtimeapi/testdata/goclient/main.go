// Command goclient is a function on AWS's own client for Go, unchanged.
package main

import (
	"context"
	"errors"
	"io"
	"os"
	"strings"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
)

func handle(ctx context.Context, event map[string]any) (any, error) {
	lc, _ := lambdacontext.FromContext(ctx)
	_, deadline := ctx.Deadline()
	switch event["do"] {
	case "fail":
		return nil, errors.New("the basket is empty")
	case "panic":
		panic("at the handler")
	case "exit":
		os.Exit(3)
	case "stream":
		return io.MultiReader(strings.NewReader("one,"), strings.NewReader("two")), nil
	case "big":
		return strings.Repeat("x", 7<<20), nil
	}
	return map[string]any{
		"event": event, "id": lc.AwsRequestID, "arn": lc.InvokedFunctionArn, "deadline": deadline,
		"client": lc.ClientContext.Custom, "trace": os.Getenv("_X_AMZN_TRACE_ID"),
	}, nil
}

func main() {
	lambda.Start(handle)
}
