package controllers_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"qiantang.dev/rails/api/v1alpha1"
	"qiantang.dev/rails/controllers/envtesting"
)

func TestARegionWaitsForTheMigrationOfItsLedger(t *testing.T) {
	w := newWorld(t)
	w.operator(operatorOptions{})
	w.secret("books", map[string]string{"dsn": "postgres://nowhere"})
	w.apply(smallBase)
	w.apply(`apiVersion: rails.qiantang.dev/v1alpha1
kind: Region
metadata: {name: home}
spec: {jurisdiction: CN, cluster: {type: Local}, ledger: {type: PostgreSQL, postgreSQL: {dsnSecretRef: {name: books}}}}
`)
	w.apply(strings.ReplaceAll(corridor, "$REGION", "home"))
	ns := w.ns + "-home"
	var jobs batchv1.JobList
	envtesting.Eventually(t, "the migration is there", func() error {
		if err := w.hub.List(w.ctx(), &jobs, client.InNamespace(ns)); err != nil || len(jobs.Items) != 1 {
			return fmt.Errorf("%d jobs (%w)", len(jobs.Items), err)
		}
		return nil
	})
	got := w.waitFor(&v1alpha1.Region{}, "home", v1alpha1.ConditionProgrammed, metav1.ConditionFalse, v1alpha1.ReasonNoWorkers)
	if !strings.Contains(got.Message, "has not finished migrating the ledger yet") {
		t.Errorf("message is %q", got.Message)
	}
	var deployments appsv1.DeploymentList
	if err := w.hub.List(w.ctx(), &deployments, client.InNamespace(ns)); err != nil || len(deployments.Items) != 0 {
		t.Fatalf("%d Deployments before the migration is done (%v)", len(deployments.Items), err)
	}
	succeed(w, &jobs.Items[0])
	envtesting.Eventually(t, "the workers are started", func() error {
		if err := w.hub.List(w.ctx(), &deployments, client.InNamespace(ns)); err != nil || len(deployments.Items) != 2 {
			return fmt.Errorf("%d Deployments (%w)", len(deployments.Items), err)
		}
		return nil
	})
	w.worker(w.config, "home", "home-router-0", envtesting.NewEngine("router"))
	w.waitFor(&v1alpha1.Region{}, "home", v1alpha1.ConditionProgrammed, metav1.ConditionFalse, v1alpha1.ReasonNoWorkers)
	w.worker(w.config, "home", "home-settler-0", envtesting.NewEngine("settler"))
	w.ready(&v1alpha1.PaymentCorridor{}, "home-corridor")
}

func TestTheOwnersDSNReachesTheMigrationAlone(t *testing.T) {
	w := newWorld(t)
	w.operator(operatorOptions{})
	w.secret("books", map[string]string{"dsn": "postgres://app:s3cret@nowhere/books"})
	w.secret("books-owner", map[string]string{"dsn": "postgres://owner:s3cret@nowhere/books"})
	w.apply(smallBase)
	w.apply(`apiVersion: rails.qiantang.dev/v1alpha1
kind: Region
metadata: {name: home}
spec:
  jurisdiction: CN
  cluster: {type: Local}
  ledger: {type: PostgreSQL, postgreSQL: {dsnSecretRef: {name: books}, migrationDSNSecretRef: {name: books-owner}}}
`)
	ns := w.ns + "-home"
	jobOf := func(besides string) *batchv1.Job {
		t.Helper()
		var jobs batchv1.JobList
		var job *batchv1.Job
		envtesting.Eventually(t, "the migration is there", func() error {
			if err := w.hub.List(w.ctx(), &jobs, client.InNamespace(ns)); err != nil {
				return err
			}
			for i := range jobs.Items {
				if jobs.Items[i].Name != besides {
					job = &jobs.Items[i]
					return nil
				}
			}
			return fmt.Errorf("%d jobs", len(jobs.Items))
		})
		return job
	}
	dsn := func(secret string) string {
		t.Helper()
		var s corev1.Secret
		if err := w.hub.Get(w.ctx(), client.ObjectKey{Namespace: ns, Name: secret}, &s); err != nil {
			t.Fatal(err)
		}
		return string(s.Data["dsn"])
	}
	first := jobOf("")
	mounted := map[string]string{}
	pod := &first.Spec.Template.Spec
	for _, v := range pod.Volumes {
		for _, m := range pod.Containers[0].VolumeMounts {
			if m.Name == v.Name {
				mounted[m.MountPath+"/dsn"] = dsn(v.Secret.SecretName)
			}
		}
	}
	args := strings.Join(pod.Containers[0].Args, " ")
	if want := "ledger migrate --dsn-file /etc/qiantang-owner/dsn --app-dsn-file /etc/qiantang/dsn"; args != want {
		t.Errorf("the Job runs %q, want %q", args, want)
	}
	if mounted["/etc/qiantang-owner/dsn"] != "postgres://owner:s3cret@nowhere/books" || mounted["/etc/qiantang/dsn"] != "postgres://app:s3cret@nowhere/books" {
		t.Errorf("the Job mounts %v", mounted)
	}
	succeed(w, first)
	var deployments appsv1.DeploymentList
	envtesting.Eventually(t, "the workers are started", func() error {
		if err := w.hub.List(w.ctx(), &deployments, client.InNamespace(ns)); err != nil || len(deployments.Items) != 2 {
			return fmt.Errorf("%d Deployments (%w)", len(deployments.Items), err)
		}
		return nil
	})
	versions := map[string]string{}
	for i := range deployments.Items {
		d := &deployments.Items[i]
		versions[d.Name] = d.ResourceVersion
		for _, v := range d.Spec.Template.Spec.Volumes {
			if v.Secret != nil && v.Secret.SecretName == "qiantang-home-ledger-owner" {
				t.Errorf("%s mounts %s", d.Name, v.Secret.SecretName)
			}
		}
	}
	var roles rbacv1.RoleList
	if err := w.hub.List(w.ctx(), &roles, client.InNamespace(ns)); err != nil || len(roles.Items) == 0 {
		t.Fatalf("%d roles (%v)", len(roles.Items), err)
	}
	for _, role := range roles.Items {
		for _, rule := range role.Rules {
			if slices.Contains(rule.Resources, "secrets") && !slices.Equal(rule.ResourceNames, []string{"qiantang-home-credentials"}) {
				t.Errorf("%s may read %q", role.Name, rule.ResourceNames)
			}
		}
	}

	// Another password of the owner's migrates again, and rolls nobody.
	w.writeSecret("books-owner", map[string]string{"dsn": "postgres://owner:other-s3cret@nowhere/books"})
	succeed(w, jobOf(first.Name))
	envtesting.Eventually(t, "the first migration is removed", func() error {
		err := w.hub.Get(w.ctx(), client.ObjectKeyFromObject(first), &batchv1.Job{})
		if apierrors.IsNotFound(err) {
			return nil
		}
		return fmt.Errorf("still there (%w)", err)
	})
	for name, version := range versions {
		var d appsv1.Deployment
		if err := w.hub.Get(w.ctx(), client.ObjectKey{Namespace: ns, Name: name}, &d); err != nil || d.ResourceVersion != version {
			t.Errorf("%s was written (%v)", name, err)
		}
	}

	// Without it the Secret goes.
	edit(w, &v1alpha1.Region{}, "home", func(r *v1alpha1.Region) {
		r.Spec.Ledger.PostgreSQL.MigrationDSNSecretRef = v1alpha1.SecretKeyReference{}
	})
	envtesting.Eventually(t, "the owner's Secret is removed", func() error {
		err := w.hub.Get(w.ctx(), client.ObjectKey{Namespace: ns, Name: "qiantang-home-ledger-owner"}, &corev1.Secret{})
		if apierrors.IsNotFound(err) {
			return nil
		}
		return fmt.Errorf("still there (%w)", err)
	})
	w.nowhere("s3cret")
}

// succeed plays the cluster's Job controller.
func succeed(w *world, job *batchv1.Job) {
	w.t.Helper()
	now := metav1.Now()
	job.Status.StartTime, job.Status.CompletionTime, job.Status.Succeeded = &now, &now, 1
	job.Status.Conditions = []batchv1.JobCondition{
		{Type: batchv1.JobSuccessCriteriaMet, Status: corev1.ConditionTrue, LastTransitionTime: now},
		{Type: batchv1.JobComplete, Status: corev1.ConditionTrue, LastTransitionTime: now},
	}
	if err := w.hub.Status().Update(w.ctx(), job); err != nil {
		w.t.Fatal(err)
	}
}
