package record

import (
	"net/netip"
	"os"
	"reflect"
	"testing"

	"qiantang.dev/rails/hack/internal/cache"
)

func TestUpdateIsOnDiskWhenItReturns(t *testing.T) {
	dir := cache.Dir(t.TempDir())
	s, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	err = s.Update(func(s *State) {
		s.BootID = "b"
		s.Docker = &Docker{Net: netip.MustParsePrefix("10.1.0.0/16"), Sysctls: map[string]string{"kernel/panic": "1"}}
		s.Docker.PutProcess(Process{Name: "dockerd", PID: 5, Start: 9})
		s.Put(Cluster{Name: "hub", Made: true})
		s.Put(Cluster{Name: "east"})
		s.Put(Cluster{Name: "hub", Made: true, Ready: true})
	})
	if err != nil {
		t.Fatal(err)
	}
	again, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	got := again.State()
	if !reflect.DeepEqual(got, s.State()) {
		t.Errorf("read %+v, wrote %+v", got, s.State())
	}
	if len(got.Clusters) != 2 || got.Clusters[0].Name != "east" || !got.Clusters[1].Ready {
		t.Errorf("clusters %+v", got.Clusters)
	}
	if p, ok := got.Docker.Process("dockerd"); !ok || p.PID != 5 {
		t.Errorf("process %+v", p)
	}
}

func TestStateIsACopy(t *testing.T) {
	s, err := Open(cache.Dir(t.TempDir()))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Update(func(s *State) {
		s.Put(Cluster{Name: "hub"})
		s.Docker = &Docker{Processes: []Process{{Name: "dockerd", PID: 1}}, Sysctls: map[string]string{"a": "1"}}
	}); err != nil {
		t.Fatal(err)
	}
	c := s.State()
	c.Put(Cluster{Name: "other"})
	c.Clusters[0].Name = "changed"
	c.Docker.PutProcess(Process{Name: "dockerd", PID: 2})
	c.Docker.Sysctls["a"] = "2"
	got := s.State()
	if len(got.Clusters) != 1 || got.Clusters[0].Name != "hub" || got.Docker.Processes[0].PID != 1 || got.Docker.Sysctls["a"] != "1" {
		t.Errorf("the record has changed: %+v %+v", got, got.Docker)
	}
}

func TestAChangeThatCannotBeWrittenIsNotMade(t *testing.T) {
	dir := cache.Dir(t.TempDir())
	s, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(dir.Run(), nil, 0o600); err != nil { // a file where the folder should be
		t.Fatal(err)
	}
	if err := s.Update(func(s *State) { s.BootID = "b" }); err == nil {
		t.Fatal("no error")
	}
	if got := s.State().BootID; got != "" {
		t.Errorf("boot %q", got)
	}
}

func TestADamagedRecordIsAnErrorNotAnEmptyOne(t *testing.T) {
	dir := cache.Dir(t.TempDir())
	if err := cache.WriteFile(dir.Run("state.json"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir); err == nil {
		t.Error("no error")
	}
}
