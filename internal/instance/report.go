package instance

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"lambent.dev/lambent/internal/lambda"
)

// report is what END and REPORT show of one invocation.
type report struct {
	at        time.Time
	requestID string
	tenant    string // "" = none
	duration  time.Duration
	init      time.Duration // 0 = not shown: warm, or inside duration
	restore   restoreReport
	memory    int   // MiB
	peak      int64 // bytes
	failure   *fault
}

// initReport is what INIT_REPORT shows; it is written for failures, and where no REPORT
// shows the initialisation.
type initReport struct {
	at        time.Time
	kind      string // as AWS_LAMBDA_INITIALIZATION_TYPE has it
	phase     string // "init", or "invoke" for one inside an invocation
	duration  time.Duration
	status    string
	errorType string
}

// reportOf gathers what an invocation reports.
func (i *Instance) reportOf(c *call, failure *fault, took time.Duration) report {
	r := report{
		at: time.Now(), requestID: c.inv.RequestID, tenant: c.inv.TenantID, duration: took,
		memory: i.target.Version.MemorySize, peak: c.receipt.MemoryPeak, failure: failure, restore: c.restored,
	}
	if i.fresh.Swap(false) {
		r.init = i.initTook
	}
	return r
}

// billed is what AWS would bill: whole milliseconds, with the initialisation or the hooks
// of a restore.
func (r report) billed() int64 { return wholeMilliseconds(r.duration + r.init + r.restore.hooks) }

func wholeMilliseconds(d time.Duration) int64 { return int64(math.Ceil(ms(d))) }

// maxMemory is the peak in whole MiB.
func (r report) maxMemory() int64 { return (r.peak + 1<<20 - 1) >> 20 }

// fatal reports whether the environment, not the handler, failed: only that has a
// status in REPORT's text form.
func (r report) fatal() bool { return r.failure != nil && r.failure.reported == nil }

// logInit writes INIT_REPORT for an initialisation that failed or took too long, and
// returns failure.
func (i *Instance) logInit(phase string, started time.Time, failure *fault, err error) *fault {
	r := initReport{at: time.Now(), kind: initialisationType(i.target), phase: phase, duration: time.Since(started)}
	switch {
	case failure != nil:
		r.status, r.errorType = failure.status(), failure.errorType()
	case errors.Is(err, errInitTimeout), errors.Is(err, errTimeout):
		r.status = "timeout"
	default:
		return nil
	}
	i.log.initReport(r)
	return failure
}

// lineFormat makes the platform's lines; "" for a line that is not written.
type lineFormat interface {
	initStart(t *lambda.Target, stream string, now time.Time) string
	initReport(r initReport) string
	restoreStart(t *lambda.Target, stream string, now time.Time) string
	restoreRuntimeDone(r restoreReport) string
	restoreReport(r restoreReport) string
	start(t *lambda.Target, inv *lambda.Invocation, now time.Time) string
	end(r report) string
	report(r report) string
}

func formatOf(t *lambda.Target, emulated bool) lineFormat {
	if writesJSON(t) {
		return jsonFormat{level: orDefault(t.Version.Logging.SystemLevel, "INFO"), emulated: emulated}
	}
	return textFormat{emulated}
}

// writesJSON reports whether a function logs JSON. One that takes many requests at once
// always does, as on AWS: lines of text could not be told apart (Developer Guide,
// "Python runtime for Lambda Managed Instances").
func writesJSON(t *lambda.Target) bool { return t.Version.Logging.Format == "JSON" || t.Shared() }

// textFormat writes the lines as AWS does, tabs included, and the isolation after that. Source: lines recorded from
// AWS; Developer Guide, "Working with Lambda function logs".
type textFormat struct{ emulated bool }

func (f textFormat) initStart(t *lambda.Target, _ string, _ time.Time) string {
	return fmt.Sprintf("INIT_START Runtime Version: %s\tRuntime Version ARN: %s\tIsolation: %s", runtimeVersion(t), runtimeARN(t), isolationOf(t, f.emulated))
}

func (textFormat) initReport(r initReport) string {
	line := fmt.Sprintf("INIT_REPORT Init Duration: %.2f ms\tPhase: %s\tStatus: %s", ms(r.duration), r.phase, r.status)
	if r.errorType != "" {
		line += "\tError Type: " + oneLine(r.errorType)
	}
	return line
}

func (textFormat) restoreStart(t *lambda.Target, _ string, _ time.Time) string {
	return fmt.Sprintf("RESTORE_START Runtime Version: %s\tRuntime Version ARN: %s", runtimeVersion(t), runtimeARN(t))
}

func (textFormat) restoreRuntimeDone(restoreReport) string { return "" }

func (textFormat) restoreReport(r restoreReport) string {
	line := fmt.Sprintf("RESTORE_REPORT Restore Duration: %.2f ms", ms(r.took))
	if r.errorType != "" {
		line += "\tStatus: " + r.status() + "\tError Type: " + oneLine(r.errorType)
	}
	return line
}

func (textFormat) start(t *lambda.Target, inv *lambda.Invocation, _ time.Time) string {
	return "START RequestId: " + inv.RequestID + " Version: " + t.Version.Version
}

func (textFormat) end(r report) string { return "END RequestId: " + r.requestID }

func (textFormat) report(r report) string {
	line := fmt.Sprintf("REPORT RequestId: %s\tDuration: %.2f ms\tBilled Duration: %d ms\tMemory Size: %d MB\tMax Memory Used: %d MB\t",
		r.requestID, ms(r.duration), r.billed(), r.memory, r.maxMemory())
	if r.init > 0 {
		line += fmt.Sprintf("Init Duration: %.2f ms\t", ms(r.init))
	}
	if r.restore.took > 0 {
		line += fmt.Sprintf("Restore Duration: %.2f ms\tBilled Restore Duration: %d ms\t", ms(r.restore.took), r.restore.billed())
	}
	if r.fatal() {
		line += "Status: " + r.failure.status()
		if r.failure.status() == "error" {
			line += "\tError Type: " + r.failure.errorType()
		}
	}
	return line
}

// jsonFormat writes one record a line. Source: records as AWS writes them; Developer
// Guide, "Lambda Telemetry API Event schema reference".
type jsonFormat struct {
	level    string
	emulated bool
}

// isolationOf names the tier of an instance, and says so where software stands in for the processor.
func isolationOf(t *lambda.Target, emulated bool) string {
	if emulated {
		return t.Tier.String() + " (software emulation)"
	}
	return t.Tier.String()
}

// fields is a record of the log.
type fields map[string]any

func record(at time.Time, kind string, of fields) string {
	line, err := json.Marshal(struct {
		Time   string `json:"time"`
		Type   string `json:"type"`
		Record fields `json:"record"`
	}{at.UTC().Format("2006-01-02T15:04:05.000Z"), kind, of})
	if err != nil { // strings and finite numbers always marshal
		return ""
	}
	return string(line)
}

// quiet reports whether lines of level INFO are not wanted.
func (f jsonFormat) quiet() bool { return f.level == "WARN" }

func (f jsonFormat) initStart(t *lambda.Target, stream string, now time.Time) string {
	if f.quiet() {
		return ""
	}
	return record(now, "platform.initStart", fields{
		"initializationType": initialisationType(t), "phase": "init", "runtimeVersion": runtimeVersion(t),
		"runtimeVersionArn": runtimeARN(t), "functionName": t.ID.Name, "functionVersion": t.Version.Version,
		"instanceId": stream, "instanceMaxMemory": int64(t.Version.MemorySize) << 20, "isolation": isolationOf(t, f.emulated),
	})
}

func (f jsonFormat) restoreStart(t *lambda.Target, stream string, now time.Time) string {
	if f.quiet() {
		return ""
	}
	return record(now, "platform.restoreStart", fields{
		"runtimeVersion": runtimeVersion(t), "runtimeVersionArn": runtimeARN(t),
		"functionName": t.ID.Name, "functionVersion": t.Version.Version,
		"instanceId": stream, "instanceMaxMemory": int64(t.Version.MemorySize) << 20,
	})
}

// restoreRuntimeDone is of level DEBUG, as platform.runtimeDone is.
func (f jsonFormat) restoreRuntimeDone(r restoreReport) string {
	if f.level != "DEBUG" {
		return ""
	}
	of := fields{}
	r.addStatus(of)
	return record(r.at, "platform.restoreRuntimeDone", of)
}

func (f jsonFormat) restoreReport(r restoreReport) string {
	if f.quiet() && r.errorType == "" {
		return ""
	}
	of := fields{"metrics": fields{"durationMs": rounded(r.took)}}
	r.addStatus(of)
	return record(r.at, "platform.restoreReport", of)
}

func (f jsonFormat) initReport(r initReport) string {
	of := fields{
		"initializationType": r.kind, "phase": r.phase, "status": r.status,
		"metrics": fields{"durationMs": rounded(r.duration)},
	}
	if r.errorType != "" {
		of["errorType"] = r.errorType
	}
	return record(r.at, "platform.initReport", of)
}

func (f jsonFormat) start(t *lambda.Target, inv *lambda.Invocation, now time.Time) string {
	if f.quiet() {
		return ""
	}
	return record(now, "platform.start", of(inv.TenantID, fields{
		"requestId": inv.RequestID, "functionArn": t.ID.ARN(), "version": t.Version.Version,
	}))
}

// end is platform.runtimeDone, of level DEBUG.
func (f jsonFormat) end(r report) string {
	if f.level != "DEBUG" {
		return ""
	}
	done := of(r.tenant, fields{"requestId": r.requestID, "metrics": fields{"durationMs": rounded(r.duration)}})
	r.addStatus(done)
	return record(r.at, "platform.runtimeDone", done)
}

func (f jsonFormat) report(r report) string {
	if f.quiet() && r.failure == nil {
		return ""
	}
	metrics := fields{
		"durationMs": rounded(r.duration), "billedDurationMs": r.billed(),
		"memorySizeMB": r.memory, "maxMemoryUsedMB": r.maxMemory(),
	}
	if r.init > 0 {
		metrics["initDurationMs"] = rounded(r.init)
	}
	if r.restore.took > 0 {
		metrics["restoreDurationMs"], metrics["billedRestoreDurationMs"] = rounded(r.restore.took), r.restore.billed()
	}
	ended := of(r.tenant, fields{"requestId": r.requestID, "metrics": metrics})
	r.addStatus(ended)
	return record(r.at, "platform.report", ended)
}

// of adds whose an invocation was. Source: AWS Lambda Developer Guide, "Monitoring
// tenant-isolated functions".
func of(tenant string, record fields) fields {
	if tenant != "" {
		record["tenantId"] = tenant
	}
	return record
}

func (r report) addStatus(of fields) {
	of["status"] = "success"
	if r.failure == nil {
		return
	}
	of["status"] = r.failure.status()
	if r.failure.status() == "error" {
		of["errorType"] = r.failure.errorType()
	}
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// rounded is d in ms with three digits, as AWS's records have.
func rounded(d time.Duration) float64 { return math.Round(ms(d)*1000) / 1000 }

// oneLine keeps what a runtime reported from making lines of its own.
func oneLine(s string) string { return strings.NewReplacer("\n", " ", "\r", " ", "\t", " ").Replace(s) }

// runtimeVersion writes python3.12 as python:3.12 and provided.al2023 as
// provided:al2023.
func runtimeVersion(t *lambda.Target) string {
	name := t.Version.Runtime
	at := strings.IndexAny(name, ".0123456789")
	if at < 0 {
		return name
	}
	return name[:at] + ":" + strings.TrimPrefix(name[at:], ".")
}

// runtimeARN names the runtime as AWS does: by 64 hex digits.
func runtimeARN(t *lambda.Target) string {
	return fmt.Sprintf("arn:aws:lambda:%s::runtime:%x", t.ID.Region, sha256.Sum256([]byte(t.Version.Runtime)))
}
