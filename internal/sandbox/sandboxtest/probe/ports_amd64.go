package main

import "golang.org/x/sys/unix"

// ports asks for the port that nothing listens at but a debugger of the BIOS (ioperm(2)).
func ports([]string) (string, error) {
	becomeRoot()
	const diagnostics = 0x80
	_, err := call(nil, unix.SYS_IOPERM, diagnostics, 1, 1)
	return "", err
}

// modifyLDT reads an empty table (modify_ldt(2)).
func modifyLDT([]string) (string, error) {
	_, err := call(nil, unix.SYS_MODIFY_LDT, 0, 0, 0)
	return "", err
}
