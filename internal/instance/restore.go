package instance

import (
	"context"
	"errors"
	"fmt"
	"time"

	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/receipt"
	"lambent.dev/lambent/internal/runtimeapi"
)

// restoreLimit bounds a restore with the function's hooks. Source: AWS Lambda Developer
// Guide, "Implement code before or after Lambda function snapshots".
const restoreLimit = 10 * time.Second

var errRestoreTimeout = errors.New("the function's hooks after the restore took too long")

// typeRestoreTimeout is the error type of a restore that took too long. Source: the runtime
// interface emulator, package fatalerror.
const typeRestoreTimeout = "Runtime.RestoreHookUserTimeout"

// restoreReport is what RESTORE_REPORT and REPORT show of a restore. The zero value is none.
type restoreReport struct {
	at        time.Time
	took      time.Duration // with the thaw, until the hooks had run
	hooks     time.Duration
	errorType string // "" = none
}

// billed is what AWS would bill of a restore: what the hooks took, in whole milliseconds.
func (r restoreReport) billed() int64 { return wholeMilliseconds(r.hooks) }

// status is what RESTORE_REPORT shows.
func (r restoreReport) status() string {
	switch r.errorType {
	case "":
		return "success"
	case typeRestoreTimeout:
		return "timeout"
	}
	return "error"
}

func (r restoreReport) addStatus(of fields) {
	of["status"] = r.status()
	if r.errorType != "" {
		of["errorType"] = r.errorType
	}
}

// awaken readies an idle instance for the invocation, before the time of the function
// counts: it is thawed, and restored by its first one.
func (c *call) awaken() error {
	if c.i.frozen.Load() {
		if err := c.thaw(); err != nil {
			return err
		}
	}
	l := c.i.life.Load()
	if !c.i.target.SnapStarts() || l == nil || l.restored || l.ended() {
		return nil // or the runtime is started again, and restored then
	}
	c.marks.lap(&c.receipt, receipt.Sandbox, time.Now())
	if err := c.restore(l, c.began); err != nil {
		return err
	}
	c.marks.lap(&c.receipt, receipt.Init, time.Now())
	c.receipt.Start, c.began = receipt.Restore, time.Now()
	return nil
}

func (c *call) thaw() error {
	ctx, cancel := context.WithTimeoutCause(context.Background(), c.limit(), errTimeout)
	defer cancel()
	err := c.i.thaw(ctx)
	if err != nil {
		c.i.giveUp(err)
		err = fmt.Errorf("%w: %w", ErrGone, err)
	}
	return err
}

// restore has the function's hooks run in a runtime that waits initialised. An error is
// the caller's, and the instance has ended. A runtime that had ended before is none: it is
// found so, and started again.
func (c *call) restore(l *life, since time.Time) error {
	ctx, cancel := context.WithTimeoutCause(context.Background(), restoreLimit, errRestoreTimeout)
	defer cancel()
	c.i.log.restoreStart(c.i.target, c.i.stream)
	restored, err := l.session.Restore(ctx)
	l.restored = true
	now := time.Now()
	c.restored = restoreReport{at: now, took: now.Sub(since), hooks: restored.Took, errorType: restoreFault(restored, err)}
	c.i.log.restoreReport(c.restored)
	if c.restored.errorType == "" || !restored.Asked {
		return nil
	}
	refused := restoreError(c.restored.errorType)
	_ = c.i.end(context.Background(), refused) // shown by Err
	return refused
}

// restoreFault is the error type of a restore, "" for one that went well.
func restoreFault(r runtimeapi.Restored, err error) string {
	switch {
	case errors.Is(err, errRestoreTimeout):
		return typeRestoreTimeout
	case err != nil:
		return typeExit
	case r.Error != nil:
		return r.Error.Type
	}
	return ""
}

// restoreError is what the caller of an invocation is told. Source: AWS Lambda API
// reference, Invoke.
func restoreError(errorType string) error {
	if errorType == typeRestoreTimeout {
		return lambda.NewError(lambda.ErrSnapStartTimeout, "Lambda couldn't restore the snapshot within the timeout limit.")
	}
	return lambda.NewError(lambda.ErrSnapStart,
		"The afterRestore() runtime hook encountered an error (%s). For more information, check the Amazon CloudWatch logs.", oneLine(errorType))
}
