package manifest

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"

	"qiantang.dev/rails/api/v1alpha1"
	"qiantang.dev/rails/internal/compile"
)

// Bounds of what is read, against folders that are something else.
const (
	maxFile  = 64 << 20
	maxFiles = 10000
)

// Bundle is what a folder holds.
type Bundle struct {
	// Snapshot of all resources that an API server would take. Secrets that are referred to but in no file are assumed to exist.
	Snapshot compile.Snapshot
	// Runs are the SettlementRuns.
	Runs []v1alpha1.SettlementRun
	// Secrets are the contents of the Secrets, by name and key.
	Secrets map[string]map[string][]byte
	// Ignored names the documents of other API groups, as "file: apiVersion Kind/name".
	Ignored []string
	// Files says which file each resource came from.
	Files map[compile.Ref]string
}

// loader reads files into a Bundle.
type loader struct {
	Bundle
	schemas  map[string]*kindSchema
	findings []Finding
	// namespaceOf is the file that first named the namespace.
	namespaceOf string
	age         time.Time
}

// Load reads every .yaml, .yml and .json file of a folder and those below it, in the order of their names; or one file. now is when
// the snapshot is taken. The error is about files that cannot be read; what is wrong in them are findings.
func Load(ctx context.Context, dir string, now time.Time) (*Bundle, []Finding, error) {
	known, err := schemas()
	if err != nil {
		return nil, nil, fmt.Errorf("embedded definitions: %w", err)
	}
	files, err := list(dir)
	if err != nil {
		return nil, nil, err
	}
	l := &loader{schemas: known, age: now.Truncate(time.Second).Add(-time.Hour)}
	l.Bundle = Bundle{Secrets: map[string]map[string][]byte{}, Files: map[compile.Ref]string{}, Snapshot: compile.Snapshot{Now: now}}
	for _, file := range files {
		if err := l.file(ctx, dir, file); err != nil {
			return nil, nil, err
		}
	}
	if l.Snapshot.Institution == "" {
		l.Snapshot.Institution = "default"
	}
	l.assumeSecrets()
	sortFindings(l.findings)
	return &l.Bundle, l.findings, nil
}

func list(dir string) ([]string, error) {
	info, err := os.Stat(dir)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return []string{dir}, nil
	}
	var files []string
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && path != dir && strings.HasPrefix(d.Name(), ".") {
			return fs.SkipDir
		}
		switch strings.ToLower(filepath.Ext(path)) {
		case ".yaml", ".yml", ".json":
			if !d.IsDir() && !strings.HasPrefix(d.Name(), ".") {
				files = append(files, path)
			}
		}
		if len(files) > maxFiles {
			return fmt.Errorf("%s: more than %d files", dir, maxFiles)
		}
		return nil
	})
	slices.Sort(files)
	if err == nil && len(files) == 0 {
		err = fmt.Errorf("%s: no .yaml, .yml or .json file in it", dir)
	}
	return files, err
}

func (l *loader) find(file, resource, field, value, format string, args ...any) {
	l.findings = append(l.findings, Finding{File: file, Resource: resource, Field: field, Value: value, Message: fmt.Sprintf(format, args...)})
}

func (l *loader) file(ctx context.Context, dir, path string) error {
	name := path
	if rel, err := filepath.Rel(dir, path); err == nil && rel != "." {
		name = rel
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	if info, err := f.Stat(); err == nil && info.Size() > maxFile {
		return fmt.Errorf("%s: %d bytes, more than the %d that are read", path, info.Size(), maxFile)
	}
	reader := utilyaml.NewYAMLReader(bufio.NewReader(io.LimitReader(f, maxFile)))
	for n := 1; ; n++ {
		doc, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		l.document(ctx, name, n, doc)
	}
}

func (l *loader) document(ctx context.Context, file string, n int, doc []byte) {
	raw, err := yaml.YAMLToJSONStrict(doc)
	if err != nil {
		l.find(file, "", "", "", "document %d is not YAML: %s", n, strings.TrimPrefix(err.Error(), "yaml: "))
		return
	}
	if raw = bytes.TrimSpace(raw); bytes.Equal(raw, []byte("null")) {
		return
	}
	var obj map[string]any
	if err := utiljson.Unmarshal(raw, &obj); err != nil {
		l.find(file, "", "", "", "document %d is no object", n)
		return
	}
	apiVersion, _ := obj["apiVersion"].(string)
	kind, _ := obj["kind"].(string)
	meta, _ := obj["metadata"].(map[string]any)
	name, _ := meta["name"].(string)
	resource := kind + "/" + name
	group, _, _ := strings.Cut(apiVersion, "/")
	switch {
	case apiVersion == "" || kind == "":
		l.find(file, "", "", "", "document %d has no apiVersion or no kind", n)
	case apiVersion == "v1" && kind == "Namespace", group == "kustomize.config.k8s.io":
	case apiVersion == "v1" && kind == "Secret":
		l.secret(file, resource, name, raw)
	case apiVersion == v1alpha1.GroupVersion.String():
		l.resource(ctx, file, resource, kind, name, obj)
	case group == v1alpha1.GroupVersion.Group:
		l.find(file, resource, "apiVersion", apiVersion, "no such version: want %s", v1alpha1.GroupVersion)
	default:
		l.Ignored = append(l.Ignored, fmt.Sprintf("%s: %s %s", file, apiVersion, resource))
	}
}

func (l *loader) resource(ctx context.Context, file, resource, kind, name string, obj map[string]any) {
	k, ok := l.schemas[kind]
	if !ok {
		l.find(file, resource, "kind", kind, "no such kind in %s", v1alpha1.GroupVersion)
		return
	}
	if err := k.ready(); err != nil {
		l.find(file, resource, "", "", "definition of %s: %s", kind, err)
		return
	}
	if !l.metadata(file, resource, kind, name, obj) {
		return
	}
	// An API server takes no status from whoever applies.
	delete(obj, "status")
	before := len(l.findings)
	for _, path := range k.unknown(obj) {
		value, _ := lookup(obj, path)
		l.find(file, resource, path, shown(value), "unknown field")
	}
	for _, e := range k.validate(ctx, obj) {
		l.findings = append(l.findings, fromFieldError(file, resource, e, obj))
	}
	if len(l.findings) > before {
		return
	}
	if err := l.keep(kind, obj); err != nil {
		l.find(file, resource, "", "", "%s", err)
	}
}

// metadata checks what an API server checks of any object: name, namespace, and that the file does not name it twice.
func (l *loader) metadata(file, resource, kind, name string, obj map[string]any) bool {
	if name == "" {
		l.find(file, resource, "metadata.name", "", "required")
		return false
	}
	for _, problem := range apivalidation.NameIsDNSSubdomain(name, false) {
		l.find(file, resource, "metadata.name", name, "%s", problem)
		return false
	}
	if ns, ok := lookup(obj, "metadata.namespace"); ok {
		s, _ := ns.(string)
		switch {
		case l.Snapshot.Institution == "":
			l.Snapshot.Institution, l.namespaceOf = s, file
		case l.Snapshot.Institution != s:
			l.find(file, resource, "metadata.namespace", s, "%s has namespace %q: a folder is one institution's", l.namespaceOf, l.Snapshot.Institution)
			return false
		}
	}
	ref := compile.Ref{Kind: kind, Name: name}
	if first, twice := l.Files[ref]; twice {
		l.find(file, resource, "metadata.name", name, "is in %s already", first)
		return false
	}
	l.Files[ref] = file
	return true
}

// keep adds a valid resource to the snapshot. What is earlier in the files counts as older.
func (l *loader) keep(kind string, obj map[string]any) error {
	b, err := json.Marshal(obj)
	if err != nil {
		return err
	}
	s := &l.Snapshot
	switch kind {
	case compile.KindRegion:
		return appended(l, b, &s.Regions)
	case compile.KindRail:
		return appended(l, b, &s.Rails)
	case compile.KindProvider:
		return appended(l, b, &s.Providers)
	case compile.KindCorridor:
		return appended(l, b, &s.Corridors)
	case compile.KindSchedule:
		return appended(l, b, &s.Schedules)
	case compile.KindParticipant:
		return appended(l, b, &s.Participants)
	case compile.KindCalendar:
		return appended(l, b, &s.Calendars)
	case compile.KindRun:
		return appended(l, b, &l.Runs)
	}
	return fmt.Errorf("kind %s is known to the definitions alone", kind)
}

func (l *loader) secret(file, resource, name string, raw []byte) {
	var s struct {
		Data       map[string]string `json:"data"`
		StringData map[string]string `json:"stringData"`
	}
	if err := json.Unmarshal(raw, &s); err != nil {
		// The decoder's own words could show what the Secret holds.
		l.find(file, resource, "data", "", "data and stringData must be text by key")
		return
	}
	out := map[string][]byte{}
	for k, v := range s.Data {
		b, err := base64.StdEncoding.DecodeString(v)
		if err != nil {
			l.find(file, resource, "data."+k, "", "is not base64")
			return
		}
		out[k] = b
	}
	for k, v := range s.StringData {
		out[k] = []byte(v)
	}
	l.Secrets[name] = out
}
