package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	"bulkonboard/batch/state"
	"bulkonboard/cmd/internal/cli"
	"bulkonboard/source"
)

var errEmptyInput = &source.ListError{Reason: "standard input is empty", Hint: "pipe a customer list into the command, or name a file with --input"}

// spool makes a file of standard input, so that the run can read it more than
// once, and returns its path. A run that continues has one already: then nothing
// need come, and what comes must be the same.
//
// Where an interrupted run may be taken over, another list may come: it is kept
// beside the first one until that is settled.
func spool(dir *state.Dir, began, takesOver bool, stdin io.Reader, v *cli.Voice) (string, error) {
	path, err := dir.Spooled()
	if err != nil {
		return "", err
	}
	there := path != ""
	incoming, err := incomingList(stdin)
	switch {
	case err != nil:
		return "", err
	case incoming == nil && there:
		v.Say("standard input is empty; using the saved copy")
		return path, nil
	case incoming == nil:
		return "", errEmptyInput
	case there && began && takesOver:
		return nextSpool(dir, path, incoming)
	case there && began:
		kept, err := os.Open(path)
		if err != nil {
			return "", &source.ReadError{Name: cli.StandardInputName, Err: err}
		}
		defer func() { _ = kept.Close() }() // it was only read
		return path, sameList(kept, incoming)
	case began:
		return "", &state.CorruptError{Path: dir.KeptPath(state.Spool), Reason: "the list that was kept of standard input is missing"}
	}
	return dir.KeptPath(state.Spool), dir.KeepSpool(incoming)
}

// nextSpool keeps what comes beside the list that an interrupted run began with,
// and gives the path of that when they are the same.
func nextSpool(dir *state.Dir, path string, incoming io.Reader) (string, error) {
	if err := dir.Keep(state.SpoolNext, incoming); err != nil {
		return "", err
	}
	kept, err := os.Open(path)
	if err != nil {
		return "", &source.ReadError{Name: cli.StandardInputName, Err: err}
	}
	defer func() { _ = kept.Close() }() // it was only read
	next, err := os.Open(dir.KeptPath(state.SpoolNext))
	if err != nil {
		return "", &source.ReadError{Name: cli.StandardInputName, Err: err}
	}
	defer func() { _ = next.Close() }() // likewise
	if err = sameList(kept, next); errors.As(err, new(*otherStreamError)) {
		return next.Name(), nil
	}
	return path, err
}

// incomingList is what comes by standard input, or nil when nothing does. A
// terminal is not waited for: no one types a list.
func incomingList(stdin io.Reader) (io.Reader, error) {
	if isTerminal(stdin) {
		return nil, nil //nolint:nilnil // no list is not an error here
	}
	in := bufio.NewReaderSize(stdin, 64<<10)
	_, err := in.Peek(1)
	if errors.Is(err, io.EOF) {
		return nil, nil //nolint:nilnil // no list is not an error here
	}
	if err != nil {
		return nil, &source.ReadError{Name: cli.StandardInputName, Err: err}
	}
	return in, nil
}

// isTerminal reports a terminal, or another device such as /dev/null.
func isTerminal(stream any) bool {
	file, ok := stream.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// sameList compares what comes with what was kept, to the last byte.
func sameList(kept, incoming io.Reader) error {
	a, b := make([]byte, 64<<10), make([]byte, 64<<10)
	for at := int64(0); ; {
		n, errKept := io.ReadFull(kept, a)
		m, errIncoming := io.ReadFull(incoming, b)
		if err := errors.Join(unexpected(errKept), unexpected(errIncoming)); err != nil {
			return &source.ReadError{Name: cli.StandardInputName, Err: err}
		}
		if !bytes.Equal(a[:n], b[:m]) {
			return &otherStreamError{at: at + differAt(a[:n], b[:m]) + 1}
		}
		if n < len(a) {
			return nil
		}
		at += int64(n)
	}
}

func unexpected(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil
	}
	return err
}

func differAt(a, b []byte) int64 {
	i := 0
	for i < min(len(a), len(b)) && a[i] == b[i] {
		i++
	}
	return int64(i)
}

// otherStreamError says that standard input is not what an interrupted run had
// of it.
type otherStreamError struct{ at int64 } // counted from 1

// Kind is that of a list that is not as it was.
func (e *otherStreamError) Kind() cli.Kind { return cli.Changed }

// Error says where they differ, and the ways out.
func (e *otherStreamError) Error() string {
	return fmt.Sprintf("standard input is not the list that this run began with: they differ from byte %d on; to resume, give the same list again or nothing at all (< /dev/null);"+
		" to send the new one, start over with --restart or write to another --output", e.at)
}
