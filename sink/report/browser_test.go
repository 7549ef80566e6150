package report

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// frames shows pages at widths, which windows cannot all have, and writes down
// what came of it. The pages themselves run nothing.
const frames = `<!DOCTYPE html><title>frames</title><body><script>
for (const name of ["night", "hostile"]) for (const width of [320, 390, 1440]) {
	const frame = document.createElement("iframe"), found = document.createElement("p");
	frame.width = width, frame.height = 900, frame.style.border = 0, frame.src = "/" + name;
	frame.onload = () => {
		const page = frame.contentDocument, at = page.scrollingElement;
		const edge = page.querySelector("header").getBoundingClientRect().right + 1;
		const wide = [...page.querySelectorAll("main *")].filter(n => n.getBoundingClientRect().right > edge).map(n => n.tagName);
		const shown = page.body.innerText.includes("<script>alert(1)<\/script>");
		found.textContent = [name, width, at.clientWidth, at.scrollWidth, page.scripts.length, shown, "[" + wide + "]"].join(" ");
	};
	document.body.append(frame, found);
}</script>`

func TestABrowserShowsThePageWholeOnAPhoneAndOnADesk(t *testing.T) {
	browser := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "chrome"} {
		if path, err := exec.LookPath(name); err == nil && browser == "" {
			browser = path
		}
	}
	if browser == "" {
		t.Skip("no Chromium on this machine")
	}
	mux := http.NewServeMux()
	for name, p := range map[string]*Page{"/night": pageOf(night()), "/hostile": hostilePage()} {
		text, _ := written(t, p)
		mux.HandleFunc(name, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, text) })
	}
	mux.HandleFunc("/frames", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, frames) })
	mux.HandleFunc("/favicon.ico", func(http.ResponseWriter, *http.Request) {})
	server := httptest.NewServer(mux)
	defer server.Close()
	for scheme, number := range map[string]int{"dark": 0, "light": 1} {
		t.Run(scheme, func(t *testing.T) {
			found, said := open(t, browser, server.URL+"/frames", number)
			assert.NotContains(t, said, "CONSOLE", "nothing to complain of")
			for _, want := range []string{
				"night 320 320 320 0 false []", "night 390 390 390 0 false []", "night 1440 1440 1440 0 false []",
				"hostile 320 320 320 0 true []", "hostile 390 390 390 0 true []", "hostile 1440 1440 1440 0 true []",
			} {
				assert.Contains(t, found, "<p>"+want+"</p>", "name, width, width of the page's frame, of its content, scripts, name shown as text, elements that stick out")
			}
		})
	}
}

// open opens an address and returns the document that came of it and what the
// browser said.
func open(t *testing.T, browser, address string, scheme int) (document, said string) {
	ctx, stop := context.WithTimeout(t.Context(), 2*time.Minute)
	defer stop()
	var out, errs bytes.Buffer
	c := exec.CommandContext(ctx, browser, "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--disable-background-networking",
		"--no-first-run", "--user-data-dir="+t.TempDir(), "--enable-logging=stderr", fmt.Sprintf("--blink-settings=preferredColorScheme=%d", scheme),
		"--window-size=1600,1000", "--timeout=20000", "--dump-dom", address)
	c.Stdout, c.Stderr, c.WaitDelay = &out, &errs, 10*time.Second
	require.NoError(t, c.Run(), errs.String())
	_, document, _ = strings.Cut(out.String(), "</script>")
	return document, errs.String()
}
