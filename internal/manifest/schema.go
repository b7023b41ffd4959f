package manifest

import (
	"context"
	"fmt"
	"io/fs"
	"sync"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/listtype"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
	"sigs.k8s.io/yaml"

	"qiantang.dev/rails/config/crd"
)

// kindSchema is one kind's definition, made ready to validate with when it is first needed.
type kindSchema struct {
	props      *apiextensions.JSONSchemaProps
	structural *schema.Structural
	openapi    validation.SchemaValidator
	rules      *cel.Validator
	ready      func() error
}

// schemas are the embedded definitions by kind.
var schemas = sync.OnceValues(func() (map[string]*kindSchema, error) {
	files, err := fs.Glob(crd.Bases, "bases/*.yaml")
	if err != nil {
		return nil, err
	}
	out := make(map[string]*kindSchema, len(files))
	for _, file := range files {
		b, err := fs.ReadFile(crd.Bases, file)
		if err != nil {
			return nil, err
		}
		var def apiextensionsv1.CustomResourceDefinition
		if err := yaml.UnmarshalStrict(b, &def); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		if len(def.Spec.Versions) != 1 {
			return nil, fmt.Errorf("%s: %d versions, want one", file, len(def.Spec.Versions))
		}
		k := &kindSchema{}
		props := def.Spec.Versions[0].Schema.OpenAPIV3Schema
		k.ready = sync.OnceValue(func() error { return k.prepare(props) })
		out[def.Spec.Names.Kind] = k
	}
	return out, nil
})

func (k *kindSchema) prepare(props *apiextensionsv1.JSONSchemaProps) error {
	k.props = &apiextensions.JSONSchemaProps{}
	err := apiextensionsv1.Convert_v1_JSONSchemaProps_To_apiextensions_JSONSchemaProps(props, k.props, nil)
	if err != nil {
		return err
	}
	if k.structural, err = schema.NewStructural(k.props); err != nil {
		return err
	}
	if k.openapi, _, err = validation.NewSchemaValidator(k.props); err != nil {
		return err
	}
	k.rules = cel.NewValidator(k.structural, true, celconfig.PerCallLimit)
	return nil
}

// unknown lists the fields that the schema does not have.
func (k *kindSchema) unknown(obj map[string]any) []string {
	return pruning.PruneWithOptions(runtime.DeepCopyJSON(obj), k.structural, true, schema.UnknownFieldPathOptions{TrackUnknownFieldPaths: true})
}

// validate is what an API server does with a new custom resource, in its order: rules only run on what the schema takes.
func (k *kindSchema) validate(ctx context.Context, obj map[string]any) field.ErrorList {
	errs := validation.ValidateCustomResource(nil, obj, k.openapi)
	errs = append(errs, listtype.ValidateListSetsAndMaps(nil, k.structural, obj)...)
	if len(errs) > 0 || k.rules == nil {
		return errs
	}
	errs, _ = k.rules.Validate(ctx, nil, k.structural, obj, nil, celconfig.RuntimeCELCostBudget)
	return errs
}
