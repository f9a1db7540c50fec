// Command lambent-init is PID 1 of a light sandbox.
package main

func main() {}
