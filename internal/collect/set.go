package collect

import "hash/maphash"

// seed is of this process: nobody can choose digests that look alike.
var seed = maphash.MakeSeed()

// set holds digests by a hash of them, a tenth of their size. That any two of 100,000 look
// alike happens once in 10^9 sets; then one package stays that could go.
type set map[uint64]struct{}

func (s set) add(digest string)      { s[maphash.String(seed, digest)] = struct{}{} }
func (s set) has(digest string) bool { _, found := s[maphash.String(seed, digest)]; return found }
