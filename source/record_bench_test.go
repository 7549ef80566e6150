package source

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// endless is a list that repeats its rows for ever.
type endless struct{ row, rest string }

func (e *endless) Read(p []byte) (n int, err error) {
	for n < len(p) {
		if e.rest == "" {
			e.rest = e.row
		}
		copied := copy(p[n:], e.rest)
		n, e.rest = n+copied, e.rest[copied:]
	}
	return n, nil
}

func benchmarkLists() map[string]endless {
	return map[string]endless{
		"csv": {
			rest: "customerType,customerEmail,customerMobileNumber,firstName,lastName,fullName,registrationNumber,tradingName,branch,note\n",
			row:  "Individual,zoe.mueller@example.com,+971501234567,Zoë,Müller,,,,São Paulo,\"call, later\"\n",
		},
		"jsonl": {
			row: `{"customerType":"Individual","customerEmail":"zoe.mueller@example.com","customerMobileNumber":"+971501234567","individual":{"firstName":"Zoë","lastName":"Müller"},"branch":"São Paulo"}` + "\n",
		},
	}
}

// BenchmarkRecord reads one record: from bytes to a validated customer.
func BenchmarkRecord(b *testing.B) {
	for name, list := range benchmarkLists() {
		b.Run(name, func(b *testing.B) {
			list := list // every measurement reads from the start
			l, err := Open(&list, Options{})
			require.NoError(b, err)
			b.ReportAllocs()
			b.ResetTimer()
			read := 0
			for rec, err := range l.Records() {
				if err != nil || len(rec.Problems) > 0 {
					b.Fatal(err, rec)
				}
				if read++; read >= b.N {
					return
				}
			}
		})
	}
}

func BenchmarkValidate(b *testing.B) {
	for name, c := range map[string]Customer{
		"individual": {Type: "Individual", Email: "zoe.mueller@example.com", MobileNumber: "+971501234567", FirstName: "Zoë", LastName: "Müller"},
		"company":    {Type: "LegalEntity", Email: "office@example.com", FullName: "Müller & Söhne GmbH", RegistrationNumber: "HRB 1", TradingName: "Müller"},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if problems := validate(&c, name == "individual"); problems != nil {
					b.Fatal(problems)
				}
			}
		})
	}
}

// Allocations are what garbage comes of, and can be counted on any machine.
func TestARecordTakesFewAllocations(t *testing.T) {
	for name, list := range benchmarkLists() {
		l, err := Open(&list, Options{})
		require.NoError(t, err)
		allocations := testing.AllocsPerRun(1000, func() {
			rec, err := l.next()
			require.NoError(t, err)
			require.Empty(t, rec.Problems)
		})
		require.LessOrEqual(t, allocations, 4.0, name)
	}
}
