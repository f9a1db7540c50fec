package lambent

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// Function is what a function is created from.
type Function struct {
	Name, Runtime, Handler string
	Zip                    []byte
	Memory                 int32             // MiB; 0 = 128
	Reserved               int32             // concurrency; 0 = none reserved
	Tags                   map[string]string // Lambent's settings of the function
	Environment            map[string]string
}

// activeLimit bounds the wait until a function is active.
const activeLimit = time.Minute

// Deploy creates a function and waits until it is active.
func (s *Server) Deploy(ctx context.Context, f Function) error {
	if err := s.Create(ctx, f); err != nil {
		return err
	}
	waiter := lambda.NewFunctionActiveV2Waiter(s.api, func(o *lambda.FunctionActiveV2WaiterOptions) {
		o.MinDelay, o.MaxDelay = 5*time.Millisecond, 200*time.Millisecond
	})
	if err := waiter.Wait(ctx, &lambda.GetFunctionInput{FunctionName: &f.Name}, activeLimit); err != nil {
		return fmt.Errorf("waiting for %s: %w", f.Name, err)
	}
	if f.Reserved == 0 {
		return nil
	}
	_, err := s.api.PutFunctionConcurrency(ctx, &lambda.PutFunctionConcurrencyInput{
		FunctionName: &f.Name, ReservedConcurrentExecutions: &f.Reserved,
	})
	if err != nil {
		return fmt.Errorf("reserving concurrency for %s: %w", f.Name, err)
	}
	return nil
}

// Create creates a function and does not wait.
func (s *Server) Create(ctx context.Context, f Function) error {
	memory := f.Memory
	if memory == 0 {
		memory = 128
	}
	var environment *types.Environment
	if len(f.Environment) > 0 {
		environment = &types.Environment{Variables: f.Environment}
	}
	_, err := s.api.CreateFunction(ctx, &lambda.CreateFunctionInput{
		FunctionName: &f.Name, Runtime: types.Runtime(f.Runtime), Handler: &f.Handler, MemorySize: &memory,
		Role: aws.String("arn:aws:iam::000000000000:role/bench"), Timeout: aws.Int32(60),
		Code: &types.FunctionCode{ZipFile: f.Zip}, Tags: f.Tags, Environment: environment,
	})
	if err != nil {
		return fmt.Errorf("creating %s: %w", f.Name, err)
	}
	return nil
}
