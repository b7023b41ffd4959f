package machine

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"

	"golang.org/x/sys/unix"
)

// RemoveAll removes a folder that something may still be mounted in: an interrupted debootstrap leaves /proc and /sys
// there. Nothing is removed unless all of that is unmounted, and nothing outside of the folder is touched.
func RemoveAll(dir string) error {
	if err := UnmountBelow(dir); err != nil {
		return err
	}
	return os.RemoveAll(dir)
}

// UnmountBelow unmounts everything that is mounted below a folder, the innermost first. What is mounted on the folder
// itself stays: that was somebody's choice of disk.
func UnmountBelow(dir string) error {
	const rounds = 4 // mounts may lie on top of each other
	for range rounds {
		b, err := os.ReadFile("/proc/self/mountinfo")
		if err != nil {
			return err
		}
		points := mountsBelow(string(b), dir)
		if len(points) == 0 {
			return nil
		}
		for _, p := range points {
			if err := unix.Unmount(p, unix.MNT_DETACH); err != nil && !errors.Is(err, unix.EINVAL) {
				return fmt.Errorf("unmounting %s: %w", p, err)
			}
		}
	}
	return fmt.Errorf("something is still mounted below %s", dir)
}

// mountsBelow reads mount points from /proc/PID/mountinfo, deepest first.
func mountsBelow(mountinfo, dir string) []string {
	dir = filepath.Clean(dir)
	unescape := strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`)
	var points []string
	for line := range strings.Lines(mountinfo) {
		f := strings.Fields(line)
		if len(f) < 5 {
			continue
		}
		p := unescape.Replace(f[4])
		if strings.HasPrefix(p, dir+"/") {
			points = append(points, p)
		}
	}
	sort.Sort(sort.Reverse(sort.StringSlice(points)))
	return points
}
