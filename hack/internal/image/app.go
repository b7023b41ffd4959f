package image

import (
	"debug/elf"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// user is who the operator and the workers run as; it is the number that distroless images made customary.
const user = 65532

// hostCerts are the places where distributions keep their bundle of certificate authorities.
var hostCerts = []string{"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"}

const imageCerts = "/etc/ssl/certs/ca-certificates.crt"

// App describes an image with one static program on an empty base.
type App struct {
	Ref    string   // NAME:TAG
	Binary string   // static program, for this machine's architecture
	Files  []string // further files, SOURCE:/PATH/IN/IMAGE
}

// Build makes the image: the program as /qiantang and entrypoint, run by a user without rights, with an empty /tmp that
// everybody may write to and this machine's certificate authorities, if it has any.
func (a App) Build() (Image, error) {
	if err := checkStatic(a.Binary); err != nil {
		return Image{}, err
	}
	base := []Entry{
		{Path: "/tmp", Mode: 0o1777, Dir: true},
		{Path: "/etc/passwd", Mode: 0o644, Content: fmt.Appendf(nil, "root:x:0:0:root:/:/sbin/nologin\nqiantang:x:%d:%[1]d::/:/sbin/nologin\n", user)},
		{Path: "/etc/group", Mode: 0o644, Content: fmt.Appendf(nil, "root:x:0:\nqiantang:x:%d:\n", user)},
	}
	certs, err := firstOf(hostCerts)
	if err != nil {
		return Image{}, err
	}
	if certs != "" {
		base = append(base, Entry{Path: imageCerts, Mode: 0o644, Source: certs})
	}
	files, err := entries(a.Files)
	if err != nil {
		return Image{}, err
	}
	lower, err := Layer(base...)
	if err != nil {
		return Image{}, err
	}
	upper, err := Layer(append(files, Entry{Path: "/qiantang", Mode: 0o755, Source: a.Binary})...)
	if err != nil {
		return Image{}, err
	}
	// The certificates come first: they change seldom, so that a rebuilt program is one new layer.
	return New(a.Ref, v1.Config{
		User:       fmt.Sprintf("%d:%[1]d", user),
		Entrypoint: []string{"/qiantang"},
		WorkingDir: "/",
		Env:        []string{searchPath, "SSL_CERT_FILE=" + imageCerts},
	}, lower, upper)
}

// checkStatic refuses a program that an empty base cannot run: one for another system, or one that loads libraries.
func checkStatic(path string) error {
	f, err := elf.Open(path)
	if err != nil {
		return fmt.Errorf("%s is no Linux program: %w", path, err)
	}
	defer func() { _ = f.Close() }()
	if f.Section(".interp") != nil {
		return fmt.Errorf("%s is not static: build it with CGO_ENABLED=0", path)
	}
	return nil
}

func firstOf(paths []string) (string, error) {
	for _, p := range paths {
		_, err := os.Stat(p)
		if err == nil {
			return p, nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
	}
	return "", nil
}

// entries reads SOURCE:/PATH pairs. A program stays executable; other files are readable by all.
func entries(pairs []string) ([]Entry, error) {
	var list []Entry
	for _, p := range pairs {
		src, dst, ok := strings.Cut(p, ":")
		if !ok || src == "" || !strings.HasPrefix(dst, "/") {
			return nil, fmt.Errorf("file %q: expected SOURCE:/PATH/IN/IMAGE", p)
		}
		fi, err := os.Stat(src)
		if err != nil {
			return nil, err
		}
		if !fi.Mode().IsRegular() {
			return nil, fmt.Errorf("file %q is not a regular file", src)
		}
		mode := int64(0o644)
		if fi.Mode()&0o111 != 0 {
			mode = 0o755
		}
		list = append(list, Entry{Path: dst, Mode: mode, Source: src})
	}
	return list, nil
}

// Program makes an image of one program under its path, on top of further layers, as the parts of a control plane are.
func Program(ref, path, source string, below ...v1.Layer) (Image, error) {
	top, err := Layer(
		Entry{Path: "/tmp", Mode: 0o1777, Dir: true},
		Entry{Path: "/etc/passwd", Mode: 0o644, Content: []byte("root:x:0:0:root:/:/sbin/nologin\nnonroot:x:65532:65532::/:/sbin/nologin\n")},
		Entry{Path: "/etc/group", Mode: 0o644, Content: []byte("root:x:0:\nnonroot:x:65532:\n")},
		Entry{Path: path, Mode: 0o755, Source: source})
	if err != nil {
		return Image{}, err
	}
	return New(ref, v1.Config{Entrypoint: []string{path}, WorkingDir: "/", Env: []string{searchPath}},
		append(append([]v1.Layer(nil), below...), top)...)
}
