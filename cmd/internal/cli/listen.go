package cli

import (
	"errors"
	"fmt"
	"net"
	"syscall"
)

// ListenProblem says why a program cannot listen at the address that a flag
// names, and what to do about it.
func ListenProblem(flag, address string, err error) Problems {
	var wrong *net.AddrError
	switch {
	case errors.As(err, &wrong):
		return Problems{fmt.Sprintf("%s is %q; it takes an address and a port, such as 127.0.0.1:9464", flag, address)}
	case errors.Is(err, syscall.EADDRINUSE):
		return Problems{fmt.Sprintf("%s: another program is listening at %s; choose another port", flag, address)}
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return Problems{fmt.Sprintf("%s: this machine does not have the address %s; use one of its own, such as 127.0.0.1", flag, address)}
	case errors.Is(err, syscall.EACCES):
		return Problems{fmt.Sprintf("%s: you may not listen at %s; choose a port above 1023", flag, address)}
	}
	return Problems{flag + ": " + err.Error()}
}
