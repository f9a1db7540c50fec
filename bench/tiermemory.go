package bench

import (
	"context"
	"fmt"
	"time"

	"lambent.dev/lambent/bench/lambent"
)

// Instances are started in batches: those of one share what memory they need together, and of
// the batches the median counts. Where there is no time, fewer are started, and fewer batches.
const (
	idleBatches = 3
	idleOnes    = 5
	idleLeast   = 2
)

// idleCalm is how long memory may wait to be read for a machine that does nothing: what is made ready
// or cleaned up behind an answer is no instance's.
const idleCalm = 500 * time.Millisecond

// memory reads what the processes of the server grow by. One instance of every isolation is there
// before: what all share, and what the server makes once, is not counted.
func (t *tierTurns) memory(ctx context.Context, d time.Duration) ([]Row, error) {
	end := time.Now().Add(d)
	each, failed := map[string][]float64{}, map[string]error{}
	for batch := 0; batch == 0 || batch < idleBatches && time.Now().Before(end); batch++ {
		for _, tier := range Tiers() {
			if failed[tier] != nil {
				continue
			}
			grown, err := t.batch(ctx, tier, batch, end)
			if err != nil && ctx.Err() != nil {
				err = context.Cause(ctx)
			}
			if failed[tier] = err; err == nil {
				each[tier] = append(each[tier], grown)
			}
		}
	}
	return idleRows(each, failed), context.Cause(ctx)
}

func idleRows(each map[string][]float64, failed map[string]error) []Row {
	rows := make([]Row, 0, len(Tiers()))
	for _, tier := range Tiers() {
		row := memoryRow(tierRow(tier, TierIdle), "an instance has answered one request", each[tier], 0)
		if err := failed[tier]; err != nil && len(each[tier]) == 0 {
			row.Missing = oneLine(err.Error())
		}
		rows = append(rows, row)
	}
	return rows
}

// batch is by how many MB each instance of a batch makes the server's processes grow. Its own
// is left out: its heap rises and falls with its garbage by as much as an instance.
func (t *tierTurns) batch(ctx context.Context, tier string, batch int, end time.Time) (float64, error) {
	if err := t.failedIn(tier); err != nil {
		return 0, err
	}
	before, err := calmMemory(ctx, t.stays.Server)
	if err != nil {
		return 0, err
	}
	n := 0
	for ; n < idleLeast || n < idleOnes && time.Now().Before(end); n++ {
		if err := t.ask(ctx, t.stays, tier, fmt.Sprintf("%s-%d-%d", tier, batch, n)); err != nil {
			return 0, err
		}
	}
	after, err := calmMemory(ctx, t.stays.Server)
	return kib * float64(after.PSS-before.PSS) / float64(n), err
}

func calmMemory(ctx context.Context, srv *lambent.Server) (lambent.Memory, error) {
	if err := calmDown(ctx, idleCalm); err != nil {
		return lambent.Memory{}, err
	}
	return srv.Descendants()
}
