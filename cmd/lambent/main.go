// Command lambent runs functions: see package cli.
package main

func main() {}
