package cli

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestACommandIsKeptWithoutWhatMayBeSomebodysOwn(t *testing.T) {
	for want, args := range map[string][]string{
		"run -i 'a b.csv' -o out.csv":                                 {"run", "-i", "a b.csv", "-o", "out.csv"},
		"run --set 'lastName=…' --set customerType=Individual -o out": {"run", "--set", "lastName=CANARY", "--set", "customerType=Individual", "-o", "out"},
		"run '--set=First_Name=…' --set '…'":                          {"run", "--set=First_Name=CANARY=x", "--set", "CANARY"},
		"run --set 'nosuch=…' --set":                                  {"run", "--set", "nosuch=CANARY", "--set"},
		"run --app-secret-command 'vault …' -o out":                   {"run", "--app-secret-command", "vault read CANARY", "-o", "out"},
		"run --app-secret-command=/opt/secret":                        {"run", "--app-secret-command=/opt/secret"},
	} {
		assert.Equal(t, want, commandLine(args))
	}
}
