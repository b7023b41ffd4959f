package router

import (
	"fmt"
	"net/http"

	"qiantang.dev/rails/internal/plan"
	"qiantang.dev/rails/internal/router/isomsg"
	"qiantang.dev/rails/pkg/client"
)

// participant is the plan's participant of a name, nil where there is none.
func (s *snapshot) participant(name string) *plan.Participant {
	for i := range s.region.Participants {
		if p := &s.region.Participants[i]; p.Name == name {
			return p
		}
	}
	return nil
}

// institution is the one participant with a BIC, nil where there is none or more than one.
func (s *snapshot) institution(bic string) *plan.Participant {
	var found *plan.Participant
	for i := range s.region.Participants {
		p := &s.region.Participants[i]
		if !isomsg.SameBIC(p.BIC, bic) {
			continue
		}
		if found != nil {
			return nil
		}
		found = p
	}
	return found
}

// bic is a participant's. Where it has none, the problem names the participant and says what it is.
func (s *snapshot) bic(name, what string) (string, *client.Problem) {
	if p := s.participant(name); p != nil && p.BIC != "" {
		return p.BIC, nil
	}
	if name == "" {
		return "", problem(http.StatusConflict, codeNoMessage, fmt.Sprintf("the plan names no participant %s: messages need its BIC", what))
	}
	return "", problem(http.StatusConflict, codeNoMessage, fmt.Sprintf("participant %s, %s, has no BIC in the plan", name, what))
}
