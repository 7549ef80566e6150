package cli

import (
	"io/fs"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestASecretFileThatOthersMayReadIsRefusedUnlessSomebodyElsePutItThere(t *testing.T) {
	cases := []struct {
		name             string
		mode             fs.FileMode
		fixable          bool
		refused, warning bool
	}{
		{"closed", 0o600, true, false, false},
		{"closed and read-only", 0o400, true, false, false},
		{"open to the group", 0o640, true, true, false},
		{"open to everybody", 0o644, true, true, false},
		{"writable by everybody", 0o602, true, true, false},
		{"of Kubernetes, with fsGroup", 0o440, false, false, false},
		{"of Kubernetes, by default", 0o644, false, false, true},
		{"of Docker", 0o444, false, false, true},
		{"of systemd", 0o400, false, false, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			warning, err := exposed("secret", "app secret", c.mode, c.fixable)
			assert.Equal(t, c.refused, err != nil)
			assert.Equal(t, c.warning, warning != "")
		})
	}
}
