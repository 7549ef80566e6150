package main

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// tmuxScreen is a terminal of tmux with a shell in it.
type tmuxScreen struct {
	t      *testing.T
	folder string
	tmux   string
	width  int

	// resized says that tmux itself has moved lines off the screen.
	resized bool
}

// newScreen opens a terminal in a folder of its own, in which the program is
// ./bulkonboard.
func newScreen(t *testing.T, width int, env ...string) *tmuxScreen {
	tmux, err := exec.LookPath("tmux")
	if err != nil {
		t.Skip("tmux is not on this machine, so the screen is not looked at")
	}
	folder, err := os.MkdirTemp("", "screen") // a socket's path has to be short
	require.NoError(t, err)
	t.Cleanup(func() { os.RemoveAll(folder) })
	executable, err := os.Executable()
	require.NoError(t, err)
	require.NoError(t, os.Symlink(executable, filepath.Join(folder, "bulkonboard")))
	s := &tmuxScreen{t: t, folder: folder, tmux: tmux, width: width}
	c := s.command("-f", "/dev/null", "new-session", "-d", "-x", strconv.Itoa(width), "-y", "90", "-c", folder, "sh")
	c.Env = append(append(os.Environ(), "TERM=screen", "PS1=$ ", "ENV=", "GORACE="+hasty, programVariable+"=1"), env...)
	out, err := c.CombinedOutput()
	require.NoError(t, err, string(out))
	t.Cleanup(func() { _ = s.command("kill-server").Run() })
	return s
}

func (s *tmuxScreen) command(args ...string) *exec.Cmd {
	return exec.Command(s.tmux, append([]string{"-S", filepath.Join(s.folder, "socket")}, args...)...)
}

func (s *tmuxScreen) do(args ...string) string {
	out, err := s.command(args...).CombinedOutput()
	require.NoError(s.t, err, string(out))
	return string(out)
}

func (s *tmuxScreen) resize(width int) {
	s.resized, s.width = true, width
	s.do("resize-window", "-x", strconv.Itoa(width))
}

// clear begins a new screen.
func (s *tmuxScreen) clear() {
	s.enter("clear")
	s.text(`\A[$#]$`)
	s.do("clear-history")
	s.resized = false
}

// enter types a line, once the shell asks for one.
func (s *tmuxScreen) enter(line string) {
	s.text(`^[$#]\z`)
	s.do("send-keys", "-l", line)
	s.do("send-keys", "Enter")
}

// look is what is on the screen: its lines as they stand there, and joined
// where the terminal broke them, with those that tmux moved off the screen as
// it made it narrower. Otherwise no line must have left it.
func (s *tmuxScreen) look() (broken, joined []string) {
	out := s.do("capture-pane", "-p", ";", "display-message", "-p", "history #{history_size}", ";", "capture-pane", "-p", "-J", "-S", "-")
	before, after, _ := strings.Cut(out, "history ")
	scrolled, after, _ := strings.Cut(after, "\n")
	if !s.resized {
		require.Equal(s.t, "0", scrolled, "nothing scrolls")
	}
	return trimmed(before), trimmed(after)
}

func trimmed(text string) []string {
	lines := strings.Split(text, "\n")
	last := 0
	for i := range lines {
		if lines[i] = strings.TrimRight(lines[i], " "); lines[i] != "" {
			last = i + 1
		}
	}
	return lines[:last]
}

// text waits for a line that matches, and gives the screen.
func (s *tmuxScreen) text(what string) string {
	pattern, text := regexp.MustCompile("(?m)"+what), ""
	require.Eventually(s.t, func() bool {
		_, lines := s.look()
		text = strings.Join(lines, "\n")
		return pattern.MatchString(text)
	}, 15*time.Second, 10*time.Millisecond, what)
	return text
}

// The lines of a screen, as expressions. They are compiled where they are used:
// this binary is also the program, which is started by the thousand.
var frameLines = []string{
	`^ *(\d+)% \[[=>+-]+\] (\d+) of (\d+) rows$`,
	`^[\d.]+ rows/s, (\d+) in flight(, ETA \d+ [smh]( \d+ m)? \(\d\d:\d\d\))?(, [\d.]+ of [\d.]+ (bytes|kB)|, …)$`,
	`^ok (\d+)(, (duplicate|invalid|rejected|failed) \d+)*(, \d+ done, waiting to be written)?$`,
	`^(starting|running( at up to [\d.]+ calls/s)?|paused .*|outage since .*|draining: .*)$`,
}

// textLines are all that may stand above a frame.
const textLines = `^([$#].*|forecast: .*|  (calls|emails|duplicates|invalid) .*|\d\d:\d\d:\d\d [a-z].*|\^C|` +
	`stopping: .*|(INCOMPLETE|complete): .*|  (ok|attempts|outages) .*| {13}[a-z0-9].*|so far: .*|resume: .*|(results|summary): .*|bulkonboard: interrupted|exit code \d+|)$`

// frame waits for a frame whose last line matches, and gives it once it is
// found to be tidy and true.
func (s *tmuxScreen) frame(what string) []string {
	pattern := regexp.MustCompile(what)
	var lines, broken []string
	require.Eventually(s.t, func() bool {
		broken, lines = s.look()
		return len(lines) > len(frameLines) && pattern.MatchString(lines[len(lines)-1]) &&
			(!s.resized || len(lines[len(lines)-len(frameLines)]) == s.width-1) // drawn since
	}, 15*time.Second, 10*time.Millisecond, what)
	text, frame := lines[:len(lines)-len(frameLines)], lines[len(lines)-len(frameLines):]
	requireText(s.t, text)
	whole := strings.Join(lines, "\n")
	require.Equal(s.t, frame, broken[len(broken)-len(frameLines):], "no line of the frame is broken")
	var found [][]string
	for i, line := range frame {
		m := regexp.MustCompile(frameLines[i]).FindStringSubmatch(line)
		require.NotNil(s.t, m, whole)
		found = append(found, m)
	}
	rows, of, sum := number(found[0][2]), number(found[0][3]), 0
	count := regexp.MustCompile(`(?:ok|duplicate|invalid|rejected|failed) (\d+)`)
	for _, n := range count.FindAllStringSubmatch(frame[2], -1) {
		sum += number(n[1])
	}
	assert.Equal(s.t, rows, sum, "the counts add up: %s", whole)
	assert.Equal(s.t, 100*rows/of, number(found[0][1]), whole)
	return frame
}

// requireText checks that nothing but text is on the screen.
func (s *tmuxScreen) requireText() {
	_, lines := s.look()
	requireText(s.t, lines)
}

func requireText(t *testing.T, lines []string) {
	for _, line := range lines {
		require.Regexp(t, textLines, line, strings.Join(lines, "\n"))
	}
}

func number(s string) int {
	n, _ := strconv.Atoi(s)
	return n
}

// serve starts the program's sandbox and gives its address.
func serve(t *testing.T, args ...string) string {
	executable, err := os.Executable()
	require.NoError(t, err)
	c := exec.Command(executable, append([]string{"sandbox", "--listen", "127.0.0.1:0"}, args...)...)
	c.Env = append(os.Environ(), programVariable+"=1")
	stderr, err := c.StderrPipe()
	require.NoError(t, err)
	require.NoError(t, c.Start())
	t.Cleanup(func() {
		_ = c.Process.Kill()
		_ = c.Wait()
	})
	line, err := bufio.NewReader(stderr).ReadString('\n')
	require.NoError(t, err)
	return regexp.MustCompile(`http://[^, ]+`).FindString(line)
}

func TestATerminalShowsWhatIsTrueAndStaysTidy(t *testing.T) {
	for _, width := range []int{80, 200} {
		t.Run(fmt.Sprint(width), func(t *testing.T) {
			t.Parallel()
			address := serve(t, "--latency", "600ms", "--quota", "20/1500ms,window,retry-after=seconds", "--outage", "3500ms-6500ms:503")
			s := newScreen(t, width, "BULKONBOARD_BASE_URL="+address, "BULKONBOARD_APP_ID=app", "BULKONBOARD_TENANT_ID=tenant",
				"BULKONBOARD_FORM_ID=form", "BULKONBOARD_APP_SECRET="+canarySecret, "BULKONBOARD_RATE=40")
			var list strings.Builder
			list.WriteString("customerType,customerEmail,firstName,lastName\n")
			for i := range 75 {
				fmt.Fprintf(&list, "Individual,c%d@example.com,First,Last\n", i)
			}
			require.NoError(t, os.WriteFile(filepath.Join(s.folder, "list.csv"), []byte(list.String()), 0o600))
			const run = "./bulkonboard run -i list.csv -o out.csv"

			s.enter(run)
			s.frame(`^running at up to 40 calls/s$`)
			assert.Regexp(t, `^paused until \d\d:\d\d:\d\d after 429$`, s.frame(`^paused until`)[3])
			s.frame(`^outage since \d\d:\d\d, next probe in \d+ s$`)
			for _, narrow := range []int{41, width} {
				s.resize(narrow)
				s.frame(`^outage since`)
			}
			s.frame(`^running`)
			s.do("send-keys", "C-c")
			s.frame(`^draining: \d+ calls? in flight$`)
			s.text(`^bulkonboard: interrupted$`)
			s.enter("echo exit code $?")
			assert.Contains(t, s.text(`^exit code \d+$`), "exit code 130")
			s.requireText()

			s.clear()
			s.enter(run + " --rate 0")
			s.frame(`^running`)
			s.enter("echo exit code $?")
			assert.Contains(t, s.text(`^exit code \d+$`), "complete: 75 rows, ")
			s.requireText()
		})
	}
}
