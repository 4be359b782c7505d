//go:build go1.21

// What runs a handler of github.com/eawsy on today's runtimes: a client of the Runtime API, and the programming model
// of aws-lambda-go-shim, or of aws-lambda-go (2016), around it. lambdabuild lays this file over the package of such a
// function, with a second one that hands over the handler; neither is ever in the project.
//
//   - All that is declared here begins with lambdabuild, imports too: Go refuses a file that imports log in a package that
//     has a `log` of its own. Nor is any of `any`, `max`, `close` and `new` used, which a package may declare as well.
//   - The constraint above raises the language version of this file alone, over the `go 1.9` of a module of that time.
//   - Nothing but the standard library is imported, so that no go.mod, go.sum or vendor/modules.txt has to change.
//
// Sources: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html; lambda/invoke_loop.go, panic.go and
// runtime_api_client.go of github.com/aws/aws-lambda-go; src/runtime.go of eawsy's shim; proxy.go of the older model.
package main

import (
	lambdabuildBytes "bytes"
	lambdabuildJSON "encoding/json"
	lambdabuildFmt "fmt"
	lambdabuildIO "io"
	lambdabuildLog "log"
	lambdabuildHTTP "net/http"
	lambdabuildOS "os"
	lambdabuildReflect "reflect"
	lambdabuildGo "runtime"
	lambdabuildDebug "runtime/debug"
	lambdabuildStrconv "strconv"
	lambdabuildStrings "strings"
	lambdabuildAtomic "sync/atomic"
	lambdabuildTime "time"

	lambdabuildRuntime "github.com/eawsy/aws-lambda-go-core/service/lambda/runtime"
)

// lambdabuildHandler takes an event as JSON and returns the result as JSON.
type lambdabuildHandler func(payload []byte, ctx *lambdabuildRuntime.Context) ([]byte, error)

// lambdabuildAdapt decodes events for a handler and encodes what it returns. A handler that is nil gives nil.
//
// The second result may be of any type that is an error. Its zero value is no error: nil, or, of a type that has no nil,
// such as a struct, what `var x X` is.
func lambdabuildAdapt[E, R interface{}, X error](handle func(E, *lambdabuildRuntime.Context) (R, X)) lambdabuildHandler {
	if handle == nil {
		return nil
	}
	return func(payload []byte, ctx *lambdabuildRuntime.Context) ([]byte, error) {
		var event E
		if err := lambdabuildJSON.Unmarshal(payload, &event); err != nil {
			return nil, err
		}
		result, failure := handle(event, ctx)
		if !lambdabuildReflect.ValueOf(&failure).Elem().IsZero() {
			return nil, failure
		}
		return lambdabuildJSON.Marshal(result)
	}
}

// lambdabuildPointed follows a pointer to a handler. A pointer that is nil gives a handler that is nil.
func lambdabuildPointed[F interface{}](handle *F) F {
	if handle == nil {
		var none F
		return none
	}
	return *handle
}

// lambdabuildServe takes calls, one at a time, until the Runtime API fails or the handler panics. It never returns.
func lambdabuildServe(name string, handle lambdabuildHandler) {
	if handle == nil {
		lambdabuildRefuse("runtime: symbol " + name + " is not a function")
	}
	api := lambdabuildConnect()
	// An init, which this may be in, is locked to a thread, on which goroutines take turns more slowly.
	go func() {
		for {
			call, err := api.next()
			if err == nil {
				err = call.answer(handle)
			}
			if err != nil {
				lambdabuildLog.Fatalln(err)
			}
		}
	}()
	select {}
}

// lambdabuildRefuse tells the Runtime API that this function cannot start, and exits.
func lambdabuildRefuse(message string) {
	// The type that Lambda's own runtimes give where a module lacks the handler.
	failure := &lambdabuildFailure{Message: message, Type: "Runtime.HandlerNotFound"}
	if err := lambdabuildConnect().fail("init/error", failure); err != nil {
		lambdabuildLog.Println(err)
	}
	lambdabuildLog.Fatalln(message)
}

// lambdabuildCall is an event, and what came with it.
type lambdabuildCall struct {
	api     *lambdabuildAPI
	id      string
	header  lambdabuildHTTP.Header
	payload []byte
}

// answer runs the handler and posts what comes of it. An error ends the process, after which Lambda starts another.
func (call *lambdabuildCall) answer(handle lambdabuildHandler) error {
	lambdabuildRequestID.Store(call.id)
	lambdabuildOS.Setenv("_X_AMZN_TRACE_ID", call.header.Get("Lambda-Runtime-Trace-Id"))

	result, failure := call.run(handle)
	if failure == nil {
		return call.api.post("invocation/"+call.id+"/response", result, nil)
	}
	if !failure.panicked {
		lambdabuildLog.Printf("%s", failure.payload())
	}
	if err := call.api.fail("invocation/"+call.id+"/error", failure); err != nil {
		return err
	}
	if failure.panicked && !lambdabuildRegisters {
		return lambdabuildFmt.Errorf("the handler panicked: the process exits, and Lambda starts another")
	}
	return nil
}

// run returns the result as JSON, or what went wrong. A panic is logged: the older model did so and went on, the shim
// left it to Go, which prints the stack and ends the process.
func (call *lambdabuildCall) run(handle lambdabuildHandler) (result []byte, failure *lambdabuildFailure) {
	returned := false
	defer func() {
		if value := recover(); value != nil || !returned {
			if value == nil { // panic(nil), in a module with `go 1.20` or less
				value = &lambdabuildGo.PanicNilError{}
			}
			format := "panic: %v\n\n%s"
			if lambdabuildRegisters {
				format = "%v\n%s"
			}
			lambdabuildLog.Printf(format, value, lambdabuildDebug.Stack())
			result, failure = nil, lambdabuildFailed(value, lambdabuildFmt.Sprint(value))
			failure.Stack, failure.panicked = lambdabuildFrames(), true
		}
	}()
	ctx, err := call.context()
	if err == nil {
		result, err = handle(call.payload, ctx)
	}
	if err != nil {
		result, failure = nil, lambdabuildFailed(err, err.Error())
	}
	returned = true
	return result, failure
}

// context returns what eawsy's runtimes made of the context object of Python.
func (call *lambdabuildCall) context() (*lambdabuildRuntime.Context, error) {
	deadline, err := lambdabuildStrconv.ParseInt(call.header.Get("Lambda-Runtime-Deadline-Ms"), 10, 64)
	if err != nil {
		return nil, lambdabuildFmt.Errorf("failed to parse the deadline: %w", err)
	}
	identity, err := call.identity()
	if err != nil {
		return nil, err
	}
	client, err := call.client()
	if err != nil {
		return nil, err
	}
	document, err := lambdabuildJSON.Marshal(map[string]interface{}{
		"function_name":        lambdabuildOS.Getenv("AWS_LAMBDA_FUNCTION_NAME"),
		"function_version":     lambdabuildOS.Getenv("AWS_LAMBDA_FUNCTION_VERSION"),
		"invoked_function_arn": call.header.Get("Lambda-Runtime-Invoked-Function-Arn"),
		"memory_limit_in_mb":   lambdabuildMemory(),
		"aws_request_id":       call.id,
		"log_group_name":       lambdabuildOS.Getenv("AWS_LAMBDA_LOG_GROUP_NAME"),
		"log_stream_name":      lambdabuildOS.Getenv("AWS_LAMBDA_LOG_STREAM_NAME"),
		"identity":             identity,
		"client_context":       client,
	})
	if err != nil {
		return nil, err
	}
	ctx := &lambdabuildRuntime.Context{}
	if err := lambdabuildJSON.Unmarshal(document, ctx); err != nil {
		return nil, err
	}
	end := lambdabuildTime.UnixMilli(deadline)
	ctx.RemainingTimeInMillis = func() int64 {
		if left := lambdabuildTime.Until(end).Milliseconds(); left > 0 {
			return left
		}
		return 0
	}
	return ctx, nil
}

// lambdabuildMemory returns the memory of this function, in MB: a number in a string, as Python has it.
func lambdabuildMemory() string {
	limit, err := lambdabuildStrconv.Atoi(lambdabuildOS.Getenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE"))
	if err != nil {
		return "0"
	}
	return lambdabuildStrconv.Itoa(limit)
}

// identity returns who called by way of Amazon Cognito. Without that, it is nil in the older model, and in the shim
// empty: Python has an object of such fields at all times, which the shim took over.
func (call *lambdabuildCall) identity() (map[string]string, error) {
	var cognito struct{ CognitoIdentityID, CognitoIdentityPoolID string }
	if header := call.header.Get("Lambda-Runtime-Cognito-Identity"); header != "" {
		if err := lambdabuildJSON.Unmarshal([]byte(header), &cognito); err != nil {
			return nil, err
		}
	}
	if lambdabuildRegisters && cognito.CognitoIdentityID == "" && cognito.CognitoIdentityPoolID == "" {
		return nil, nil
	}
	return map[string]string{
		"cognito_identity_id":      cognito.CognitoIdentityID,
		"cognito_identity_pool_id": cognito.CognitoIdentityPoolID,
	}, nil
}

// client returns the context that a client sent, or nil. Values that are no strings become their JSON, as in
// aws-lambda-go: the maps of Context have strings.
func (call *lambdabuildCall) client() (interface{}, error) {
	header := call.header.Get("Lambda-Runtime-Client-Context")
	if header == "" {
		return nil, nil
	}
	var sent *struct {
		Client lambdabuildJSON.RawMessage            `json:"client,omitempty"`
		Custom map[string]lambdabuildJSON.RawMessage `json:"custom"`
		Env    map[string]lambdabuildJSON.RawMessage `json:"env"`
	}
	if err := lambdabuildJSON.Unmarshal([]byte(header), &sent); err != nil || sent == nil {
		return nil, err
	}
	for _, values := range []map[string]lambdabuildJSON.RawMessage{sent.Custom, sent.Env} {
		for name, value := range values {
			var text string
			if lambdabuildJSON.Unmarshal(value, &text) != nil {
				values[name], _ = lambdabuildJSON.Marshal(string(value))
			}
		}
	}
	return sent, nil
}

// lambdabuildFailure is what Lambda knows of an error or a panic.
type lambdabuildFailure struct {
	Message  string             `json:"errorMessage"`
	Type     string             `json:"errorType"`
	Stack    []lambdabuildFrame `json:"stackTrace,omitempty"`
	panicked bool
}

type lambdabuildFrame struct {
	Path  string `json:"path"`
	Line  int    `json:"line"`
	Label string `json:"label"`
}

// lambdabuildFailed describes an error, or what a panic was given; its type is the name of the value's, behind pointers.
func lambdabuildFailed(value interface{}, message string) *lambdabuildFailure {
	failure := &lambdabuildFailure{Message: message}
	if kind := lambdabuildReflect.TypeOf(value); kind != nil {
		for kind.Kind() == lambdabuildReflect.Ptr {
			kind = kind.Elem()
		}
		failure.Type = kind.Name()
	}
	return failure
}

// payload returns the failure as JSON, which cannot fail: it has strings and numbers.
func (failure *lambdabuildFailure) payload() []byte {
	payload, _ := lambdabuildJSON.Marshal(failure)
	return payload
}

// cause returns the failure as X-Ray shows it.
func (failure *lambdabuildFailure) cause() []byte {
	directory, _ := lambdabuildOS.Getwd()
	stack, paths, known := failure.Stack, []string{}, map[string]bool{}
	if stack == nil {
		stack = []lambdabuildFrame{}
	}
	for _, frame := range stack {
		if !known[frame.Path] {
			known[frame.Path] = true
			paths = append(paths, frame.Path)
		}
	}
	cause, _ := lambdabuildJSON.Marshal(map[string]interface{}{
		"working_directory": directory,
		"paths":             paths,
		"exceptions": []map[string]interface{}{
			{"type": failure.Type, "message": failure.Message, "stack": stack},
		},
	})
	// The one control character that JSON leaves as it is, and that a header may not have.
	return lambdabuildBytes.ReplaceAll(cause, []byte{0x7f}, []byte(`\u007f`))
}

// lambdabuildFrames returns, for a deferred function, where the panic was, and who called: the handler's frames alone,
// the innermost first, 32 at most.
func lambdabuildFrames() []lambdabuildFrame {
	var counters [64]uintptr
	frames := lambdabuildGo.CallersFrames(counters[:lambdabuildGo.Callers(3, counters[:])])
	found := []lambdabuildFrame{}
	for more := true; more && len(found) < 32; {
		var frame lambdabuildGo.Frame
		frame, more = frames.Next()
		// `main.main.lambdabuildAdapt` where Go has inlined it.
		inMain := lambdabuildStrings.HasPrefix(frame.Function, "main.")
		if inMain && lambdabuildStrings.Contains(frame.Function, "lambdabuild") {
			break
		}
		// gopanic, and what calls it for an index out of range or a nil pointer.
		if len(found) > 0 || !lambdabuildStrings.HasPrefix(frame.Function, "runtime.") {
			found = append(found, lambdabuildPlace(frame))
		}
	}
	return found
}

// lambdabuildPlace names a file by its import path, as far as it has one, and a function without its package.
func lambdabuildPlace(frame lambdabuildGo.Frame) lambdabuildFrame {
	elements := lambdabuildStrings.Split(frame.File, "/")
	// A directory for each element of the import path, and the file.
	kept := lambdabuildStrings.Count(frame.Function, "/") + 2
	if kept < len(elements) {
		elements = elements[len(elements)-kept:]
	}
	label := frame.Function[lambdabuildStrings.LastIndex(frame.Function, "/")+1:]
	label = label[lambdabuildStrings.Index(label, ".")+1:]
	return lambdabuildFrame{lambdabuildStrings.Join(elements, "/"), frame.Line, label}
}

// lambdabuildAPI is Lambda, as a runtime sees it.
type lambdabuildAPI struct {
	address string
	client  *lambdabuildHTTP.Client
}

// lambdabuildConnect returns the Runtime API. Without its address, it says so and exits.
func lambdabuildConnect() *lambdabuildAPI {
	address := lambdabuildOS.Getenv("AWS_LAMBDA_RUNTIME_API")
	if address == "" {
		lambdabuildLog.Fatalln(
			"AWS_LAMBDA_RUNTIME_API is not set: this program runs in AWS Lambda, or by `lambdabuild invoke`",
		)
	}
	// No timeout, since a call may be hours away; and never a proxy, whatever the environment says.
	client := &lambdabuildHTTP.Client{Transport: &lambdabuildHTTP.Transport{DisableCompression: true}}
	return &lambdabuildAPI{"http://" + address + "/2018-06-01/runtime/", client}
}

// next waits for a call.
func (api *lambdabuildAPI) next() (*lambdabuildCall, error) {
	header, payload, err := api.send("GET", "invocation/next", nil, nil, lambdabuildHTTP.StatusOK)
	if err != nil {
		return nil, err
	}
	return &lambdabuildCall{api, header.Get("Lambda-Runtime-Aws-Request-Id"), header, payload}, nil
}

// post sends JSON, with header fields.
func (api *lambdabuildAPI) post(path string, payload []byte, fields map[string]string) error {
	_, _, err := api.send("POST", path, payload, fields, lambdabuildHTTP.StatusAccepted)
	return err
}

// fail posts a failure. A cause of 1 MiB or more is left out, as Lambda would not take it.
func (api *lambdabuildAPI) fail(path string, failure *lambdabuildFailure) error {
	fields := map[string]string{}
	if failure.Type != "" {
		fields["Lambda-Runtime-Function-Error-Type"] = failure.Type
	}
	if cause := failure.cause(); len(cause) < 1<<20 {
		fields["Lambda-Runtime-Function-XRay-Error-Cause"] = string(cause)
	}
	return api.post(path, failure.payload(), fields)
}

// send returns what the Runtime API answers; another status than the one that is expected is an error.
func (api *lambdabuildAPI) send(
	method, path string, payload []byte, fields map[string]string, expected int,
) (lambdabuildHTTP.Header, []byte, error) {
	request, err := lambdabuildHTTP.NewRequest(method, api.address+path, lambdabuildBytes.NewReader(payload))
	if err != nil {
		return nil, nil, err
	}
	request.Header.Set("User-Agent", "lambdabuild-eawsy/"+lambdabuildGo.Version())
	if method == "POST" {
		request.Header.Set("Content-Type", "application/json")
	}
	for name, value := range fields {
		request.Header.Set(name, value)
	}
	response, err := api.client.Do(request)
	if err != nil {
		return nil, nil, err
	}
	defer response.Body.Close()
	answer, err := lambdabuildIO.ReadAll(response.Body)
	if err != nil {
		return nil, nil, lambdabuildFmt.Errorf("%s %s: %w", method, request.URL, err)
	}
	if response.StatusCode != expected {
		return nil, nil, lambdabuildFmt.Errorf("%s %s: %s: %s", method, request.URL, response.Status, answer)
	}
	return response.Header, answer, nil
}

// lambdabuildRequestID is the call that is running, or the last one.
var lambdabuildRequestID lambdabuildAtomic.Value

// Variables are set before any init of this package, and after those of all that it imports: what these chose stays,
// and what an init or the handler here chooses comes later.
var _ = lambdabuildLogs()

// lambdabuildLogs has package log write as the runtime did that this function was written for.
func lambdabuildLogs() bool {
	lambdabuildRequestID.Store("00000000-0000-0000-0000-000000000000")
	flags := lambdabuildLog.Ldate | lambdabuildLog.Ltime | lambdabuildLog.Lmicroseconds | lambdabuildLog.LUTC
	if lambdabuildRegisters {
		flags = 0
		if lambdabuildLog.Writer() == lambdabuildOS.Stderr {
			lambdabuildLog.SetOutput(lambdabuildLines{})
		}
	}
	if lambdabuildLog.Flags() == lambdabuildLog.LstdFlags {
		lambdabuildLog.SetFlags(flags)
	}
	return true
}

// lambdabuildLines writes what is logged with the time and the request ID before it, in one piece.
type lambdabuildLines struct{}

func (lambdabuildLines) Write(line []byte) (int, error) {
	now := lambdabuildTime.Now().UTC().Format("2006-01-02T15:04:05.999Z")
	_, err := lambdabuildFmt.Fprintf(lambdabuildOS.Stderr, "%s\t%s\t%s", now, lambdabuildRequestID.Load(), line)
	return len(line), err
}
