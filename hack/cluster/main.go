// Command cluster makes real Kubernetes for the demo and the tests on whatever machine it finds itself: see README.md
// one folder up. Its own output goes to standard error; standard output carries only what was asked for.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"qiantang.dev/rails/hack/internal/progress"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	say := progress.New(os.Stderr, time.Now)
	if err := root(say).ExecuteContext(ctx); err != nil {
		_, _ = fmt.Fprintf(os.Stderr, "cluster: %v\n", err)
		os.Exit(1)
	}
}
