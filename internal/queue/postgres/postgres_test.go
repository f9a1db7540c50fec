package postgres_test

import (
	"context"
	"errors"
	"testing"

	"lambent.dev/lambent/internal/queue"
	"lambent.dev/lambent/internal/queue/postgres"
	"lambent.dev/lambent/internal/queue/queuetest"
	storepostgres "lambent.dev/lambent/internal/store/postgres"
	"lambent.dev/lambent/internal/store/postgrestest"
	"lambent.dev/lambent/internal/store/storetest"
)

func place(dsn string) queuetest.Place {
	return func(ctx context.Context, epoch int64) (queue.Queue, error) {
		q, err := postgres.Open(ctx, dsn, epoch)
		if err != nil {
			return nil, err // not a nil pointer in an interface
		}
		return q, nil
	}
}

// One server for all: it takes longer to start than the tests take.
func TestPostgres(t *testing.T) {
	server := postgrestest.Start(t)
	t.Run("Suite", func(t *testing.T) {
		queuetest.Run(t, func(t *testing.T) queuetest.Place { return place(server.Database(t)) })
	})
	t.Run("BesideTheStore", func(t *testing.T) { testBesideTheStore(t, server.Database(t)) })
}

// Store and queue share a database, in whichever order they come.
func testBesideTheStore(t *testing.T, dsn string) {
	for range 2 {
		s, err := storepostgres.Open(t.Context(), dsn, storetest.Key(1))
		if err != nil {
			t.Fatal(err)
		}
		epoch, err := s.NextEpoch(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		q, err := postgres.Open(t.Context(), dsn, epoch)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(q.Close(), s.Close()); err != nil {
			t.Fatal(err)
		}
	}
}

// The server of the tests does not sync its disk: these figures leave that out.
func BenchmarkQueue(b *testing.B) {
	server := postgrestest.Start(b)
	queuetest.Bench(b, func(b *testing.B) queuetest.Place { return place(server.Database(b)) })
}
