//go:build bench && linux

package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/stretchr/testify/require"
)

// makeList writes a list that looks like the lists of companies: one row in
// five is one, and a name in seven is not ASCII.
func (b *bench) makeList(format string) {
	f, err := os.Create(filepath.Join(b.folder, "list."+format))
	require.NoError(b.t, err)
	defer f.Close()
	w := bufio.NewWriter(f)
	row := csvRow
	if format == "jsonl" {
		row = jsonlRow
	} else {
		_, _ = io.WriteString(w, "customerType,customerEmail,customerMobileNumber,firstName,lastName,fullName,registrationNumber,tradingName,branch,note\n")
	}
	first := []string{"John", "Mary", "José", "Wei", "Olivia", "Yusuf", "Ann"}
	for i := range b.rows {
		row(w, i, first[i%len(first)])
	}
	require.NoError(b.t, w.Flush())
}

func csvRow(w io.Writer, i int, first string) {
	if i%5 == 0 {
		fmt.Fprintf(w, "LegalEntity,office.%d@example.com,+971501234567,,,%s & Sons %d LLC,REG-%08d,\"Trading, %d\",Dubai,\n", i, first, i, i, i)
		return
	}
	fmt.Fprintf(w, "Individual,customer.%d@example.com,+971501234567,%s,Smith-%d,,,,Dubai,a note of some words\n", i, first, i)
}

func jsonlRow(w io.Writer, i int, first string) {
	if i%5 == 0 {
		fmt.Fprintf(w, `{"customerType":"LegalEntity","customerEmail":"office.%d@example.com","customerMobileNumber":"+971501234567","company":{"fullName":"%s & Sons %d LLC","registrationNumber":"REG-%08d","tradingName":"Trading, %d"},"branch":"Dubai"}`+"\n", i, first, i, i, i)
		return
	}
	fmt.Fprintf(w, `{"customerType":"Individual","customerEmail":"customer.%d@example.com","customerMobileNumber":"+971501234567","individual":{"firstName":"%s","lastName":"Smith-%d"},"branch":"Dubai","note":"a note of some words"}`+"\n", i, first, i)
}
