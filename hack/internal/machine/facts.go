package machine

import (
	"fmt"
	"net/netip"
	"os"
	"runtime"
	"strconv"
	"strings"
)

// capSysResource is CAP_SYS_RESOURCE's bit (capability.h). Docker and kind ask for it with --privileged.
const capSysResource = 24

// lastKnownCap is CAP_CHECKPOINT_RESTORE, the highest that runc knows.
const lastKnownCap = 40

// Facts is what the steps need to know.
type Facts struct {
	Root      bool
	Arch      string // as Go calls it
	CgroupV1  bool   // controllers are mounted the old way (also in hybrid mode)
	Bounding  uint64 // capabilities that a process here can have at all
	BootID    string // changes with each boot
	UsedNets  []netip.Prefix
	MemoryMiB int
}

// LacksSysResource says whether a container that asks for CAP_SYS_RESOURCE cannot be started here, nor one whose
// oom_score_adj is below the tool's.
func (f Facts) LacksSysResource() bool { return f.Bounding&(1<<capSysResource) == 0 }

// LacksCapabilities says whether `--privileged`, which asks for every capability, cannot be granted.
func (f Facts) LacksCapabilities() bool {
	const all = 1<<(lastKnownCap+1) - 1
	return f.Bounding&all != all
}

// Detect looks at the machine.
func Detect() (Facts, error) {
	f := Facts{Root: os.Geteuid() == 0, Arch: runtime.GOARCH}
	for _, read := range []struct {
		path string
		take func(string) error
	}{
		{"/proc/self/status", func(s string) (err error) { f.Bounding, err = boundingSet(s); return err }},
		{"/proc/self/mountinfo", func(s string) error { f.CgroupV1 = hasCgroupV1(s); return nil }},
		{"/proc/sys/kernel/random/boot_id", func(s string) error { f.BootID = strings.TrimSpace(s); return nil }},
		{"/proc/net/route", func(s string) (err error) { f.UsedNets, err = routes(s); return err }},
		{"/proc/meminfo", func(s string) (err error) { f.MemoryMiB, err = memory(s); return err }},
	} {
		b, err := os.ReadFile(read.path)
		if err != nil {
			return f, err
		}
		if err := read.take(string(b)); err != nil {
			return f, fmt.Errorf("%s: %w", read.path, err)
		}
	}
	return f, nil
}

// boundingSet reads CapBnd from /proc/PID/status.
func boundingSet(status string) (uint64, error) {
	for line := range strings.Lines(status) {
		if v, ok := strings.CutPrefix(line, "CapBnd:"); ok {
			return strconv.ParseUint(strings.TrimSpace(v), 16, 64)
		}
	}
	return 0, fmt.Errorf("no line CapBnd")
}

// hasCgroupV1 reads from /proc/PID/mountinfo whether the memory or the cpu controller is one of version 1. A hybrid
// machine, with cgroup2 for nothing but names, counts as version 1: kubelet and runc see it so.
func hasCgroupV1(mountinfo string) bool {
	for line := range strings.Lines(mountinfo) {
		_, tail, ok := strings.Cut(line, " - ")
		if !ok {
			continue
		}
		f := strings.Fields(tail) // type, source, options of the superblock
		if len(f) == 3 && f[0] == "cgroup" {
			for o := range strings.SplitSeq(f[2], ",") {
				if o == "memory" || o == "cpu" || o == "pids" {
					return true
				}
			}
		}
	}
	return false
}

// routes reads /proc/net/route: the IPv4 networks that the machine reaches otherwise than by default.
func routes(table string) ([]netip.Prefix, error) {
	var nets []netip.Prefix
	for i, line := range strings.Split(strings.TrimSpace(table), "\n") {
		f := strings.Fields(line)
		if i == 0 || len(f) < 8 { // the first line has the names of the columns
			continue
		}
		dst, err := hexAddr(f[1])
		if err != nil {
			return nil, err
		}
		mask, err := hexAddr(f[7])
		if err != nil {
			return nil, err
		}
		bits := 0
		for _, b := range mask.As4() {
			for ; b != 0; b <<= 1 {
				bits++
			}
		}
		if bits > 0 {
			nets = append(nets, netip.PrefixFrom(dst, bits))
		}
	}
	return nets, nil
}

// hexAddr reads an address as the kernel prints it: hexadecimal, in the machine's byte order, which is little-endian on
// every architecture that kind has.
func hexAddr(s string) (netip.Addr, error) {
	v, err := strconv.ParseUint(s, 16, 32)
	if err != nil {
		return netip.Addr{}, fmt.Errorf("address %q: %w", s, err)
	}
	return netip.AddrFrom4([4]byte{byte(v), byte(v >> 8), byte(v >> 16), byte(v >> 24)}), nil
}

// memory reads MemTotal from /proc/meminfo, in MiB.
func memory(meminfo string) (int, error) {
	for line := range strings.Lines(meminfo) {
		if v, ok := strings.CutPrefix(line, "MemTotal:"); ok {
			kib, err := strconv.Atoi(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(v), "kB")))
			return kib / 1024, err
		}
	}
	return 0, fmt.Errorf("no line MemTotal")
}

// FreeNet picks a /16 out of 10.0.0.0/8 that overlaps no network in use, nor kind's pods (10.244.0.0/16) and services
// (10.96.0.0/16). The search starts high, where few people have theirs.
func FreeNet(used []netip.Prefix) (netip.Prefix, error) {
	for n := 213; n >= 128; n-- {
		p := netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(n), 0, 0}), 16)
		free := true
		for _, u := range used {
			free = free && !u.Overlaps(p)
		}
		if free {
			return p, nil
		}
	}
	return netip.Prefix{}, fmt.Errorf("no free network among 10.128.0.0/16 to 10.213.0.0/16: this machine routes all of them")
}
