package microvm

import (
	"fmt"
	"math"
)

// A machine has more memory than its class, all of which commands may use: were it less, the guest's
// kernel would be short of memory before commands meet their limit, and crawl for half a minute
// instead of ending the one that hoards. TestGuestHasItsClassForCommands holds it.
const (
	// guestOverhead is what a guest's kernel and agent need beside commands, in bytes.
	guestOverhead = 96 << 20
	// guestShare is the part of a machine's memory, as a divisor, in which its kernel keeps account of
	// the rest: 64 bytes for each page, and tables that grow with it.
	guestShare = 32
)

// machineMemory is what the machine of a class in MiB has, in bytes.
func machineMemory(class int) int64 { return int64(class+class/guestShare)<<20 + guestOverhead }

// keepsFree has a guest's kernel keep as much free as it does without huge pages, for which it would
// keep up to a tenth of a small machine. Source: the kernel's mm/page_alloc.c, calculate_min_free_kbytes,
// and mm/khugepaged.c, set_recommended_min_free_kbytes.
func keepsFree(memory int64) string {
	return fmt.Sprintf(" sysctl.vm.min_free_kbytes=%.0f", math.Sqrt(16*float64(memory>>10)))
}
