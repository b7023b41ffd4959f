// Command gen distils the official ISO 20022 schemas (XSD) into the grammar that package schema embeds:
//
//	go run ./internal/iso20022/schema/gen -dir DIR > internal/iso20022/schema/grammar.txt
//
// It knows exactly the constructs that these schemas use and fails on any other, so that nothing is lost in silence.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"sort"

	"qiantang.dev/rails/internal/iso20022/schema/distil"
)

func main() {
	dir := flag.String("dir", "../shared/iso20022", "directory that holds the official *.xsd files")
	flag.Parse()
	files, err := filepath.Glob(filepath.Join(*dir, "*.xsd"))
	if err == nil && len(files) == 0 {
		err = fmt.Errorf("no *.xsd in %s", *dir)
	}
	if err == nil {
		sort.Strings(files)
		err = distil.Write(os.Stdout, files)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}
