package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"qiantang.dev/rails/internal/delivery"
	"qiantang.dev/rails/internal/fx"
	"qiantang.dev/rails/internal/plan"
)

// The bounds within which a kept plan counts.
const (
	// patience is how long the API server is waited for before what was kept is served.
	patience = 10 * time.Second
	// keptFor bounds the time since the API server last took an acknowledgement of the plan: what is older may have been withdrawn since.
	keptFor = 24 * time.Hour
	// confirmEvery is how often the time is noted that the plan is still the one to serve.
	confirmEvery = time.Minute
	// maxKept bounds what is read of the file.
	maxKept = 256 << 20
)

// kept is the last acknowledged plan on the worker's own disk, for a worker that starts again while its API server is away. Credentials are
// never written there: they are read from where the kubelet mounts the region's Secret, in memory, as they were when it last could.
type kept struct {
	file, credentials string
	revision          string
	confirmed         time.Time
}

// save keeps the plan that was acknowledged at now, or notes that it still counts.
func (k *kept) save(r *plan.Region, now time.Time) error {
	if k.file == "" || r.Revision == k.revision && now.Sub(k.confirmed) < confirmEvery {
		return nil
	}
	if r.Revision != k.revision {
		raw, err := json.Marshal(r)
		if err != nil {
			return err
		}
		if err := replace(k.file, raw); err != nil {
			return err
		}
	}
	if err := os.Chtimes(k.file, time.Time{}, now); err != nil {
		return err
	}
	k.revision, k.confirmed = r.Revision, now
	return nil
}

// replace writes a file whole or not at all.
func replace(path string, content []byte) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	_, err = f.Write(content)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// load gives what was kept; a nil plan where nothing was.
func (k *kept) load(now time.Time) (*plan.Region, fx.Credentials, error) {
	if k.file == "" {
		return nil, nil, nil
	}
	info, err := os.Stat(k.file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	if age := now.Sub(info.ModTime()); age > keptFor {
		return nil, nil, fmt.Errorf("%s: was last acknowledged %s ago, more than %s", k.file, age.Round(time.Second), keptFor)
	}
	if info.Size() > maxKept {
		return nil, nil, fmt.Errorf("%s: %d bytes, more than the %d that are read", k.file, info.Size(), maxKept)
	}
	raw, err := os.ReadFile(k.file)
	if err != nil {
		return nil, nil, err
	}
	r, err := plan.Decode(raw)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", k.file, err)
	}
	credentials, err := mounted(k.credentials)
	return r, credentials, err
}

// mounted reads a Secret as a kubelet mounts it: a file a key, and names that begin with two dots for its own use.
func mounted(dir string) (fx.Credentials, error) {
	data := map[string][]byte{}
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), "..") {
			continue
		}
		if data[e.Name()], err = os.ReadFile(filepath.Join(dir, e.Name())); err != nil {
			return nil, err
		}
	}
	return delivery.SplitCredentials(data), nil
}

// takeKept serves what was kept, while the API server is away.
func (a *Agent) takeKept(ctx context.Context) {
	r, credentials, err := a.kept.load(a.Clock.Now())
	if err == nil && r != nil && (r.Name != a.Region || r.Institution != a.Institution) {
		err = fmt.Errorf("the plan is for region %s of %s, this is region %s of %s", r.Name, r.Institution, a.Region, a.Institution)
	}
	if err == nil && r != nil {
		err = a.switchTo(ctx, r, credentials)
	}
	switch {
	case err != nil:
		a.Log.Error(err, "the API server is away, and what was kept cannot be served", "region", a.Region)
	case r == nil:
		a.Log.Info("the API server is away, and no plan was kept: waiting", "region", a.Region)
	default:
		a.Log.Info("the API server is away: serving what was kept", "region", a.Region, "revision", r.Revision)
		a.served = r // secretRV stays empty: the Secret itself is taken as soon as it can be read.
	}
}
