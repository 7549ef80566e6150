package ledger

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"os"
)

// The database believes its file: a flipped bit in a page sends it round in a
// circle, beyond the end of the file, or past customers that are there. So it
// is only ever given a file to write to that has been read here first, page by
// page, and in which every page was found to be in use once or free, every
// element within its page, and every key in its place.
//
// All numbers are little-endian. A page begins with
//
//	id u64 | kind u16 | count u16 | pages that follow and belong to it u32
//
// and has, by its kind,
//
//	branch    elements: key at u32, length u32, id of the page below u64
//	leaf      elements: kind u32, key at u32, length u32, length of value u32
//	meta      magic u32, version u32, bytes of a page u32, u32, root u64, u64,
//	          id of the list of free pages u64, pages in all u64, transaction
//	          u64, FNV-1a of all that u64
//	freelist  ids u64 of the free pages; their number comes first when it is
//	          not in the count
//
// where a key is looked for from the beginning of its element. A bucket is the
// value of a leaf's element: id of its root u64, sequence u64; when the id is 0
// its only page follows.
const (
	pageHeader    = 16
	elementBytes  = 16
	metaBytes     = 64
	bucketHeader  = 16
	branchPage    = 0x01
	leafPage      = 0x02
	freelistPage  = 0x10
	bucketElement = 0x01
	metaMagic     = 0xED0CDAED
	metaVersion   = 2
	countBeyond   = 0xFFFF // of a freelist: the first id is the count
	maxDepth      = 32
	minPage       = 1 << 10
	maxPage       = 1 << 16
	usualPage     = 4 << 10
)

// damage says what of a file is not as it was written.
type damage string

// Error is what is wrong.
func (d damage) Error() string { return string(d) }

func damaged(format string, a ...any) error { return damage(fmt.Sprintf(format, a...)) }

// pages reads the file of a database.
type pages struct {
	file    *os.File
	size    int // bytes of a page
	root    uint64
	free    uint64 // id of the list of free pages
	end     uint64 // pages in all
	used    []uint64
	buffers [maxDepth][]byte
}

// openPages opens a file whose newest transaction that is whole counts.
func openPages(path string) (*pages, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	p := &pages{file: file}
	if err = p.readMeta(); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	p.used = make([]uint64, p.end/64+1)
	return p, nil
}

func (p *pages) close() { _ = p.file.Close() } // it was only read

// readMeta finds the newest meta page. The first one says where the second is.
func (p *pages) readMeta() error {
	info, err := p.file.Stat()
	if err != nil {
		return err
	}
	newest, found := uint64(0), false
	take := func(at int64) int {
		b := make([]byte, pageHeader+metaBytes)
		if _, err := p.file.ReadAt(b, at); err != nil {
			return 0
		}
		m, field := b[pageHeader:], func(at int) uint64 { return binary.LittleEndian.Uint64(b[pageHeader+at:]) }
		sum := fnv.New64a()
		_, _ = sum.Write(m[:metaBytes-8]) // never fails
		size := int(binary.LittleEndian.Uint32(m[8:]))
		if binary.LittleEndian.Uint32(m) != metaMagic || binary.LittleEndian.Uint32(m[4:]) != metaVersion || sum.Sum64() != field(56) {
			return 0
		}
		if txid := field(48); !found || txid > newest {
			newest, found = txid, true
			p.size, p.root, p.free, p.end = size, field(16), field(32), field(40)
		}
		return size
	}
	size := take(0)
	if size < minPage || size > maxPage {
		size = usualPage
	}
	take(int64(size))
	switch {
	case !found:
		return damaged("it is not a ledger, or its first pages are damaged")
	case p.size < minPage || p.size > maxPage || p.end < 3 || p.end > uint64(info.Size())/uint64(p.size):
		return damaged("it is cut short: %d bytes are left of it", info.Size())
	}
	return nil
}

// page is a page that was read. Its bytes are good until another of its depth
// is.
type page struct {
	data  []byte
	kind  uint16
	count int
}

// read reads a page with those that belong to it, none of which has been read
// before.
func (p *pages) read(id uint64, depth int) (page, error) {
	if depth >= maxDepth {
		return page{}, damaged("page %d is too deep", id)
	}
	b, err := p.fill(id, depth, 1)
	if err != nil {
		return page{}, err
	}
	if binary.LittleEndian.Uint64(b) != id {
		return page{}, damaged("page %d says that it is another", id)
	}
	more := uint64(binary.LittleEndian.Uint32(b[12:]))
	if id+more >= p.end {
		return page{}, damaged("page %d ends behind the last one", id)
	}
	for n := id; n <= id+more; n++ {
		if p.used[n/64]&(1<<(n%64)) != 0 {
			return page{}, damaged("page %d is in use twice", n)
		}
		p.used[n/64] |= 1 << (n % 64)
	}
	if more > 0 {
		if b, err = p.fill(id, depth, more+1); err != nil {
			return page{}, err
		}
	}
	return pageOf(b), nil
}

func pageOf(b []byte) page {
	return page{data: b, kind: binary.LittleEndian.Uint16(b[8:]), count: int(binary.LittleEndian.Uint16(b[10:]))}
}

func (p *pages) fill(id uint64, depth int, n uint64) ([]byte, error) {
	if id < 2 || id >= p.end {
		return nil, damaged("there is no page %d", id)
	}
	length := int(n) * p.size
	if cap(p.buffers[depth]) < length {
		p.buffers[depth] = make([]byte, length)
	}
	b := p.buffers[depth][:length]
	if _, err := p.file.ReadAt(b, int64(id)*int64(p.size)); err != nil {
		if errors.Is(err, io.EOF) {
			err = damaged("it is cut short at page %d", id)
		}
		return nil, err
	}
	return b, nil
}

// element gives the i-th element of a page: four numbers and, behind the
// elements, its key and value.
func (g *page) element(i int) (e []byte, key, value []byte, err error) {
	at := pageHeader + i*elementBytes
	if pageHeader+g.count*elementBytes > len(g.data) {
		return nil, nil, nil, damaged("a page has more elements than fit")
	}
	e = g.data[at : at+elementBytes]
	pos, length, valueLength := binary.LittleEndian.Uint32(e), binary.LittleEndian.Uint32(e[4:]), uint32(0)
	if g.kind == leafPage {
		pos, length, valueLength = length, binary.LittleEndian.Uint32(e[8:]), binary.LittleEndian.Uint32(e[12:])
	}
	from := uint64(at) + uint64(pos)
	middle := from + uint64(length)
	to := middle + uint64(valueLength)
	if pos < elementBytes || length == 0 || to > uint64(len(g.data)) {
		return nil, nil, nil, damaged("an element is not within its page")
	}
	return e, g.data[from:middle], g.data[middle:to], nil
}

// tree is a walk through one bucket, in the order of its keys.
type tree struct {
	*pages
	kind uint32 // of its elements
	last []byte // key; nil before the first
	each func(key, value []byte) error
}

// below walks through a page and all below it. Their first key is as the page
// above has it, and all are below high; nil where there is none above.
func (t *tree) below(id uint64, depth int, first, high []byte) error {
	g, err := t.read(id, depth)
	if err != nil {
		return err
	}
	return t.in(&g, depth, first, high)
}

func (t *tree) in(g *page, depth int, first, high []byte) error {
	switch {
	case g.kind == leafPage:
		return t.leaf(g, first, high)
	case g.kind != branchPage || g.count == 0:
		return damaged("a page is of no kind that belongs there")
	}
	e, key, _, err := g.element(0)
	if err == nil && first != nil && !bytes.Equal(key, first) {
		return errOrder
	}
	for i := 1; err == nil; i++ {
		next, nextKey := []byte(nil), high
		if i < g.count {
			if next, nextKey, _, err = g.element(i); err != nil {
				break
			}
		}
		if nextKey != nil && bytes.Compare(key, nextKey) >= 0 {
			return errOrder
		}
		if err = t.below(binary.LittleEndian.Uint64(e[8:]), depth+1, key, nextKey); err != nil || i == g.count {
			return err
		}
		e, key = next, nextKey
	}
	return err
}

func (t *tree) leaf(g *page, first, high []byte) error {
	if first != nil && g.count == 0 {
		return errOrder
	}
	for i := range g.count {
		e, key, value, err := g.element(i)
		switch {
		case err != nil:
			return err
		case binary.LittleEndian.Uint32(e) != t.kind:
			return damaged("an element is of no kind that belongs there")
		case i == 0 && first != nil && !bytes.Equal(key, first), t.last != nil && bytes.Compare(t.last, key) >= 0, high != nil && bytes.Compare(key, high) >= 0:
			return errOrder
		}
		t.last = append(t.last[:0], key...)
		if err := t.each(key, value); err != nil {
			return err
		}
	}
	return nil
}

var errOrder = damaged("its keys are not in order")

// bucket is where a bucket begins: its root, or its only page.
type bucket struct {
	root uint64
	only []byte
}

// buckets gives all buckets by name.
func (p *pages) buckets() (map[string]bucket, error) {
	found := map[string]bucket{}
	t := tree{pages: p, kind: bucketElement, each: func(key, value []byte) error {
		if len(value) < bucketHeader {
			return damaged("a bucket is cut short")
		}
		b := bucket{root: binary.LittleEndian.Uint64(value)}
		if b.root == 0 {
			if b.only = bytes.Clone(value[bucketHeader:]); len(b.only) < pageHeader {
				return damaged("a bucket is cut short")
			}
		}
		found[string(key)] = b
		return nil
	}}
	return found, t.below(p.root, 0, nil, nil)
}

// walk goes through a bucket in the order of its keys. Key and value are good
// until each returns.
func (p *pages) walk(b bucket, each func(key, value []byte) error) error {
	t := tree{pages: p, each: each}
	if b.root != 0 {
		return t.below(b.root, 0, nil, nil)
	}
	g := pageOf(b.only)
	if g.kind != leafPage {
		return damaged("a page is of no kind that belongs there")
	}
	return t.leaf(&g, nil, nil)
}

// accounted makes sure that each page is in use or free once all buckets were
// walked through: the database would write over a page that is both.
func (p *pages) accounted() error {
	g, err := p.read(p.free, 0)
	if err != nil {
		return err
	}
	ids, count := g.data[pageHeader:], uint64(g.count)
	if g.count == countBeyond && len(ids) >= 8 {
		count, ids = binary.LittleEndian.Uint64(ids), ids[8:]
	}
	if g.kind != freelistPage || count > uint64(len(ids)/8) {
		return damaged("the list of free pages is damaged")
	}
	for i := range count {
		id := binary.LittleEndian.Uint64(ids[8*i:])
		if id < 2 || id >= p.end || p.used[id/64]&(1<<(id%64)) != 0 {
			return damaged("the list of free pages is damaged")
		}
		p.used[id/64] |= 1 << (id % 64)
	}
	for id := uint64(2); id < p.end; id++ {
		if p.used[id/64]&(1<<(id%64)) == 0 {
			return damaged("page %d is neither in use nor free", id)
		}
	}
	return nil
}
