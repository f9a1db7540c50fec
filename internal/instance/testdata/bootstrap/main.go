// Command bootstrap is a custom runtime and function in one, on the standard library
// only. The event says what to do.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

var module int // lost with the process

func main() {
	if len(os.Args) > 1 { // the child that outlives its parent
		time.Sleep(time.Hour)
	}
	api := "http://" + os.Getenv("AWS_LAMBDA_RUNTIME_API") + "/2018-06-01/runtime/invocation/"
	for {
		res, err := http.Get(api + "next")
		if err != nil {
			os.Exit(90)
		}
		event, err := io.ReadAll(res.Body)
		if err != nil {
			os.Exit(91)
		}
		answer, _ := json.Marshal(handle(strings.Trim(string(event), `"`)))
		res, err = http.Post(api+res.Header.Get("Lambda-Runtime-Aws-Request-Id")+"/response", "application/json", strings.NewReader(string(answer)))
		if err != nil {
			os.Exit(92)
		}
		_ = res.Body.Close()
	}
}

func handle(do string) any {
	switch do {
	case "count":
		module++
		n, _ := os.ReadFile(filepath.Join(os.TempDir(), "n"))
		err := os.WriteFile(filepath.Join(os.TempDir(), "n"), append(n, 'x'), 0o600)
		return map[string]any{"module": module, "tmp": len(n) + 1, "error": fmt.Sprint(err)}
	case "sleep":
		fmt.Println("going to sleep")
		_ = exec.Command("/proc/self/exe", "child").Start()
		time.Sleep(time.Hour)
	case "exit":
		fmt.Fprintln(os.Stderr, "last words")
		os.Exit(7)
	case "kill":
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		time.Sleep(time.Hour)
	case "memory":
		var kept [][]byte
		for {
			block := make([]byte, 8<<20)
			for i := range block {
				block[i] = 1
			}
			kept = append(kept, block)
		}
	case "home":
		return home()
	case "print":
		for i := range 100 {
			fmt.Println("line", i)
		}
	}
	return do
}

func home() string {
	res, err := http.Get(os.Getenv("AWS_ENDPOINT_URL_LAMBDA"))
	if err != nil {
		return err.Error()
	}
	body, _ := io.ReadAll(res.Body)
	return string(body)
}
