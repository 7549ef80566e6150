//go:build cluster

package s3

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"bulkonboard/batch/store"
	"bulkonboard/batch/store/storetest"
)

// gateway is an S3 server of its own process, on the loopback, over a folder.
type gateway struct {
	program string
	address string // host and port
	folder  string
	command *exec.Cmd
}

func newGateway(t *testing.T) *gateway {
	t.Helper()
	program, err := filepath.Abs("../../../build/tools/versitygw")
	require.NoError(t, err)
	require.FileExists(t, program, "install it first: make cluster-tools")
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, listener.Close())
	g := &gateway{program: program, address: listener.Addr().String(), folder: t.TempDir()}
	g.start(t)
	t.Cleanup(func() { g.kill(t) })
	return g
}

func (g *gateway) start(t *testing.T) {
	t.Helper()
	g.command = exec.Command(g.program, "--quiet", "--port", g.address, "posix", g.folder)
	g.command.Env = append(os.Environ(), "ROOT_ACCESS_KEY=someone", "ROOT_SECRET_KEY=not-a-secret")
	g.command.Stderr = os.Stderr
	require.NoError(t, g.command.Start())
}

// kill ends the process as a power switch does.
func (g *gateway) kill(t *testing.T) {
	t.Helper()
	require.NoError(t, g.command.Process.Kill())
	_ = g.command.Wait()
}

// open opens a store in a bucket of its own.
func (g *gateway) open(t *testing.T, o Options) store.Store {
	t.Helper()
	setCredentials(t)
	name := fmt.Sprintf("lists-%d", time.Now().UnixNano())
	opened, err := Open(t.Context(), "s3://"+name+"/jobs?region=us-east-1&endpoint=http://"+g.address, o)
	require.NoError(t, err)
	b := opened.(*bucket)
	require.NoError(t, b.try(t.Context(), "make", name, func(ctx context.Context) error {
		return b.core.MakeBucket(ctx, name, minio.MakeBucketOptions{Region: "us-east-1"})
	}), "the server has not come up")
	return opened
}

func TestABucketOfARealServerIsAStore(t *testing.T) {
	g := newGateway(t)
	storetest.Run(t, func(t *testing.T) store.Store { return g.open(t, Options{}) })
}

// Two writers contend for each name while the server is killed and started
// again. Each name has one winner, and no put fails.
func TestAServerThatDiesInTheMiddleFailsNoPutAndDoublesNone(t *testing.T) {
	const pairs, names, killAfter, waitsFor = 4, 150, 200, 40
	g := newGateway(t)
	var waits atomic.Int64
	down, enough := make(chan struct{}), make(chan struct{})
	s := g.open(t, Options{Waiting: func(error, time.Duration) {
		if waits.Add(1) == waitsFor {
			close(enough)
		}
	}})
	long := bytes.Repeat([]byte("0123456789abcdef"), 3<<20) // 48 MiB, three parts
	require.NoError(t, s.PutFrom(t.Context(), "long", bytes.NewReader(long), int64(len(long))))
	waits.Store(0)

	var all sync.WaitGroup
	var done atomic.Int64
	errs := [2][pairs * names]error{}
	for w := range 2 * pairs {
		side, pair := w%2, w/2
		all.Go(func() {
			for i := pair * names; i < (pair+1)*names; i++ {
				errs[side][i] = s.Put(t.Context(), fmt.Sprintf("seg/%04d", i), []byte(fmt.Sprintf("of writer %d", side)))
				if done.Add(1) == killAfter {
					close(down)
				}
			}
		})
	}
	var sent, read error
	var back []byte
	all.Go(func() {
		sent = s.PutFrom(t.Context(), "sent", &waiting{r: bytes.NewReader(long), until: down}, int64(len(long)))
	})
	all.Go(func() { back, read = readOver(t, s, "long", down) })

	<-down
	g.kill(t)
	<-enough
	g.start(t)
	all.Wait()

	require.NoError(t, sent)
	require.NoError(t, read)
	assert.True(t, bytes.Equal(long, back), "what was read over the outage is not what was written")
	content, err := store.ReadAll(t.Context(), s, "sent", int64(len(long)))
	require.NoError(t, err)
	assert.True(t, bytes.Equal(long, content), "what was sent over the outage is not what was written")
	checkWinners(t, s, errs[0][:], errs[1][:])
}

// waiting gives a part and a half, and the rest once a channel is closed.
type waiting struct {
	r     io.Reader
	until chan struct{}
	read  int
}

func (w *waiting) Read(b []byte) (int, error) {
	if w.read > defaultPartSize*3/2 {
		<-w.until
	}
	n, err := w.r.Read(b[:min(len(b), 1<<20)])
	w.read += n
	return n, err
}

// readOver reads half of an object, and the rest once a channel is closed.
func readOver(t *testing.T, s store.Store, name string, down chan struct{}) ([]byte, error) {
	r, err := s.Get(t.Context(), name, 0, -1)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	half := make([]byte, 24<<20)
	if _, err := io.ReadFull(r, half); err != nil {
		return nil, err
	}
	<-down
	rest, err := io.ReadAll(r)
	return append(half, rest...), err
}

func checkWinners(t *testing.T, s store.Store, errs ...[]error) {
	t.Helper()
	listed := []string{}
	for o, err := range s.List(t.Context(), "seg/") {
		require.NoError(t, err)
		listed = append(listed, o.Name)
	}
	require.Len(t, listed, len(errs[0]))
	require.True(t, slices.IsSorted(listed))
	for i, name := range listed {
		winner := 0
		if errs[0][i] != nil {
			winner = 1
		}
		require.NoError(t, errs[winner][i], name)
		require.ErrorIs(t, errs[1-winner][i], store.ErrExists, name)
		content, err := store.ReadAll(t.Context(), s, name, 100)
		require.NoError(t, err)
		require.Equal(t, fmt.Sprintf("of writer %d", winner), string(content), name)
	}
}
