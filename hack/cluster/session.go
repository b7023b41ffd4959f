package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"qiantang.dev/rails/hack/internal/build"
	"qiantang.dev/rails/hack/internal/cache"
	"qiantang.dev/rails/hack/internal/engine"
	"qiantang.dev/rails/hack/internal/kind"
	"qiantang.dev/rails/hack/internal/machine"
	"qiantang.dev/rails/hack/internal/nodeimage"
	"qiantang.dev/rails/hack/internal/progress"
	"qiantang.dev/rails/hack/internal/record"
)

// session is what every command that touches clusters works with. It holds the lock on what runs.
type session struct {
	cache   cache.Dir
	say     *progress.Printer
	record  *record.Store
	facts   machine.Facts
	builder *build.Builder
	own     build.Own
	release func()
}

func open(say *progress.Printer) (*session, error) {
	if err := machine.ExtendPath(); err != nil {
		return nil, err
	}
	s := &session{say: say}
	var err error
	if s.facts, err = machine.Detect(); err != nil {
		return nil, err
	}
	if s.cache, err = cache.Locate(os.Getenv); err != nil {
		return nil, err
	}
	here, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	if s.own, err = build.OwnPrograms(here); err != nil {
		return nil, err
	}
	s.builder = &build.Builder{Cache: s.cache, Say: say}
	if s.release, err = s.cache.Lock("run"); err != nil {
		return nil, err
	}
	if s.record, err = record.Open(s.cache); err != nil {
		s.release()
		return nil, err
	}
	return s, nil
}

func (s *session) close() { s.release() }

func (s *session) private() *engine.Private {
	return &engine.Private{Cache: s.cache, Say: s.say, Record: s.record, Facts: s.facts,
		Runcfit: s.builder.Path(s.own.Runcfit), Nxdomain: s.builder.Path(s.own.Nxdomain)}
}

// running finds the Docker that the record speaks of, without starting one: the private one that runs, else the
// machine's.
func (s *session) running(ctx context.Context) (engine.Docker, bool) {
	if s.record.State().Docker != nil {
		return s.private().Running(ctx)
	}
	d := engine.Docker{Host: os.Getenv("DOCKER_HOST")}
	return d, d.Answers(ctx)
}

// docker provides a Docker: the one in use, the machine's, or a private one that is started.
func (s *session) docker(ctx context.Context) (engine.Docker, error) {
	if d, ok := s.running(ctx); ok {
		return d, nil
	}
	if err := s.installDocker(ctx); err != nil {
		return engine.Docker{}, err
	}
	if err := s.builder.Ensure(ctx, s.own.Runcfit, s.own.Nxdomain); err != nil {
		return engine.Docker{}, err
	}
	return s.private().Up(ctx)
}

func (s *session) installDocker(ctx context.Context) error {
	s.say.Say("  no Docker answers here, so a private one is used")
	if err := machine.Install(ctx, s.say, s.facts.Root, machine.DockerNeeds, s.cache.Log("apt")); err != nil {
		return err
	}
	if !s.facts.Root {
		return errors.New("no Docker answers for this user, and a private one takes root: let Docker answer (start it, and join the group docker), or run this again as root")
	}
	return nil
}

func (s *session) images(d engine.Docker) *nodeimage.Provider {
	return &nodeimage.Provider{Cache: s.cache, Say: s.say, Builder: s.builder, Own: s.own, Facts: s.facts, Docker: d}
}

func (s *session) clusters(d engine.Docker) *kind.Manager {
	return &kind.Manager{Cache: s.cache, Say: s.say, Record: s.record, Docker: d, Program: s.builder.Path(build.KindBin),
		Settings: s.private().RestoreSysctls}
}

// publish writes clusters.json, for scripts and for people.
func (s *session) publish(d engine.Docker) error {
	b, err := s.public(d)
	if err != nil {
		return err
	}
	return cache.WriteFile(s.cache.Run("clusters.json"), b, 0o644)
}

func (s *session) public(d engine.Docker) ([]byte, error) {
	p := record.Public{DockerHost: d.Host, Kind: s.builder.Path(build.KindBin), Clusters: s.record.State().Clusters}
	if p.Clusters == nil {
		p.Clusters = []record.Cluster{}
	}
	if k := s.builder.Path(build.Kubectl); cache.Exists(k) {
		p.Kubectl = k
	}
	b, err := json.MarshalIndent(p, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("clusters.json: %w", err)
	}
	return append(b, '\n'), nil
}
