//go:build tools

package deps

import (
	_ "github.com/bojanz/currency"
	_ "github.com/danielgtaylor/huma/v2"
	_ "github.com/go-logr/logr"
	_ "github.com/google/cel-go/cel"
	_ "github.com/google/uuid"
	_ "github.com/govalues/decimal"
	_ "github.com/jackc/pgx/v5/pgxpool"
	_ "github.com/jacoelho/xsd"
	_ "github.com/pressly/goose/v3"
	_ "github.com/prometheus/client_golang/prometheus/promhttp"
	_ "github.com/robfig/cron/v3"
	_ "github.com/sony/gobreaker/v2"
	_ "github.com/spf13/cobra"
	_ "github.com/transparency-dev/merkle/rfc6962"
	_ "golang.org/x/mod/sumdb/tlog"
	_ "golang.org/x/time/rate"
	_ "k8s.io/api/core/v1"
	_ "k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel"
	_ "k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	_ "k8s.io/apiserver/pkg/cel"
	_ "modernc.org/sqlite"
	_ "pgregory.net/rapid"
	_ "sigs.k8s.io/controller-runtime"
	_ "sigs.k8s.io/controller-runtime/pkg/envtest"
	_ "sigs.k8s.io/yaml"
)
