package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"

	"qiantang.dev/rails/hack/internal/command"
)

// passing runs a program whose progress is for the user's eyes, and returns its standard output.
func passing(ctx context.Context, name string, args ...string) (string, error) {
	var out bytes.Buffer
	c := exec.CommandContext(ctx, name, args...)
	c.Stdout, c.Stderr = &out, os.Stderr
	if err := c.Run(); err != nil {
		return "", fmt.Errorf("%s %s: %w", name, strings.Join(args, " "), err)
	}
	return out.String(), nil
}

// kubectl is a kubectl command against p.
func (d *demo) kubectl(p place, args ...string) command.Cmd {
	if p.Context != "" {
		args = append([]string{"--context", p.Context}, args...)
	}
	return command.New(d.record.Kubectl, append([]string{"--kubeconfig", p.Kubeconfig}, args...)...)
}

// apply server-side applies a manifest that does not lie in a file.
func (d *demo) apply(ctx context.Context, p place, manifest string) error {
	c := d.kubectl(p, "apply", "--server-side", "--field-manager=qiantang-demo", "--force-conflicts", "-f", "-")
	c.In = strings.NewReader(manifest)
	return c.Run(ctx)
}

func fileHash(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer func() { _ = f.Close() }()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil))[:12], nil
}

// places are the different clusters in use.
func (d *demo) places() []place {
	list := []place{d.record.Hub}
	if east := d.record.Regions["us-east"]; east.Kubeconfig != d.record.Hub.Kubeconfig {
		list = append(list, east)
	}
	return list
}
