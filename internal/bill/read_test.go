package bill

import (
	"bytes"
	"compress/gzip"
	"strings"
	"testing"
	"time"
)

const (
	warmLine  = "REPORT RequestId: 6f0f3a1c-0000-4000-8000-000000000001\tDuration: 102.25 ms\tBilled Duration: 103 ms\tMemory Size: 512 MB\tMax Memory Used: 128 MB\t"
	coldLine  = "REPORT RequestId: 6f0f3a1c-0000-4000-8000-000000000002\tDuration: 1.96 ms\tBilled Duration: 125 ms\tMemory Size: 128 MB\tMax Memory Used: 37 MB\tInit Duration: 122.31 ms\t"
	jsonLine  = `{"time":"2026-10-08T07:30:29.768Z","type":"platform.report","record":{"requestId":"r","metrics":{"durationMs":1233.96,"billedDurationMs":1698,"memorySizeMB":256,"maxMemoryUsedMB":123,"initDurationMs":463.512},"status":"success"}}`
	otherLine = "START RequestId: 6f0f3a1c-0000-4000-8000-000000000001 Version: $LATEST"
)

func ms(f float64) time.Duration { return time.Duration(f * float64(time.Millisecond)) }

var (
	warm  = Invocation{Function: "f", Duration: ms(102.25), Billed: ms(103), MemoryMB: 512, UsedMB: 128}
	cold  = Invocation{Function: "f", Duration: ms(1.96), Billed: ms(125), MemoryMB: 128, UsedMB: 37, Init: ms(122.31), Cold: true}
	asked = Invocation{Function: "f", Duration: ms(1233.96), Billed: ms(1698), MemoryMB: 256, UsedMB: 123, Init: ms(463.512), Cold: true, Ended: moment}
)

var moment = time.Date(2026, 10, 8, 7, 30, 29, 768e6, time.UTC)

func at(v Invocation, t time.Time) Invocation { v.Ended = t; return v }

func in(v Invocation, function string) Invocation { v.Function = function; return v }

func readAll(t *testing.T, text string) ([]Invocation, *Reader) {
	t.Helper()
	var got []Invocation
	r := &Reader{Function: "f", Each: func(v Invocation) error { got = append(got, v); return nil }}
	if err := r.Read(strings.NewReader(text)); err != nil {
		t.Fatal(err)
	}
	return got, r
}

func zipped(t *testing.T, text string) string {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestEveryForm(t *testing.T) {
	quoted := strings.ReplaceAll(coldLine, "\t", `\t`)
	for name, test := range map[string]struct {
		text string
		want []Invocation
	}{
		"text":                    {otherLine + "\n" + warmLine + "\n\n" + coldLine, []Invocation{warm, cold}},
		"export to S3":            {"2026-10-08T07:30:29.768Z " + warmLine + "\n", []Invocation{at(warm, moment)}},
		"aws logs tail":           {"2026-10-08T07:30:29.768000+00:00 2026/10/08/[$LATEST]0a " + warmLine + "\n", []Invocation{at(warm, moment)}},
		"lines that end in CR":    {warmLine + "\r\n" + coldLine + "\r\n", []Invocation{warm, cold}},
		"JSON records":            {jsonLine + "\n" + `{"level":"INFO","message":"hello"}` + "\n", []Invocation{asked}},
		"export of JSON":          {"2026-10-08T07:30:29.768Z " + jsonLine + "\n", []Invocation{asked}},
		"text and JSON":           {warmLine + "\n" + jsonLine, []Invocation{warm, asked}},
		"failed":                  {warmLine + "Status: timeout\n", []Invocation{{Function: "f", Duration: ms(102.25), Billed: ms(103), MemoryMB: 512, UsedMB: 128, Failed: true}}},
		"events, one each line":   {`{"timestamp":1791444629768,"message":"` + quoted + `"}`, []Invocation{at(cold, moment)}},
		"filter-log-events":       {"{\n  \"events\": [\n {\"logStreamName\": \"s\", \"timestamp\": 1791444629768,\n \"message\": \"" + quoted + "\"}, {\"message\":\"x\"}\n],\n \"searchedLogStreams\": []}", []Invocation{at(cold, moment)}},
		"get-query-results":       {`{"results":[[{"field":"@timestamp","value":"2026-10-08 07:30:29.768"},{"field":"@message","value":"` + quoted + `"},{"field":"@ptr","value":"p"}]],"status":"Complete"}`, []Invocation{at(cold, moment)}},
		"Insights, messages":      {"@timestamp,@message,@log\n2026-10-08 07:30:29.768,\"" + warmLine + "\n\",1234:/aws/lambda/shop\n2026-10-08 07:30:29.768,hello,x\n", []Invocation{in(at(warm, moment), "shop")}},
		"Insights, fields":        {"@timestamp,@duration,@billedDuration,@memorySize,@maxMemoryUsed,@initDuration\n2026-10-08 07:30:29.768,1.96,125.0,1.28E8,3.7E7,122.31\n2026-10-08 07:30:29.768,,,,,\n", []Invocation{at(cold, moment)}},
		"gzip":                    {zipped(t, warmLine+"\n"), []Invocation{warm}},
		"nothing":                 {"", nil},
		"a very long line before": {strings.Repeat("x", longestLine+100) + "\n" + warmLine, []Invocation{warm}},
	} {
		t.Run(name, func(t *testing.T) {
			got, r := readAll(t, test.text)
			if len(got) != len(test.want) {
				t.Fatalf("%+v, want %+v; %v", got, test.want, r.FirstError)
			}
			for i := range got {
				if got[i] != test.want[i] {
					t.Errorf("%+v\nwant %+v", got[i], test.want[i])
				}
			}
		})
	}
}

// A report that cannot be read is counted, and the rest is read.
func TestUnreadableReports(t *testing.T) {
	for name, text := range map[string]string{
		"not a time":        strings.Replace(warmLine, "102.25", "soon", 1),
		"a negative time":   strings.Replace(warmLine, "102.25", "-1", 1),
		"an endless time":   strings.Replace(warmLine, "102.25", "1e300", 1),
		"no memory":         strings.Replace(warmLine, "Memory Size: 512 MB", "", 1),
		"impossible memory": strings.Replace(warmLine, "512 MB", "99999999999 MB", 1),
		"JSON cut off":      jsonLine[:len(jsonLine)-9],
		"JSON without size": strings.Replace(jsonLine, `"memorySizeMB":256,`, "", 1),
		"JSON with NaN":     strings.Replace(jsonLine, "1698", "-5", 1),
	} {
		got, r := readAll(t, text+"\n"+warmLine+"\n")
		if len(got) != 1 || r.Unreadable != 1 || r.FirstError == nil {
			t.Errorf("%s: %d read, %d unreadable: %v", name, len(got), r.Unreadable, r.FirstError)
		}
	}
}

func TestBrokenFiles(t *testing.T) {
	for name, text := range map[string]string{
		"gzip cut off":     zipped(t, strings.Repeat(warmLine+"\n", 100))[:60],
		"gzip of nothing":  "\x1f\x8b",
		"document cut off": `{"events":[{"message":"`,
		"not JSON":         `{"events":[}`,
	} {
		r := &Reader{Each: func(Invocation) error { return nil }}
		if err := r.Read(strings.NewReader(text)); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func FuzzRead(f *testing.F) {
	for _, s := range []string{warmLine, coldLine, jsonLine, "@timestamp,@message\n1," + warmLine, `{"events":[{"message":"REPORT RequestId: "}]}`, "@billedDuration\n1E9999\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		r := &Reader{Each: func(v Invocation) error {
			if !v.valid() || v.Billed < 0 || v.Duration < 0 || v.Init < 0 || v.billedInit() > v.Billed {
				t.Errorf("%+v", v)
			}
			return nil
		}}
		_ = r.Read(bytes.NewReader(text))
	})
}
