// Stands before the real `go` on PATH, writes down what it is started for, and can do something just
// before or after. In Go: a script would be taken for a version manager's, which is asked each time.

package main

import (
	"os"
	"os/exec"
)

func hook(when string) {
	if command := os.Getenv("RECORDER_" + when + "_" + os.Args[1]); command != "" {
		if output, err := exec.Command("sh", "-ec", command).CombinedOutput(); err != nil {
			panic(string(output))
		}
	}
}

func main() {
	log, err := os.OpenFile(os.Getenv("RECORDER_LOG"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o666)
	if err != nil {
		panic(err)
	}
	log.WriteString(os.Args[1] + "\n")
	log.Close()
	hook("BEFORE")
	command := exec.Command(os.Getenv("RECORDER_GO"), os.Args[1:]...)
	command.Stdin, command.Stdout, command.Stderr = os.Stdin, os.Stdout, os.Stderr
	command.Run()
	hook("AFTER")
	os.Exit(command.ProcessState.ExitCode())
}
