# For people with Docker. `go -C hack run ./cluster image` makes the same image without it, from the same program.
FROM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 go build -trimpath -ldflags "-s -w" -o /out/qiantang ./cmd/qiantang \
    && install -d -m 1777 /out/tmp \
    && install -D -m 644 /etc/ssl/certs/ca-certificates.crt /out/etc/ssl/certs/ca-certificates.crt

FROM scratch
COPY --from=build /out/ /
USER 65532:65532
ENTRYPOINT ["/qiantang"]
