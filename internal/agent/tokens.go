package agent

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"qiantang.dev/rails/internal/access"
)

const (
	serviceAccountPrefix = "system:serviceaccount:"
	checkTimeout         = 5 * time.Second
)

// Tokens has the region's API server review tokens of ServiceAccounts. It is an access.TokenReviewer.
type Tokens struct{ Client kubernetes.Interface }

var _ access.TokenReviewer = Tokens{}

// Review asks whether token is a ServiceAccount's and made for audience.
func (t Tokens) Review(ctx context.Context, token, audience string) (string, error) {
	r, err := t.create(ctx, token, audience)
	if err != nil {
		return "", fmt.Errorf("token review: %w", err)
	}
	switch {
	case !r.Status.Authenticated && r.Status.Error != "":
		return "", &access.Refused{Why: "the token is not good: " + r.Status.Error}
	case !r.Status.Authenticated:
		return "", &access.Refused{Why: "the token is not good"}
	case !slices.Contains(r.Status.Audiences, audience):
		// An API server that knows nothing of audiences names none.
		return "", &access.Refused{Why: fmt.Sprintf("the token is good for audiences %q, not for %q", r.Status.Audiences, audience)}
	case !strings.HasPrefix(r.Status.User.Username, serviceAccountPrefix):
		return "", &access.Refused{Why: fmt.Sprintf("the token is of %q, who is no ServiceAccount", r.Status.User.Username)}
	}
	return r.Status.User.Username, nil
}

// Check says whether reviews are forbidden to this worker.
func (t Tokens) Check(ctx context.Context) error {
	// An API server that is away must not use up the time in which a plan is to be taken.
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	if _, err := t.create(ctx, "none", "none"); apierrors.IsForbidden(err) {
		return fmt.Errorf("tokens of ServiceAccounts cannot be reviewed: bind ClusterRole system:auth-delegator to this worker's ServiceAccount: %w", err)
	}
	return nil
}

func (t Tokens) create(ctx context.Context, token, audience string) (*authenticationv1.TokenReview, error) {
	return t.Client.AuthenticationV1().TokenReviews().Create(ctx, &authenticationv1.TokenReview{
		Spec: authenticationv1.TokenReviewSpec{Token: token, Audiences: []string{audience}},
	}, metav1.CreateOptions{})
}
