package main

import (
	"context"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
)

// born proves when the process was made.
var born = time.Now().UnixMicro()

type event struct {
	Name string `json:"name"`
}

type answer struct {
	Born   int64  `json:"born"` // µs of the real-time clock
	Result string `json:"result"`
}

func serveFunction() { lambda.Start(hello) }

func hello(_ context.Context, e event) (answer, error) {
	return answer{Born: born, Result: "Hello, " + e.Name + "!"}, nil
}
