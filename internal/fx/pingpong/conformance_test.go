package pingpong_test

import (
	"testing"

	"qiantang.dev/rails/internal/fx/fxtest"
)

func TestConformance(t *testing.T) { fxtest.Conformance(t, "PingPong") }
