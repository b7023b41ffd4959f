// Command runcfit is runc for a machine whose bounding set lacks capabilities. runc refuses a container (or an exec)
// that asks for a capability which cannot be given, and `docker run --privileged` asks for all of them; so what cannot
// be given is taken out of the request first. It passes everything else through, arguments and exit code alike.
//
// It stands under the name that Docker or containerd knows as its runtime, and calls the runc of the distribution.
package main

import (
	"fmt"
	"os"
	"syscall"
)

// places are where distributions have runc; /usr/local/sbin is left out, because runcfit itself may lie there as runc.
var places = []string{"/usr/sbin/runc", "/usr/bin/runc"}

func main() {
	// run comes back only where runc could not take this process over.
	_, _ = fmt.Fprintf(os.Stderr, "runcfit: %v\n", run(os.Args))
	os.Exit(1)
}

func run(args []string) error {
	if file := requestFile(args[1:]); file != "" {
		status, err := os.ReadFile("/proc/self/status")
		if err != nil {
			return err
		}
		bounding, err := boundingSet(string(status))
		if err != nil {
			return err
		}
		if err := fitFile(file, bounding); err != nil {
			return err
		}
	}
	for _, p := range places {
		if _, err := os.Stat(p); err == nil {
			return fmt.Errorf("%s: %w", p, syscall.Exec(p, append([]string{p}, args[1:]...), os.Environ()))
		}
	}
	return fmt.Errorf("no runc at any of %q", places)
}
