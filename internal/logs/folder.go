package logs

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"

	"lambent.dev/lambent/internal/lambda"
)

// folderOf is where a function's segments are. Any ID gives a folder of its own below
// the store's, whatever its bytes.
func folderOf(id lambda.FunctionID) string {
	return path.Join(component(id.Account), component(id.Region), component(id.Name))
}

// maxComponent leaves room below the 255 bytes of a file's name.
const maxComponent = 200

// component escapes all bytes but letters, digits, '-' and '_' as %XX. What is too long
// becomes its hash, what is empty a mark, in forms that no escape has.
func component(text string) string {
	var b strings.Builder
	for i := range len(text) {
		if c := text[i]; plain(c) {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	switch {
	case b.Len() == 0:
		return "%"
	case b.Len() > maxComponent:
		return fmt.Sprintf("%%%%%x", sha256.Sum256([]byte(text)))
	}
	return b.String()
}

func plain(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '_'
}

const segmentSuffix = ".log"

func segmentName(folder string, number uint64) string {
	return path.Join(folder, fmt.Sprintf("%020d%s", number, segmentSuffix))
}

// segments lists the numbers of a folder's segments, oldest first; none if there is no
// such folder. Other files are not looked at.
func segments(root *os.Root, folder string) ([]uint64, error) {
	entries, err := fs.ReadDir(root.FS(), folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var numbers []uint64
	for _, e := range entries {
		number, err := strconv.ParseUint(strings.TrimSuffix(e.Name(), segmentSuffix), 10, 64)
		if err == nil && segmentName(folder, number) == path.Join(folder, e.Name()) {
			numbers = append(numbers, number)
		}
	}
	slices.Sort(numbers)
	return numbers, nil
}

// folders lists all functions' folders.
func folders(root *os.Root) ([]string, error) { return fs.Glob(root.FS(), "*/*/*") }
