package cli

import (
	"context"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
)

// upgradeSignal asks a server to let a new one take over; nginx has the same.
const upgradeSignal = syscall.SIGUSR2

// upgradeOnSignal starts this program again with the same arguments, as the file now is, for
// each upgradeSignal until stop. What is started takes over by itself (package daemon), or
// says why not and ends.
func upgradeOnSignal(ctx context.Context, out io.Writer, log *slog.Logger) (stop func()) {
	asked := make(chan os.Signal, 1)
	signal.Notify(asked, upgradeSignal)
	ctx, end := context.WithCancelCause(ctx)
	go func() {
		for {
			select {
			case <-asked:
				startSuccessor(out, log)
			case <-ctx.Done():
				return
			}
		}
	}()
	return func() {
		signal.Stop(asked)
		end(nil)
	}
}

// startSuccessor does not wait: the new process outlives this one, or ends before it.
func startSuccessor(out io.Writer, log *slog.Logger) {
	program, err := os.Executable()
	if err != nil {
		log.Error("finding the program to start", "error", err)
		return
	}
	cmd := exec.Command(program, os.Args[1:]...)
	cmd.Stdout, cmd.Stderr = os.Stdout, out
	if err := cmd.Start(); err != nil {
		log.Error("starting a new server", "error", err)
		return
	}
	log.Info("started a new server to take over", "pid", cmd.Process.Pid)
	go func() {
		if err := cmd.Wait(); err != nil {
			log.Error("the new server has ended", "error", err)
		}
	}()
}
