package adapters

import (
	"net/http"
	"time"

	"qiantang.dev/rails/internal/fx/lianlian"
	"qiantang.dev/rails/internal/plan"
)

// Webhook is the handler of a provider's notifications, to be mounted where the provider is told to send them; nil where the adapter has
// none, or no key to verify them with was given. It verifies and deduplicates, and hands on the ID of the instruction that something
// happened to: notify must cause a Query, and return an error where it cannot, so that the provider repeats itself. clock is time.Now
// where nil.
func Webhook(p plan.Provider, creds map[string][]byte, clock func() time.Time, notify func(instructionID string) error) (http.Handler, error) {
	if p.Adapter != "LianLian" || len(creds["webhookPublicKey"]) == 0 {
		return nil, nil
	}
	h, err := lianlian.NewWebhook(p.Name, creds, clock, notify)
	if err != nil {
		return nil, err
	}
	return h, nil
}
