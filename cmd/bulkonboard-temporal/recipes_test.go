package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"bulkonboard/cmd/internal/cli"
	"bulkonboard/cmd/internal/kubetest"
)

func recipe(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("../../testdata/recipes", name))
	require.NoError(t, err)
	return string(b)
}

// composition is what of the Compose Specification the recipe uses.
type composition struct {
	Name     string              `yaml:"name"`
	Image    any                 `yaml:"x-image"` // what services take over, which has been done when this is read
	Cluster  any                 `yaml:"x-cluster"`
	Worker   any                 `yaml:"x-worker"`
	Services map[string]composed `yaml:"services"`
	Volumes  map[string]struct{} `yaml:"volumes"`
}

type composed struct {
	Image string `yaml:"image"`
	Build struct {
		Context    string            `yaml:"context"`
		Dockerfile string            `yaml:"dockerfile"`
		Target     string            `yaml:"target"`
		Args       map[string]string `yaml:"args"`
	} `yaml:"build"`
	PullPolicy  string            `yaml:"pull_policy"`
	ReadOnly    bool              `yaml:"read_only"`
	CapDrop     []string          `yaml:"cap_drop"`
	SecurityOpt []string          `yaml:"security_opt"`
	NetworkMode string            `yaml:"network_mode"`
	Tmpfs       []string          `yaml:"tmpfs"`
	Environment map[string]string `yaml:"environment"`
	StopGrace   time.Duration     `yaml:"stop_grace_period"`
	Restart     string            `yaml:"restart"`
	DependsOn   map[string]struct {
		Condition string `yaml:"condition"`
	} `yaml:"depends_on"`
	Profiles    []string `yaml:"profiles"`
	Entrypoint  []string `yaml:"entrypoint"`
	Command     []string `yaml:"command"`
	Volumes     []string `yaml:"volumes"`
	Healthcheck struct {
		Test     []string `yaml:"test"`
		Interval string   `yaml:"interval"`
		Retries  int      `yaml:"retries"`
	} `yaml:"healthcheck"`
}

// compose reads the recipe.
func compose(t *testing.T) *composition {
	t.Helper()
	var c composition
	require.NoError(t, kubetest.Decode(recipe(t, "compose.yaml"), &c))
	return &c
}

// here are the words of a recipe with the addresses and folders of this machine.
func here(words []string, places *strings.Replacer) []string {
	out := slices.Clone(words)
	for i := range out {
		out[i] = places.Replace(out[i])
	}
	return out
}

func TestTheDeploymentIsStrictlyWhatKubernetesKnowsAndItsWorkersStart(t *testing.T) {
	var d kubetest.Deployment
	var budget kubetest.DisruptionBudget
	require.NoError(t, kubetest.Decode(recipe(t, "worker.yaml"), &d, &budget))
	assert.Equal(t, []string{"apps/v1 Deployment", "policy/v1 PodDisruptionBudget"},
		[]string{d.APIVersion + " " + d.Kind, budget.APIVersion + " " + budget.Kind})
	labels, pod := d.Spec.Template.Metadata.Labels, d.Spec.Template.Spec
	assert.Equal(t, labels, d.Spec.Selector.MatchLabels)
	assert.Equal(t, labels, budget.Spec.Selector.MatchLabels)
	assert.Less(t, budget.Spec.MaxUnavailable, d.Spec.Replicas, "a node can be drained, and work continues")
	assert.True(t, pod.SecurityContext.RunAsNonRoot)
	require.Len(t, pod.Containers, 1)
	c := pod.Containers[0]
	assert.True(t, c.SecurityContext.ReadOnlyRootFilesystem)
	assert.Equal(t, []string{"/bulkonboard-temporal"}, c.Command)
	require.Len(t, c.Ports, 1)
	for path, probe := range map[string]kubetest.Probe{"/healthz": c.LivenessProbe, "/readyz": c.ReadinessProbe} {
		assert.Equal(t, []string{path, c.Ports[0].Name}, []string{probe.HTTPGet.Path, probe.HTTPGet.Port})
		assert.Greater(t, probe.TimeoutSeconds, int32(3), "a worker takes 3 s to say that its server does not answer")
	}
	assert.Contains(t, c.Args, "--metrics-listen=:9464")
	assert.EqualValues(t, 9464, c.Ports[0].ContainerPort)
	assert.Equal(t, "9464", d.Spec.Template.Metadata.Annotations["prometheus.io/port"])
	assert.Contains(t, c.Args, "--grace=60s")
	assert.Greater(t, pod.TerminationGracePeriodSeconds, int64(60+abortTime/time.Second))
	volumes := map[string]bool{}
	for _, v := range pod.Volumes {
		volumes[v.Name] = true
	}
	for _, mount := range c.VolumeMounts {
		assert.True(t, volumes[mount.Name], mount.Name)
	}

	k := &keyring{t, t.TempDir()}
	authority := newAuthority(t, "server")
	certificate, key := authority.pair("worker")
	for name, content := range map[string][]byte{
		"ca.crt": inPEM("CERTIFICATE", authority.certificate.Raw), "tls.crt": certificate, "tls.key": key, "app-secret": []byte("secret"),
	} {
		k.put(name, content)
	}
	code, said := typed(here(c.Args, strings.NewReplacer("s3://lists/onboarding?region=eu-central-1&kms-key=alias/lists", t.TempDir(),
		"temporal-frontend.temporal:7233", "127.0.0.1:1", "/temporal/", k.folder+"/", "/secret/", k.folder+"/", "/scratch", k.folder, "--log-format=json", "--log-format=text"))...)
	assert.Equal(t, cli.ExitStopped, code, said)
	assert.Contains(t, said, "the Temporal server at 127.0.0.1:1 cannot be used", "nothing else is wrong")
}

func TestTheComposeFileIsStrictlyWhatComposeKnowsAndItsProgramsStart(t *testing.T) {
	c := compose(t)
	for name, s := range c.Services {
		for on := range s.DependsOn {
			assert.Contains(t, c.Services, on, name)
		}
		for _, v := range s.Volumes {
			source, _, _ := strings.Cut(v, ":")
			if !strings.HasPrefix(source, ".") {
				assert.Contains(t, c.Volumes, source, name)
			}
		}
		if s.Image == "bulkonboard-cluster:local" {
			assert.True(t, s.ReadOnly, name)
			assert.Equal(t, []string{"ALL"}, s.CapDrop, name)
		}
	}
	assert.FileExists(t, filepath.Join("../../testdata/recipes", strings.Split(c.Services["submit"].Volumes[0], ":")[0]))
	assert.Contains(t, recipe(t, "Containerfile"), "\nFROM scratch AS "+c.Services["sandbox"].Build.Target+"\n")
	assert.Contains(t, c.Services["sandbox"].Command, strings.TrimPrefix(c.Services["worker-1"].Environment["BULKONBOARD_BASE_URL"], "http://"))
	for _, name := range []string{"worker-1", "worker-2", "submit"} {
		t.Run(name, func(t *testing.T) {
			places := strings.NewReplacer("temporal:7233", "127.0.0.1:1", "s3://lists/onboarding?region=us-east-1&endpoint=http://s3:7070&insecure=true", t.TempDir(), "/list/", "../../testdata/")
			for variable, value := range c.Services[name].Environment {
				t.Setenv(variable, places.Replace(value))
			}
			code, said := typed(here(c.Services[name].Command, places)...)
			assert.Equal(t, cli.ExitStopped, code, said)
			assert.Contains(t, said, "the Temporal server at 127.0.0.1:1 cannot be used", "nothing else is wrong")
		})
	}
}

func TestTheImageOfAClusterHasBothProgramsAndNoRoot(t *testing.T) {
	text := recipe(t, "Containerfile")
	_, cluster, found := strings.Cut(text, "\nFROM scratch AS cluster\n")
	require.True(t, found)
	cluster, _, _ = strings.Cut(cluster, "\nFROM ")
	for _, want := range []string{
		"COPY --from=build-cluster /bulkonboard /bulkonboard-temporal /\n", "COPY --from=build-cluster /licenses /licenses\n", "USER 65532:65532\n", `ENTRYPOINT ["/bulkonboard-temporal"]`,
	} {
		assert.Contains(t, cluster, want)
	}
	assert.Contains(t, text, "CGO_ENABLED=0 go -C cmd/bulkonboard-temporal build -trimpath", "an image from scratch has no loader")
}
