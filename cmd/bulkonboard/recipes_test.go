package main

import (
	"bytes"
	"debug/elf"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"bulkonboard/batch/sandbox"
	"bulkonboard/cmd/internal/kubetest"
)

const recipes = "../../testdata/recipes"

func recipe(t *testing.T, name string) string {
	b, err := os.ReadFile(filepath.Join(recipes, name))
	require.NoError(t, err)
	return string(b)
}

// lineOf is the line of a recipe that begins so, with line ends that are
// escaped joined.
func lineOf(t *testing.T, text, begins string) string {
	m := regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(begins) + `.*$`).FindString(strings.ReplaceAll(text, "\\\n", ""))
	require.NotEmpty(t, m, begins)
	return m
}

// installed is a machine in a folder, on which the recipes' paths lead to the
// program, the list and the settings.
type installed struct {
	*program
	paths *strings.Replacer
}

func install(t *testing.T, rows int) *installed {
	p := newProgram(t, rows, sandbox.Options{AppID: "APP", TenantID: "TENANT", AppSecret: canarySecret})
	executable, err := os.Executable()
	require.NoError(t, err)
	m := &installed{p, strings.NewReplacer("/usr/local/bin/bulkonboard", executable, "/etc/bulkonboard", p.folder, "/var/lib/bulkonboard", p.folder,
		"/var/log/bulkonboard", p.folder, "/var/cache/bulkonboard", p.folder,
		"/data/", p.folder+"/", "/secret/", p.folder+"/", "/config/", p.folder+"/", "/scratch/", p.folder+"/")}
	require.NoError(t, os.Rename(p.file("list.csv"), p.file("customers.csv")))
	require.NoError(t, os.Mkdir(p.file("results"), 0o700))
	require.NoError(t, os.WriteFile(p.file("app-secret"), []byte(canarySecret+"\n"), 0o600))
	m.write("job.yaml", recipe(t, "job.yaml"))
	p.env = []string{"PATH=/usr/bin:/bin", "HOME=" + p.folder, programVariable + "=1", "GORACE=" + hasty,
		"BULKONBOARD_RATE=0", p.env[indexOf(p.env, "BULKONBOARD_BASE_URL=")]}
	return m
}

func indexOf(env []string, begins string) int {
	for i, e := range env {
		if strings.HasPrefix(e, begins) {
			return i
		}
	}
	return -1
}

// tonight is the name of the results of a run that begins today.
func tonight() string { return "results-" + time.Now().Format(time.DateOnly) + ".csv" }

func (m *installed) write(name, text string) {
	require.NoError(m.t, os.WriteFile(m.file(name), []byte(m.paths.Replace(text)), 0o600))
}

// sh runs a line as cron and systemd do, in a folder that says nothing.
func (m *installed) sh(line string) (output string, code int) {
	c := exec.Command("/bin/sh", "-c", m.paths.Replace(line))
	c.Dir, c.Env = "/", m.env
	out, err := c.CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		require.NoError(m.t, err)
	}
	return string(out), c.ProcessState.ExitCode()
}

func TestTheCronLineRunsTheJobAndSpeaksOnlyWhenThereIsSomethingToDo(t *testing.T) {
	line := lineOf(t, recipe(t, "crontab"), "0 2 * * * ")
	command := strings.TrimPrefix(line, "0 2 * * * ")
	require.NotContains(t, command, "%", "cron makes a line end of it")
	m := install(t, 20)
	address, pings := pinged(t)
	require.Contains(t, recipe(t, "crontab"), "\nPING_URL=\n")
	m.env = append(m.env, "PING_URL="+address)
	out, code := m.sh(command)
	assert.Zero(t, code)
	assert.Empty(t, out)
	assert.FileExists(t, m.file("results/"+tonight()))
	assert.FileExists(t, m.file("bulkonboard.prom"))
	out, code = m.sh(command)
	assert.Zero(t, code)
	assert.Empty(t, out)
	assert.EqualValues(t, 20, m.service.Stats().Calls, "the second night has no customer to call")

	m.write("customers.csv", "customerType,customerEmail,firstName,lastName\n"+
		strings.Repeat("Individual,ann@example.com,Ann,Lee\n", 19)+"Individual,no address,Ann,Lee\n")
	out, _ = m.sh(command)
	assert.Contains(t, out, "complete: 20 rows")
	assert.Contains(t, out, "bulkonboard: exit code 1\n")
	assert.NotContains(t, out, canarySecret)
	assert.Equal(t, []string{"/0", "/0", "/1"}, pings())
	b, err := os.ReadFile(m.file("bulkonboard.log"))
	require.NoError(t, err)
	assert.Contains(t, string(b), `"event":"complete"`)
}

// pinged is a service for pings: it gives an address, and what was asked for.
func pinged(t *testing.T) (address string, pings func() []string) {
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("curl is not on this machine")
	}
	var mu sync.Mutex
	var paths []string
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		paths = append(paths, r.URL.Path)
	}))
	t.Cleanup(server.Close)
	return server.URL, func() []string {
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(paths)
	}
}

func TestTheServicePingsWithTheExitCode(t *testing.T) {
	address, pings := pinged(t)
	command := strings.TrimPrefix(lineOf(t, recipe(t, "bulkonboard.service"), "ExecStopPost=-"), "ExecStopPost=-")
	for _, status := range []string{"0", "75", "KILL"} {
		c := exec.Command("/bin/sh", "-c", strings.ReplaceAll(command, "$$", "$"))
		c.Env = []string{"PATH=/usr/bin:/bin", "PING_URL=" + address, "EXIT_STATUS=" + status}
		out, err := c.CombinedOutput()
		require.NoError(t, err, string(out))
	}
	assert.Equal(t, []string{"/0", "/75", "/fail"}, pings())
	c := exec.Command("/bin/sh", "-c", strings.ReplaceAll(command, "$$", "$"))
	c.Env = []string{"PATH=/usr/bin:/bin", "EXIT_STATUS=0"}
	require.NoError(t, c.Run(), "without an address there is no ping")
}

func TestTheCronLineThatWaitsForTheListGoesOnOnceItIsThere(t *testing.T) {
	line := strings.TrimPrefix(lineOf(t, recipe(t, "crontab"), "#   timeout 3h"), "#   ")
	m := install(t, 1)
	require.NoError(t, os.WriteFile(m.file("last-run.log"), nil, 0o600))
	require.NoError(t, os.Chtimes(m.file("last-run.log"), time.Time{}, time.Now().Add(-time.Hour)))
	_, code := m.sh(line)
	assert.Zero(t, code, "the list is newer")
	require.NoError(t, os.Remove(m.file("customers.csv")))
	_, code = m.sh(strings.Replace(line, "timeout 3h", "timeout 0.2", 1))
	assert.Equal(t, 124, code, "there is none")
}

func TestTheServiceRunsTheJobWithTheCredentialThatItWasGiven(t *testing.T) {
	unit := recipe(t, "bulkonboard.service")
	command := strings.TrimPrefix(lineOf(t, unit, "ExecStart="), "ExecStart=")
	m := install(t, 20)
	require.NoError(t, os.Remove(m.file("app-secret")))
	require.NoError(t, os.Mkdir(m.file("credentials"), 0o700))
	require.NoError(t, os.WriteFile(m.file("credentials/app-secret"), []byte(canarySecret), 0o400))
	out, code := m.sh(strings.ReplaceAll(command, "%d", m.file("credentials")))
	assert.Zero(t, code, out)
	assert.FileExists(t, m.file("results/"+tonight()))
}

// needsAPerson are the exit codes after which another start changes nothing
// before somebody, or the next night, has come.
const needsAPerson = "1 64 65 70 73 75 77"

func TestTheServiceStartsAgainOnlyWhereThatHelps(t *testing.T) {
	unit := recipe(t, "bulkonboard.service")
	assert.Equal(t, "RestartPreventExitStatus="+needsAPerson, lineOf(t, unit, "RestartPreventExitStatus="))
	assert.Equal(t, "Restart=on-failure", lineOf(t, unit, "Restart="))
	assert.Equal(t, "SuccessExitStatus=130", lineOf(t, unit, "SuccessExitStatus="))
}

func TestTheUnitsPassVerificationAndAreHardened(t *testing.T) {
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("systemd-analyze is not on this machine")
	}
	m := install(t, 1)
	verify := []string{"verify", "--man=no"}
	for _, name := range []string{"bulkonboard.service", "bulkonboard.timer", "bulkonboard.path", "bulkonboard-mail@.service"} {
		m.write(name, recipe(t, name))
		verify = append(verify, m.file(name))
	}
	out, err := exec.Command(analyze, verify...).CombinedOutput()
	require.NoError(t, err, string(out))
	assert.Empty(t, string(out))
	out, err = exec.Command(analyze, "security", "--offline=true", "--threshold=15", "--no-pager", m.file("bulkonboard.service")).CombinedOutput()
	if bytes.Contains(out, []byte("unrecognized option")) {
		t.Skip("systemd-analyze is too old to judge a unit that is not loaded")
	}
	require.NoError(t, err, string(out))
	out, err = exec.Command(analyze, "calendar", strings.TrimPrefix(lineOf(t, recipe(t, "bulkonboard.timer"), "OnCalendar="), "OnCalendar=")).CombinedOutput()
	require.NoError(t, err, string(out))
}

// The parts of the Kubernetes API that the manifest uses, by batch/v1 and v1.
type (
	claim struct {
		APIVersion string         `yaml:"apiVersion"`
		Kind       string         `yaml:"kind"`
		Metadata   kubetest.Named `yaml:"metadata"`
		Spec       struct {
			AccessModes []string `yaml:"accessModes"`
			Resources   struct {
				Requests map[string]string `yaml:"requests"`
			} `yaml:"resources"`
		} `yaml:"spec"`
	}
	configMap struct {
		APIVersion string            `yaml:"apiVersion"`
		Kind       string            `yaml:"kind"`
		Metadata   kubetest.Named    `yaml:"metadata"`
		Data       map[string]string `yaml:"data"`
	}
	cronJob struct {
		APIVersion string         `yaml:"apiVersion"`
		Kind       string         `yaml:"kind"`
		Metadata   kubetest.Named `yaml:"metadata"`
		Spec       struct {
			Schedule                   string `yaml:"schedule"`
			TimeZone                   string `yaml:"timeZone"`
			ConcurrencyPolicy          string `yaml:"concurrencyPolicy"`
			StartingDeadlineSeconds    int64  `yaml:"startingDeadlineSeconds"`
			SuccessfulJobsHistoryLimit int32  `yaml:"successfulJobsHistoryLimit"`
			FailedJobsHistoryLimit     int32  `yaml:"failedJobsHistoryLimit"`
			JobTemplate                struct {
				Spec struct {
					BackoffLimit     int32 `yaml:"backoffLimit"`
					PodFailurePolicy struct {
						Rules []kubetest.FailureRule `yaml:"rules"`
					} `yaml:"podFailurePolicy"`
					Template struct {
						Spec kubetest.PodSpec `yaml:"spec"`
					} `yaml:"template"`
				} `yaml:"spec"`
			} `yaml:"jobTemplate"`
		} `yaml:"spec"`
	}
	indexedJob struct {
		APIVersion string         `yaml:"apiVersion"`
		Kind       string         `yaml:"kind"`
		Metadata   kubetest.Named `yaml:"metadata"`
		Spec       struct {
			CompletionMode       string `yaml:"completionMode"`
			Completions          int32  `yaml:"completions"`
			Parallelism          int32  `yaml:"parallelism"`
			BackoffLimitPerIndex int32  `yaml:"backoffLimitPerIndex"`
			PodReplacementPolicy string `yaml:"podReplacementPolicy"`
			PodFailurePolicy     struct {
				Rules []kubetest.FailureRule `yaml:"rules"`
			} `yaml:"podFailurePolicy"`
			Template struct {
				Spec kubetest.PodSpec `yaml:"spec"`
			} `yaml:"template"`
		} `yaml:"spec"`
	}
)

func TestTheCronJobIsStrictlyWhatKubernetesKnowsAndRunsTheJob(t *testing.T) {
	var settings configMap
	var volume claim
	var job cronJob
	require.NoError(t, kubetest.Decode(recipe(t, "cronjob.yaml"), &settings, &volume, &job))
	assert.Equal(t, []string{"v1 ConfigMap", "v1 PersistentVolumeClaim", "batch/v1 CronJob"},
		[]string{settings.APIVersion + " " + settings.Kind, volume.APIVersion + " " + volume.Kind, job.APIVersion + " " + job.Kind})

	assert.Equal(t, "Forbid", job.Spec.ConcurrencyPolicy)
	spec := job.Spec.JobTemplate.Spec
	require.Len(t, spec.PodFailurePolicy.Rules, 2)
	assert.Equal(t, []int32{1, 64, 65, 70, 73, 75, 77}, spec.PodFailurePolicy.Rules[0].OnExitCodes.Values)
	pod := spec.Template.Spec
	assert.Equal(t, "Never", pod.RestartPolicy, "a failure policy needs it")
	assert.True(t, pod.SecurityContext.RunAsNonRoot)
	require.Len(t, pod.Containers, 1)
	c := pod.Containers[0]
	assert.Equal(t, spec.PodFailurePolicy.Rules[0].OnExitCodes.ContainerName, c.Name)
	assert.True(t, c.SecurityContext.ReadOnlyRootFilesystem)
	assert.Equal(t, job.Spec.TimeZone, c.Env[0].Value, "--until means the zone of the schedule")
	volumes := map[string]bool{}
	for _, v := range pod.Volumes {
		volumes[v.Name] = true
	}
	for _, mount := range c.VolumeMounts {
		assert.True(t, volumes[mount.Name], mount.Name)
	}

	m := install(t, 20)
	m.write("job.yaml", settings.Data["job.yaml"])
	out, code := m.sh("/usr/local/bin/bulkonboard " + strings.Join(c.Args, " "))
	assert.Zero(t, code, out)
	assert.FileExists(t, m.file(tonight()))
}

func TestTheIndexedJobIsStrictlyWhatKubernetesKnowsAndRunsEveryChunk(t *testing.T) {
	text := recipe(t, "indexed-job.yaml")
	var job indexedJob
	require.NoError(t, kubetest.Decode(text, &job))
	assert.Equal(t, []string{"batch/v1", "Job", "Indexed", "Failed"}, []string{job.APIVersion, job.Kind, job.Spec.CompletionMode, job.Spec.PodReplacementPolicy})
	pod := job.Spec.Template.Spec
	assert.Equal(t, "Never", pod.RestartPolicy, "a failure policy needs it")
	require.Len(t, pod.Containers, 1)
	require.Equal(t, []string{"Ignore", "FailJob"}, []string{job.Spec.PodFailurePolicy.Rules[0].Action, job.Spec.PodFailurePolicy.Rules[1].Action}, "a pod that is moved has an exit code, too")
	assert.Equal(t, job.Spec.PodFailurePolicy.Rules[1].OnExitCodes.ContainerName, pod.Containers[0].Name)

	m := install(t, 50)
	shell := func(line string) string {
		out, code := m.sh("cd " + m.folder + "; " + strings.ReplaceAll(line, "bulkonboard ", "/usr/local/bin/bulkonboard ") + " 2>/dev/null")
		require.Zero(t, code, line+"\n"+out)
		return out
	}
	plan := strings.TrimSuffix(strings.TrimPrefix(lineOf(t, text, "#   chunks="), "#   chunks=$("), ")")
	require.Contains(t, plan, fmt.Sprint("--parallel ", job.Spec.Parallelism))
	chunks := shell(plan)
	for i := range 4 {
		shell(fmt.Sprintf("JOB_COMPLETION_INDEX=%d bulkonboard %s", i, strings.Join(pod.Containers[0].Args, " ")))
	}
	assert.Equal(t, "4\n", chunks)
	shell(strings.TrimPrefix(lineOf(t, text, "#   bulkonboard run-chunk"), "#   "))
	shell(strings.TrimPrefix(lineOf(t, text, "#   bulkonboard merge"), "#   "))
	assert.FileExists(t, m.file("results.csv"))
}

func TestTheContainersBuildLineMakesAStaticProgram(t *testing.T) {
	t.Parallel() // one program at a time leaves processors idle
	if testing.Short() || runtime.GOOS != "linux" {
		t.Skip("it builds the whole program, for Linux")
	}
	text := recipe(t, "Containerfile")
	line := strings.TrimPrefix(lineOf(t, text, "RUN "), "RUN ")
	target := filepath.Join(t.TempDir(), "bulkonboard")
	require.Contains(t, line, "-o /bulkonboard ")
	c := exec.Command("/bin/sh", "-c", strings.Replace(line, "-o /bulkonboard ", "-o "+target+" ", 1))
	c.Dir, c.Env = "../..", append(os.Environ(), "VERSION=v1.2.3-image")
	out, err := c.CombinedOutput()
	require.NoError(t, err, string(out))
	out, err = exec.Command(target, "--version").Output()
	require.NoError(t, err)
	assert.Contains(t, string(out), "v1.2.3-image ", "the image knows its version")
	f, err := elf.Open(target)
	require.NoError(t, err)
	defer f.Close()
	for _, part := range f.Progs {
		assert.NotEqual(t, elf.PT_INTERP, part.Type, "an image from scratch has no loader")
	}
	for _, want := range []string{"FROM scratch", "USER 65532:65532", `ENTRYPOINT ["/bulkonboard"]`, "--read-only --cap-drop all", "COPY --from=build /licenses /licenses"} {
		assert.Contains(t, text, want)
	}
}
