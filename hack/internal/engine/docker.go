package engine

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"qiantang.dev/rails/hack/internal/command"
)

// answerTimeout bounds how long a Docker may take to say that it is there.
const answerTimeout = 10 * time.Second

// Docker is a Docker to work with.
type Docker struct {
	Host string // value of DOCKER_HOST; empty is the client's own default

	// APIAddress is where clusters publish their API for this machine: the private Docker's own address. It is zero
	// for the machine's Docker, where kind's default serves.
	APIAddress netip.Addr
}

// Private says whether it is the tool's own.
func (d Docker) Private() bool { return d.APIAddress.IsValid() }

// Env is what docker and kind need in their environment to find it.
func (d Docker) Env() []string {
	if d.Host == "" {
		return nil
	}
	return []string{"DOCKER_HOST=" + d.Host}
}

// Cmd is a docker command against it.
func (d Docker) Cmd(args ...string) command.Cmd {
	return command.New("docker", args...).WithEnv(d.Env()...)
}

// Answers says whether the daemon is there.
func (d Docker) Answers(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	out, err := d.Cmd("info", "--format", "{{.ServerVersion}}").Output(ctx)
	return err == nil && strings.TrimSpace(out) != ""
}

// HasImage says whether an image is there.
func (d Docker) HasImage(ctx context.Context, ref string) bool {
	_, err := d.Cmd("image", "inspect", "--format", "{{.Id}}", ref).Output(ctx)
	return err == nil
}

// ImagesOf lists the names of all images of a repository.
func (d Docker) ImagesOf(ctx context.Context, repository string) ([]string, error) {
	out, err := d.Cmd("image", "ls", "--format", "{{.Repository}}:{{.Tag}}", repository).Output(ctx)
	return strings.Fields(out), err
}

// Running says whether a container of that name runs.
func (d Docker) Running(ctx context.Context, container string) bool {
	out, err := d.Cmd("container", "inspect", "--format", "{{.State.Running}}", container).Output(ctx)
	return err == nil && strings.TrimSpace(out) == "true"
}

// Address is a container's address in Docker's network of that name.
func (d Docker) Address(ctx context.Context, container, network string) (netip.Addr, error) {
	out, err := d.Cmd("container", "inspect", "--format",
		fmt.Sprintf("{{(index .NetworkSettings.Networks %q).IPAddress}}", network), container).Output(ctx)
	if err != nil {
		return netip.Addr{}, err
	}
	a, err := netip.ParseAddr(strings.TrimSpace(out))
	if err != nil {
		return netip.Addr{}, fmt.Errorf("address of container %s in network %s: %w", container, network, err)
	}
	return a, nil
}
