package settle

import (
	"fmt"
	"time"

	"github.com/robfig/cron/v3"
)

type cronLine struct {
	spec cron.Schedule
	zone *time.Location
}

func (c cronLine) Next(t time.Time) time.Time { return c.spec.Next(t.In(c.zone)) }

func parseCutOff(line string, zone *time.Location) (firings, error) {
	spec, err := cron.NewParser(cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow).Parse(line)
	if err != nil {
		return nil, fmt.Errorf("not a cron line of five fields: %w", err)
	}
	return cronLine{spec: spec, zone: zone}, nil
}
