package engine

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"time"

	"qiantang.dev/rails/hack/internal/cache"
	"qiantang.dev/rails/hack/internal/daemon"
	"qiantang.dev/rails/hack/internal/machine"
	"qiantang.dev/rails/hack/internal/progress"
	"qiantang.dev/rails/hack/internal/record"
)

// startTimeout bounds how long containerd or dockerd may take to answer. With much in its data folder dockerd takes
// seconds on a busy machine.
const startTimeout = 60 * time.Second

// Private is the tool's own Docker.
type Private struct {
	Cache    cache.Dir
	Say      *progress.Printer
	Record   *record.Store
	Facts    machine.Facts
	Runcfit  string // path of the program
	Nxdomain string // path of the program
}

func (p *Private) files() files { return files{p.Cache} }

// Docker describes the private Docker of a record.
func (p *Private) Docker(d record.Docker) (Docker, error) {
	plan, err := NewPlan(d.Net)
	if err != nil {
		return Docker{}, err
	}
	return Docker{Host: "unix://" + p.files().dockerSocket(), APIAddress: plan.Inner.Addr()}, nil
}

// Running says whether the record has a private Docker of this boot that answers.
func (p *Private) Running(ctx context.Context) (Docker, bool) {
	s := p.Record.State()
	if s.Docker == nil || s.BootID != p.Facts.BootID {
		return Docker{}, false
	}
	d, err := p.Docker(*s.Docker)
	return d, err == nil && d.Answers(ctx)
}

// Up starts what does not run yet.
func (p *Private) Up(ctx context.Context) (Docker, error) {
	for _, s := range []string{p.files().containerdSocket(), p.files().dockerSocket()} {
		if err := cache.CheckSocket(s); err != nil {
			return Docker{}, err
		}
	}
	if err := p.begin(); err != nil {
		return Docker{}, err
	}
	rec := *p.Record.State().Docker
	plan, err := NewPlan(rec.Net)
	if err != nil {
		return Docker{}, err
	}
	if !rec.NetworkReady {
		if err := p.makeNetwork(ctx, plan); err != nil {
			return Docker{}, err
		}
	}
	if err := p.configure(plan); err != nil {
		return Docker{}, err
	}
	if err := p.startAll(ctx, plan); err != nil {
		return Docker{}, err
	}
	if err := p.firewall(ctx, plan); err != nil {
		return Docker{}, err
	}
	d, err := p.Docker(rec)
	if err != nil {
		return Docker{}, err
	}
	if len(p.Record.State().Clusters) == 0 {
		// What is there nonetheless is of a Docker that was killed, or of another boot.
		return d, removeContainers(ctx, d)
	}
	return d, nil
}

// begin opens the record of a private Docker, with the machine's settings as they are before it.
func (p *Private) begin() error {
	s := p.Record.State()
	if s.Docker != nil && s.BootID == p.Facts.BootID {
		return nil
	}
	// Of another boot nothing is left but files: processes, namespaces and settings went with it.
	free, err := machine.FreeNet(p.Facts.UsedNets)
	if err != nil {
		return err
	}
	d := &record.Docker{
		Net:          free,
		MadeNetnsDir: !cache.Exists(netnsDir),
		Litter:       absent(litter("/")),
	}
	if cache.Exists(netnsPath) {
		return fmt.Errorf("network namespace %q exists and is not recorded in %s: another cache's `cluster up` made it; take that one down first",
			Namespace, p.Cache.Run())
	}
	if d.Sysctls, err = readSysctls(sysctlDir); err != nil {
		return err
	}
	if d.CgroupsBefore, err = cgroups(); err != nil {
		return err
	}
	return p.Record.Update(func(s *record.State) {
		if s.BootID != p.Facts.BootID {
			s.Clusters = nil
		}
		s.BootID, s.Docker = p.Facts.BootID, d
	})
}

func (p *Private) configure(plan Plan) error {
	fit := ""
	if p.Facts.LacksCapabilities() {
		fit = p.Runcfit
	}
	f := p.files()
	b, err := f.daemonJSON(plan, fit)
	if err != nil {
		return err
	}
	if err := cache.WriteFile(f.dockerConfig(), b, 0o644); err != nil {
		return err
	}
	return cache.WriteFile(f.containerdConfig(), []byte(f.containerdToml()), 0o644)
}

// startAll starts the DNS server, containerd and dockerd in the namespace, each if it does not run.
func (p *Private) startAll(ctx context.Context, plan Plan) error {
	f := p.files()
	d, err := p.Docker(*p.Record.State().Docker)
	if err != nil {
		return err
	}
	dns := netip.AddrPortFrom(plan.Inner.Addr(), dnsPort).String()
	for _, s := range []struct {
		name  string
		argv  []string
		ready func() bool
	}{
		{"nxdomain", []string{p.Nxdomain, dns}, func() bool { return true }},
		{"containerd", []string{"containerd", "--config", f.containerdConfig()}, func() bool { return listens(f.containerdSocket()) }},
		{"dockerd", []string{"dockerd", "--config-file", f.dockerConfig()}, func() bool { return d.Answers(ctx) }},
	} {
		if have, ok := p.Record.State().Docker.Process(s.name); ok && daemon.Alive(have) {
			continue
		}
		// One that was killed has left it, and dockerd does not start while the process it names can be seen, be it
		// only because nobody has taken note of its end.
		if err := os.RemoveAll(f.dockerPID()); err != nil {
			return err
		}
		err := p.Say.Step("starting a private "+s.name, "", func() error { return p.start(ctx, s.name, s.argv, s.ready) })
		if err != nil {
			return err
		}
	}
	return nil
}

func (p *Private) start(ctx context.Context, name string, argv []string, ready func() bool) error {
	program, err := exec.LookPath(argv[0])
	if err != nil {
		return err
	}
	log := p.Cache.Log(name)
	// nsenter, not `ip netns exec`: that one mounts a fresh /sys, which hides the cgroups.
	proc, err := daemon.Start(name, log, append([]string{"nsenter", "--net=" + netnsPath, program}, argv[1:]...)...)
	if err != nil {
		return err
	}
	if err := p.Record.Update(func(s *record.State) { s.Docker.PutProcess(proc) }); err != nil {
		return errors.Join(err, daemon.Stop(ctx, proc))
	}
	ended := false
	err = daemon.Until(ctx, startTimeout, func() bool {
		ended = !daemon.Alive(proc)
		return ended || ready()
	})
	if ended {
		return fmt.Errorf("%s has ended, see %s", name, log)
	}
	if err != nil {
		return fmt.Errorf("%s does not answer, see %s: %w", name, log, err)
	}
	return nil
}

func listens(socket string) bool {
	c, err := (&net.Dialer{Timeout: time.Second}).DialContext(context.Background(), "unix", socket)
	if err != nil {
		return false
	}
	return c.Close() == nil
}

// Down removes everything that the record has of the private Docker, containers included, and forgets it. Built images
// stay in its data folder.
func (p *Private) Down(ctx context.Context) error {
	s := p.Record.State()
	if s.Docker == nil {
		return nil
	}
	if s.BootID != p.Facts.BootID {
		return p.Record.Update(func(s *record.State) { s.Docker = nil })
	}
	return p.Say.Step("stopping the private Docker", "", func() error {
		if d, ok := p.Running(ctx); ok {
			if err := removeContainers(ctx, d); err != nil {
				return err
			}
		}
		for i := len(s.Docker.Processes) - 1; i >= 0; i-- {
			if err := daemon.Stop(ctx, s.Docker.Processes[i]); err != nil {
				return err
			}
		}
		for _, step := range []func() error{
			func() error { return p.stopOrphans(ctx) },
			func() error { return machine.UnmountBelow(p.Cache.Path("docker")) },
			func() error { return machine.UnmountBelow(p.Cache.Run()) },
			func() error { return removeNetwork(ctx, *s.Docker) },
			func() error { return removeCgroups(ctx, s.Docker.CgroupsBefore) },
			func() error { return removeLitter(s.Docker.Litter) },
			func() error { return writeSysctls(sysctlDir, s.Docker.Sysctls) },
			p.removeRunFiles,
		} {
			if err := step(); err != nil {
				return err
			}
		}
		return p.Record.Update(func(s *record.State) { s.Docker = nil })
	})
}

// removeContainers removes all containers and their volumes: in the private Docker all are the tool's.
func removeContainers(ctx context.Context, d Docker) error {
	out, err := d.Cmd("ps", "--all", "--quiet").Output(ctx)
	if err != nil {
		return err
	}
	ids := fields(out)
	if len(ids) == 0 {
		return nil
	}
	return d.Cmd(append([]string{"rm", "--force", "--volumes"}, ids...)...).Run(ctx)
}

// stopOrphans ends what a crashed containerd has left: its shims, known by their socket's path, and whatever runs in
// the cgroup that only this Docker's containers are in.
func (p *Private) stopOrphans(ctx context.Context) error {
	orphans, err := daemon.WithArgument("containerd-shim-runc-v2", p.files().containerdSocket())
	if err != nil {
		return err
	}
	before := p.Record.State().Docker.CgroupsBefore
	contained, err := processesIn(before)
	if err != nil {
		return err
	}
	return daemon.Kill(ctx, append(orphans, contained...))
}

func (p *Private) removeRunFiles() error {
	f := p.files()
	for _, path := range []string{f.containerdSocket(), f.containerdSocket() + ".ttrpc", f.dockerSocket(), f.containerdConfig(),
		f.dockerConfig(), p.Cache.Run("containerd"), p.Cache.Run("docker"), f.dockerPID()} {
		if err := os.RemoveAll(path); err != nil {
			return err
		}
	}
	return nil
}
