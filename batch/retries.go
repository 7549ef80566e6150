package batch

// retries orders waiting slots by the time of their next attempt. It is a
// heap.Interface: a row in backoff holds neither a worker nor a connection.
type retries []*slot

func (r retries) Len() int           { return len(r) }
func (r retries) Less(i, j int) bool { return r[i].readyAt.Before(r[j].readyAt) }
func (r retries) Swap(i, j int)      { r[i], r[j] = r[j], r[i] }

// Push appends a slot; called by container/heap only.
func (r *retries) Push(x any) { *r = append(*r, x.(*slot)) }

// Pop removes the last slot; called by container/heap only.
func (r *retries) Pop() any {
	old := *r
	last := old[len(old)-1]
	old[len(old)-1] = nil
	*r = old[:len(old)-1]
	return last
}
