package crd

//go:generate controller-gen object paths=../../api/...
//go:generate controller-gen crd paths=../../api/... output:crd:dir=bases
//go:generate controller-gen crd paths=../../api/... output:crd:dir=../../charts/qiantang-crds/templates
