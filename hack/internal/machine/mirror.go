package machine

import (
	"context"
	"strings"

	"qiantang.dev/rails/hack/internal/command"
)

// publicMirror is Debian's own, for machines whose apt names no Debian archive.
const publicMirror = "http://deb.debian.org/debian/"

// DebianMirror is the archive that this machine's apt takes Debian's packages from: it is the one that can be reached
// from here.
func DebianMirror(ctx context.Context) string {
	out, err := command.New("apt-get", "indextargets", "--format", "$(REPO_URI) $(ORIGIN) $(COMPONENT)",
		"Created-By: Packages").Output(ctx)
	if err != nil {
		return publicMirror
	}
	return mirror(out)
}

func mirror(targets string) string {
	for line := range strings.Lines(targets) {
		f := strings.Fields(line)
		if len(f) == 3 && f[1] == "Debian" && f[2] == "main" && !strings.Contains(f[0], "security") {
			return f[0]
		}
	}
	return publicMirror
}
