package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"time"
)

func main() {
	c := config{logf: func(format string, args ...any) {
		fmt.Printf("%s "+format+"\n", append([]any{time.Now().UTC().Format(time.TimeOnly)}, args...)...)
	}}
	flag.StringVar(&c.program, "qiantang", "bin/qiantang", "the program that is router and simulator")
	flag.IntVar(&c.payments, "payments", 100_000, "how many payments")
	flag.IntVar(&c.senders, "senders", 64, "how many send them")
	flag.DurationVar(&c.killEvery, "kill-every", 5*time.Second, "how long the router lives once it is ready")
	flag.DurationVar(&c.outage, "outage", 2*time.Second, "how long a provider is away, and then all are there")
	flag.DurationVar(&c.patience, "patience", time.Hour, "how long all may take")
	flag.StringVar(&c.between, "between", "", "a currency that every payment goes by, such as HKD (default: none)")
	flag.StringVar(&c.dir, "dir", "", "folder for ledger and keys, kept (default: a temporary one, removed at the end)")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	f, err := run(ctx, c)
	if f != nil {
		c.logf("%s", f)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "soak:", err)
		os.Exit(1)
	}
}
