package firecracker

// Unpack is unpack, for its fuzz test.
func (r Release) Unpack(archive []byte, dir string) error { return r.unpack(archive, dir) }
