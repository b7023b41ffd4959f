package controllers

//go:generate controller-gen rbac:roleName=qiantang-operator paths=. output:rbac:dir=../config/rbac
//go:generate controller-gen rbac:roleName=qiantang-operator paths=. output:rbac:dir=../charts/qiantang/files
