package settle

import (
	"context"
	"errors"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"qiantang.dev/rails/internal/ledger"
	"qiantang.dev/rails/internal/plan"
)

// RunList is the answer to a request for the latest runs.
type RunList struct {
	Runs []plan.RunReport `json:"runs" doc:"The latest settlement runs, the latest first."`
}

type runByName struct {
	Name string `path:"name" maxLength:"160" doc:"Name of the run."`
}

type fileOfRun struct {
	Name    string `path:"name" maxLength:"160" doc:"Name of the run."`
	Message string `path:"message" maxLength:"35" doc:"MsgId of the instruction."`
}

type xmlFile struct {
	ContentType string `header:"Content-Type"`
	Body        []byte
}

// Register adds the settler's routes to the API.
func (s *Settler) Register(api huma.API) {
	huma.Register(api, huma.Operation{
		OperationID: "list-settlement-runs", Method: http.MethodGet, Path: "/v1/settlement/runs", Tags: []string{"settlement"},
		Summary: "The latest settlement runs", Errors: []int{http.StatusServiceUnavailable},
	}, func(ctx context.Context, in *struct {
		Limit int `query:"limit" minimum:"1" maximum:"500" default:"50" doc:"At most so many."`
	}) (*struct{ Body RunList }, error) {
		runs, err := s.Reports(ctx, in.Limit)
		if err != nil {
			return nil, s.problem(err)
		}
		return &struct{ Body RunList }{RunList{Runs: runs}}, nil
	})
	huma.Register(api, huma.Operation{
		OperationID: "get-settlement-run", Method: http.MethodGet, Path: "/v1/settlement/runs/{name}", Tags: []string{"settlement"},
		Summary: "One settlement run", Errors: []int{http.StatusNotFound, http.StatusServiceUnavailable},
	}, func(ctx context.Context, in *runByName) (*struct{ Body plan.RunReport }, error) {
		r, err := s.Report(ctx, in.Name)
		if err != nil {
			return nil, s.problem(err)
		}
		return &struct{ Body plan.RunReport }{r}, nil
	})
	huma.Register(api, huma.Operation{
		OperationID: "get-settlement-file", Method: http.MethodGet, Path: "/v1/settlement/runs/{name}/files/{message}", Tags: []string{"settlement"},
		Summary: "The pacs.009 of one instruction", Errors: []int{http.StatusNotFound, http.StatusServiceUnavailable},
	}, func(ctx context.Context, in *fileOfRun) (*xmlFile, error) {
		b, err := s.File(ctx, in.Name, in.Message)
		if err != nil {
			return nil, s.problem(err)
		}
		return &xmlFile{ContentType: "application/xml; charset=UTF-8", Body: b}, nil
	})
}

// File is the pacs.009 of one instruction of a run, or a ledger.NotFoundError.
func (s *Settler) File(ctx context.Context, run, messageID string) ([]byte, error) {
	known, err := s.run(ctx, run)
	if err != nil {
		return nil, err
	}
	rec, err := s.opt.Ledger.Record(ctx, KindWindow, known.Window)
	if err != nil {
		return nil, err
	}
	b, err := decodeWindow(rec)
	if err != nil {
		return nil, err
	}
	for i := range b.Messages {
		if m := &b.Messages[i]; m.ID == messageID && m.File != "" {
			return s.reader(ctx, rec, &b)(m)
		}
	}
	return nil, &ledger.NotFoundError{What: "instruction of run " + run, ID: messageID}
}

// problem turns an error into the answer to a client, and into a line of the log where the answer keeps it back.
func (s *Settler) problem(err error) error {
	var missing *ledger.NotFoundError
	var away *ledger.UnavailableError
	switch {
	case errors.As(err, &missing):
		return huma.Error404NotFound(missing.Error())
	case errors.As(err, &away):
		return huma.Error503ServiceUnavailable("the ledger is unavailable; try again")
	}
	s.opt.Log.Error(err, "settlement could not be read")
	return huma.Error500InternalServerError("settlement could not be read; the log says why")
}
