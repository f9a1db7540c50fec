package daemon

import (
	"context"
	"errors"
	"fmt"
	"time"

	"lambent.dev/lambent/internal/config"
	"lambent.dev/lambent/internal/event"
	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/queue"
	"lambent.dev/lambent/internal/queue/postgres"
	"lambent.dev/lambent/internal/queue/sqlite"
	"lambent.dev/lambent/internal/telemetry"
)

// countLimit bounds what a look at the metrics may cost.
const countLimit = 5 * time.Second

var errCountTooSlow = errors.New("counting the queue took too long")

// openQueue opens the queue where the store is, for a new epoch. A daemon that has its data
// to itself (lockData) frees what others had taken: all are dead. One that takes over does
// so when those before it have ended (predecessors). Where several share a PostgreSQL
// database, which nothing arbitrates yet, the events that another one runs at this moment
// run twice.
func (d *Daemon) openQueue(ctx context.Context) (err error) {
	if d.epoch, err = d.parts.store.NextEpoch(ctx); err != nil {
		return err
	}
	if d.parts.queue, err = queueOf(ctx, d.cfg, d.epoch); err != nil {
		return fmt.Errorf("opening the queue: %w", err)
	}
	if d.place.from != nil {
		return nil
	}
	if err := d.recoverEvents(ctx); err != nil {
		return errors.Join(err, d.parts.queue.Close())
	}
	return nil
}

// recoverEvents frees the events of all epochs but this one and those alive.
func (d *Daemon) recoverEvents(ctx context.Context, alive ...int64) error {
	n, err := d.parts.queue.Recover(ctx, alive...)
	if n > 0 {
		d.log.Info("events run again that an earlier server had begun", "events", n)
	}
	return err
}

func queueOf(ctx context.Context, cfg config.Config, epoch int64) (queue.Queue, error) {
	if inPostgres(cfg) {
		return postgres.Open(ctx, cfg.Store, epoch)
	}
	return sqlite.Open(ctx, cfg.Data, epoch)
}

// eventSettings leave three quarters of the concurrency and, for functions of the default
// size, of the memory to callers that wait.
func (d *Daemon) eventSettings() event.Settings {
	concurrency := d.cfg.Concurrency / 4
	if budget := memoryBudget(d.cfg.MemoryBudget); budget > 0 {
		concurrency = min(concurrency, budget/4/lambda.DefaultMemory)
	}
	s := event.DefaultSettings(max(1, concurrency))
	s.Log = d.log
	return s
}

func (d *Daemon) closeEvents() error {
	if d.events == nil {
		return nil // opening failed before
	}
	return d.events.Close()
}

// eventCounts is asked when somebody reads the metrics.
func (d *Daemon) eventCounts() telemetry.Events {
	ctx, stop := context.WithTimeoutCause(context.Background(), countLimit, errCountTooSlow)
	defer stop()
	s, err := d.parts.queue.Stats(ctx, event.Group)
	if err != nil {
		d.log.Error("counting the queue", "error", err)
	}
	c := d.events.Counts()
	return telemetry.Events{Accepted: c.Accepted, Ended: c.Ended, Returned: c.Returned, Dropped: c.Dropped, Running: c.Running, Waiting: s.Free}
}
