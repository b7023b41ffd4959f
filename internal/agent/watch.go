package agent

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/informers"
	listers "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/cache"

	"qiantang.dev/rails/internal/delivery"
)

// watch holds what the agent follows: the region's ConfigMaps by label, and its one credentials Secret by name.
type watch struct {
	namespace, region string
	wake              chan struct{}
	factories         []informers.SharedInformerFactory
	informers         []cache.SharedIndexInformer
	configMaps        listers.ConfigMapNamespaceLister
	secrets           listers.SecretNamespaceLister
}

func newWatch(o Options) *watch {
	byLabel := labels.Set{delivery.LabelRegion: o.Region, delivery.LabelInstitution: o.Institution}.String()
	byName := fields.OneTermEqualSelector("metadata.name", delivery.CredentialsName(o.Region)).String()
	factory := func(tweak func(*metav1.ListOptions)) informers.SharedInformerFactory {
		return informers.NewSharedInformerFactoryWithOptions(o.Client, 0, informers.WithNamespace(o.Namespace),
			informers.WithTweakListOptions(tweak), informers.WithTransform(stripManagedFields))
	}
	configMaps := factory(func(l *metav1.ListOptions) { l.LabelSelector = byLabel })
	secrets := factory(func(l *metav1.ListOptions) { l.FieldSelector = byName })
	return &watch{
		namespace:  o.Namespace,
		region:     o.Region,
		wake:       make(chan struct{}, 1),
		factories:  []informers.SharedInformerFactory{configMaps, secrets},
		informers:  []cache.SharedIndexInformer{configMaps.Core().V1().ConfigMaps().Informer(), secrets.Core().V1().Secrets().Informer()},
		configMaps: configMaps.Core().V1().ConfigMaps().Lister().ConfigMaps(o.Namespace),
		secrets:    secrets.Core().V1().Secrets().Lister().Secrets(o.Namespace),
	}
}

// start begins to watch, and returns what ends it and waits until all has ended.
func (w *watch) start(ctx context.Context) (func(), error) {
	ping := func(any) {
		select {
		case w.wake <- struct{}{}:
		default:
		}
	}
	for _, informer := range w.informers {
		_, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
			AddFunc: ping, DeleteFunc: ping, UpdateFunc: func(_, n any) { ping(n) },
		})
		if err != nil {
			return nil, fmt.Errorf("watch namespace %s: %w", w.namespace, err)
		}
	}
	ctx, cancel := context.WithCancel(ctx)
	for _, f := range w.factories {
		f.StartWithContext(ctx)
	}
	return func() {
		cancel()
		for _, f := range w.factories {
			f.Shutdown()
		}
	}, nil
}

func (w *watch) synced(ctx context.Context) bool {
	for _, informer := range w.informers {
		if !cache.WaitForCacheSync(ctx.Done(), informer.HasSynced) {
			return false
		}
	}
	return true
}

// index is the ConfigMap with the plan's index; nil where there is none yet.
func (w *watch) index() *corev1.ConfigMap { return w.configMap(delivery.IndexName(w.region)) }

func (w *watch) configMap(name string) *corev1.ConfigMap {
	cm, err := w.configMaps.Get(name)
	if err != nil {
		return nil // A lister's only error is that it is not there.
	}
	return cm
}

// shard gives the packed content of a shard by its name.
func (w *watch) shard(name string) ([]byte, bool) {
	cm := w.configMap(delivery.ShardName(w.region, name))
	if cm == nil {
		return nil, false
	}
	packed, ok := cm.BinaryData[delivery.KeyShard]
	return packed, ok
}

// credentials by name, and the version of the Secret that they are from; none where there is no Secret.
func (w *watch) credentials() (map[string]map[string][]byte, string) {
	secret, err := w.secrets.Get(delivery.CredentialsName(w.region))
	if err != nil {
		return map[string]map[string][]byte{}, ""
	}
	return delivery.SplitCredentials(secret.Data), secret.ResourceVersion
}

// runs are the ConfigMaps about settlement runs.
func (w *watch) runs() []*corev1.ConfigMap {
	has, err := labels.Parse(delivery.LabelRun)
	if err != nil {
		return nil // A constant that parses.
	}
	list, err := w.configMaps.List(has)
	if err != nil {
		return nil // As above: a lister reads memory.
	}
	return list
}

func stripManagedFields(obj any) (any, error) {
	if o, err := meta.Accessor(obj); err == nil {
		o.SetManagedFields(nil)
	}
	return obj, nil
}
