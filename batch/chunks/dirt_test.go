package chunks

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/text/encoding/unicode"
)

// dirt is what real lists have in them, between customers.
var dirt = []string{
	"", "\n", "\r\n\r\n", `"` + "\n", `5" disk,x,y` + "\n", `Individual,"open@example.com,First,Last` + "\n",
	"Individual,\"q%d@example.com\",\"two\nlines\",Last\n", "Individual,q%d@example.com,\"with \"\"quotes\"\"\",\"a,b\"\r\n",
	"Individual,q%d@example.com,First,Last,one too many\n", "Individual,q1@example.com,Again,Last\n", "LegalEntity,,,\n",
	"Individual,q%d@example.com,\"three\n\nlines\",\"\"\n", `"Individual","q%d@example.com","First","Last"x` + "\n", "\x00\n",
	"Individual,q2@example.com,Refused,Last\n", "Individual,Q2@EXAMPLE.com,First,Last\n",
}

// objects is the same for JSONL.
var objects = []string{
	"", "\n", "\r\n", "[1]\n", "{}\n", "{\"customerType\":\"Individual\",\r\"customerEmail\":\"q%d@example.com\",\"firstName\":\"F\",\"lastName\":\"L\"}\r\n",
	"{\"customerType\":\"Individual\",\"customerEmail\":\"q1@example.com\",\"firstName\":\"Refused\",\"lastName\":\"L\"}\n",
	"{\"customerType\":\"Individual\",\"customerEmail\":\"q1@example.com\",\"firstName\":\"F\",\"lastName\":\"L\"}\n",
	"{\"customerType\":\n", "no object\n", "{\"customerEmail\":\"\\u0000\"}\n",
}

func dirtyList(r *rand.Rand) (list string, jsonl bool) {
	pieces, clean := dirt, "Individual,c%d@example.com,First,Last\n"
	var b strings.Builder
	if jsonl = r.IntN(4) == 0; jsonl {
		pieces, clean = objects, "{\"customerType\":\"Individual\",\"customerEmail\":\"c%d@example.com\",\"firstName\":\"F\",\"lastName\":\"L\"}\n"
		fmt.Fprintf(&b, clean, 0)
	} else {
		b.WriteString([]string{"", "\n", "sep=,\n"}[r.IntN(3)] + "customerType,customerEmail,firstName,lastName\n")
	}
	for i := range 1 + r.IntN(60) {
		text := pieces[r.IntN(len(pieces))]
		if r.IntN(2) == 0 {
			text = clean
		}
		if strings.Contains(text, "%d") {
			text = fmt.Sprintf(text, i)
		}
		b.WriteString(text)
	}
	list = b.String()
	if r.IntN(3) == 0 {
		list = strings.TrimRight(list, "\r\n")
	}
	if r.IntN(6) == 0 && !jsonl {
		list = strings.ReplaceAll(strings.ReplaceAll(list, "\r\n", "\n"), "\n", "\r")
	}
	return list, jsonl
}

// written is a list as exports write it: in another encoding, or compressed.
func written(t *testing.T, r *rand.Rand, list string) string {
	endian := []unicode.Endianness{unicode.LittleEndian, unicode.BigEndian}[r.IntN(2)]
	switch r.IntN(5) {
	case 0:
		wide, err := unicode.UTF16(endian, unicode.UseBOM).NewEncoder().String(list)
		require.NoError(t, err)
		list = wide
	case 1:
		list = "\xef\xbb\xbf" + list
	case 2:
		list += "\xff\n" // in no encoding
	}
	if r.IntN(4) > 0 {
		return list
	}
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := w.Write([]byte(list))
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return b.String()
}

func TestADirtyListIsCutIntoTheRowsThatOneMachineReads(t *testing.T) {
	for seed := range uint64(60) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewPCG(seed, 7))
			list, jsonl := dirtyList(r)
			c := newCluster(t, written(t, r, list), 1+r.Int64N(12))
			if jsonl {
				c.job.List.Format = "jsonl"
			}
			c.plan()
			c.run(1)
			_, err := c.merge(1)
			require.NoError(t, err)
			c.requireAsSingle(1)
		})
	}
}
