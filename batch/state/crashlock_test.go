package state

func (d *disk) Lock(name string) (Lock, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.locked[name] {
		return nil, errHeld
	}
	d.locked[name] = true
	return diskLock{d, name}, nil
}

// diskLock is a lock without a file.
type diskLock struct {
	*disk
	name string
}

func (l diskLock) Unlock() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.locked, l.name)
	return nil
}

func (l diskLock) Remove() error {
	l.mu.Lock()
	err, _ := l.do()
	l.mu.Unlock()
	if err != nil {
		return err
	}
	return l.Unlock()
}
