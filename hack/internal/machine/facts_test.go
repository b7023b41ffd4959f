package machine

import (
	"net/netip"
	"reflect"
	"testing"
)

func TestDetectReadsThisMachine(t *testing.T) {
	f, err := Detect()
	if err != nil {
		t.Fatal(err)
	}
	if f.Arch == "" || f.BootID == "" || f.MemoryMiB <= 0 {
		t.Errorf("%+v", f)
	}
}

func TestBoundingSetDecidesWhatPrivilegedMeans(t *testing.T) {
	for name, tc := range map[string]struct {
		line           string
		resource, some bool // what it lacks
	}{
		"everything":        {"CapBnd:\t000001ffffffffff", false, false},
		"no SYS_RESOURCE":   {"CapBnd:\t000001fffeffffff", true, true},
		"no SYS_MODULE":     {"CapBnd:\t000001fffffeffff", false, true},
		"a future kernel's": {"CapBnd:\t00000fffffffffff", false, false},
	} {
		t.Run(name, func(t *testing.T) {
			b, err := boundingSet("Name:\tx\nCapEff:\t0\n" + tc.line + "\nCapAmb:\t0\n")
			f := Facts{Bounding: b}
			if err != nil || f.LacksSysResource() != tc.resource || f.LacksCapabilities() != tc.some {
				t.Errorf("%x, %v: lacks SYS_RESOURCE %v, any %v", b, err, f.LacksSysResource(), f.LacksCapabilities())
			}
		})
	}
	for _, bad := range []string{"", "CapBnd:\tx"} {
		if _, err := boundingSet(bad); err == nil {
			t.Errorf("no error for %q", bad)
		}
	}
}

func TestCgroupVersion(t *testing.T) {
	for name, tc := range map[string]struct {
		mounts string
		want   bool
	}{
		"unified": {"30 24 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw,nsdelegate\n", false},
		"legacy":  {"30 24 0:26 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n", true},
		"hybrid with controllers": {"30 24 0:26 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n" +
			"31 24 0:27 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n", true},
		"names only": {"30 24 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n" +
			"31 24 0:27 / /x rw shared:1 - cgroup cgroup rw,name=systemd\n", false},
		"a folder of that name": {"30 24 0:26 / /memory rw - ext4 /dev/cgroup rw,memory\n", false},
		"nonsense":              {"x\n\n", false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := hasCgroupV1(tc.mounts); got != tc.want {
				t.Errorf("got %v", got)
			}
		})
	}
}

func TestRoutes(t *testing.T) {
	const head = "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n"
	got, err := routes(head + "eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n" +
		"eth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n" +
		"tun0\t0000D50A\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0\n")
	want := []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("10.213.0.0/16")}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, %v", got, err)
	}
	for _, bad := range []string{"eth0\tx\t0\t0\t0\t0\t0\t0\n", "eth0\t0\t0\t0\t0\t0\t0\tx\n"} {
		if _, err := routes(head + bad); err == nil {
			t.Errorf("no error for %q", bad)
		}
	}
}

func TestFreeNetOverlapsNothing(t *testing.T) {
	for name, tc := range map[string]struct {
		used []string
		want string
	}{
		"nothing used":  {nil, "10.213.0.0/16"},
		"first taken":   {[]string{"10.213.4.0/24"}, "10.212.0.0/16"},
		"around it":     {[]string{"10.208.0.0/13"}, "10.207.0.0/16"},
		"others' count": {[]string{"192.168.0.0/16"}, "10.213.0.0/16"},
		"all taken":     {[]string{"10.0.0.0/8"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			var used []netip.Prefix
			for _, u := range tc.used {
				used = append(used, netip.MustParsePrefix(u))
			}
			got, err := FreeNet(used)
			if (err != nil) != (tc.want == "") || err == nil && got.String() != tc.want {
				t.Errorf("got %v, %v", got, err)
			}
		})
	}
}

func TestMemory(t *testing.T) {
	if got, err := memory("MemTotal:       24689012 kB\nMemFree: 1 kB\n"); err != nil || got != 24110 {
		t.Errorf("got %d, %v", got, err)
	}
	for _, bad := range []string{"", "MemTotal: many kB\n"} {
		if _, err := memory(bad); err == nil {
			t.Errorf("no error for %q", bad)
		}
	}
}
