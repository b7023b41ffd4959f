// Command qiantang is the operator, the workers, the simulators and the tools in one static binary.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	_ "time/tzdata" // the image has no zone files
)

// version is set when building.
var version = "dev"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := newRootCommand().ExecuteContext(ctx)
	stop()
	if err != nil {
		if !errors.Is(err, errReported) {
			fmt.Fprintln(os.Stderr, "qiantang:", err)
		}
		os.Exit(1)
	}
}

// errReported is returned by commands that have already told the user what is wrong.
var errReported = errors.New("already reported")
