package session

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"syscall"
)

// ThisMachine reports a host of a plain-text address that stands for this machine: the
// name localhost in any case, or an address. With the dot of a complete name it
// is asked of name servers beyond this machine; a zone names an interface, which
// this machine's own address does not need. What the name leads to is looked at
// again when it is dialed.
func ThisMachine(host string) bool {
	if ip, err := netip.ParseAddr(host); err == nil {
		return ip.IsLoopback() && ip.Zone() == ""
	}
	return strings.EqualFold(host, "localhost")
}

// elsewhereError is an address beyond this machine, where plain http does not
// go. Nothing was sent.
type elsewhereError struct{ address string }

func (e *elsewhereError) Error() string {
	return fmt.Sprintf("the plain-http address leads to %s, which is not this machine; nothing was sent", e.address)
}

// onlyThisMachine is a net.Dialer's Control. It sees the address after the name
// was looked up and before anything is sent, so a hosts file or a name server
// that says something else of localhost gets nothing.
func onlyThisMachine(_, address string, _ syscall.RawConn) error {
	if to, err := netip.ParseAddrPort(address); err != nil || !to.Addr().IsLoopback() {
		return &elsewhereError{address}
	}
	return nil
}

// isElsewhere reports a dial that onlyThisMachine refused.
func isElsewhere(err error) bool {
	var elsewhere *elsewhereError
	return errors.As(err, &elsewhere)
}
