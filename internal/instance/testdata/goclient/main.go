// Command goclient is a function on AWS's own client for Go, unchanged, that takes many
// requests at once.
package main

import (
	"context"
	"log/slog"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
)

var open = make(chan struct{})

func handle(ctx context.Context, event string) ([]string, error) {
	lc, _ := lambdacontext.FromContext(ctx)
	switch event {
	case "wait":
		<-open
	case "wake":
		open <- struct{}{}
	case "sleep":
		time.Sleep(time.Hour)
	case "die":
		os.Exit(7)
	}
	slog.Info("answer", "event", event)
	return []string{event, lc.AwsRequestID}, nil
}

func main() {
	slog.SetDefault(slog.New(slog.NewJSONHandler(os.Stdout, nil)))
	lambda.Start(handle)
}
