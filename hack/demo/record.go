package main

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"

	"qiantang.dev/rails/hack/internal/cache"
)

// record is what the demo has started and where it is found. It is written before a thing is made.
type record struct {
	// Existing is the user's own kube context; empty where the demo made its clusters.
	Existing string `json:"existing,omitempty"`
	// Clusters made by the demo.
	Clusters []string `json:"clusters,omitempty"`
	Kubectl  string   `json:"kubectl,omitempty"`
	Image    string   `json:"image,omitempty"`
	// Run counts how often payments were sent, so that each run has keys of its own.
	Run int `json:"run,omitempty"`
	// Hub is where the resources are; Regions say where each region's workers are.
	Hub     place            `json:"hub"`
	Regions map[string]place `json:"regions,omitempty"`
}

// place is a cluster as the demo reaches it.
type place struct {
	Kubeconfig string `json:"kubeconfig"`
	Context    string `json:"context,omitempty"`
	// Internal is a kubeconfig that works from pods of the hub; empty where the place is the hub.
	Internal string `json:"internal,omitempty"`
	NodeIP   string `json:"nodeIP,omitempty"`
	// URL of the region's routers.
	URL string `json:"url,omitempty"`
}

func (r *record) read(path string) error {
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return json.Unmarshal(b, r)
}

func (d *demo) remember(change func(*record)) error {
	change(&d.record)
	b, err := json.MarshalIndent(d.record, "", "  ")
	if err != nil {
		return err
	}
	return cache.WriteFile(d.recordPath(), append(b, '\n'), 0o600)
}
