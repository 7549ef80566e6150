package source

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// benchmarkRows is the list that reading is measured with.
const benchmarkRows = 100_000

func benchmarkList() string {
	var b strings.Builder
	b.WriteString("customerType,customerEmail,customerMobileNumber,firstName,lastName,note\n")
	for i := range benchmarkRows {
		fmt.Fprintf(&b, "Individual,customer%d@example.com,+97150%07d,Zoë,Müller,\"call, later\"\n", i, i)
	}
	return b.String()
}

func BenchmarkRecords(b *testing.B) {
	plain := benchmarkList()
	for _, encoding := range []string{"utf-8", "windows-1252", "utf-16le"} {
		b.Run(encoding, func(b *testing.B) {
			text := encoded(b, encoding, plain)
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				l, err := Open(strings.NewReader(text), Options{Encoding: encoding})
				require.NoError(b, err)
				rows := 0
				for rec, err := range l.Records() {
					if err != nil || len(rec.Problems) > 0 {
						b.Fatal(err, rec)
					}
					rows++
				}
				require.Equal(b, benchmarkRows, rows)
			}
		})
	}
}
