package lambdaapi

import (
	"net/http/httptest"
	"strings"
	"testing"
)

// BenchmarkInvoke is what the API adds to a warm invocation, without a network.
func BenchmarkInvoke(b *testing.B) {
	handler := New(Deps{Invoker: router(echo)}).Handler()
	for b.Loop() {
		r := httptest.NewRequest("POST", functions+"/thumbnail/invocations", strings.NewReader(`{"name":"picture.png"}`))
		r.Host = "127.0.0.1:9700"
		w := httptest.NewRecorder()
		if handler.ServeHTTP(w, r); w.Code != 200 {
			b.Fatal(w.Code)
		}
	}
}
