package main

import (
	"encoding/json"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"bulkonboard/batch/measure"
	"bulkonboard/batch/pace"
	"bulkonboard/cmd/internal/cli"
)

// shownMetrics are the labels of every metric that a run may show, and those that
// a reader of them adds.
func shownMetrics(t *testing.T) map[string][]string {
	m := new(measure.Monitor)
	m.Expect(10, 100)
	m.Paced(time.Now(), pace.Snapshot{Rate: 50}, 1, false)
	x := newMetrics(m, nil, time.Now())
	x.end(cli.ExitOK, time.Now())
	families, err := x.registry.Gather()
	require.NoError(t, err)
	shown := map[string][]string{}
	for _, f := range families {
		labels := []string{"instance", "job"}
		for _, pair := range f.GetMetric()[0].GetLabel() {
			labels = append(labels, pair.GetName())
		}
		shown[f.GetName()] = labels
		if f.GetType() == dto.MetricType_HISTOGRAM {
			shown[f.GetName()+"_bucket"] = append(labels, "le")
			shown[f.GetName()+"_sum"], shown[f.GetName()+"_count"] = labels, labels
		}
	}
	return shown
}

// promqlWords are the words of the queries that are not metrics.
var promqlWords = []string{"time", "absent", "or", "and", "unless", "sum", "by", "rate", "histogram_quantile"}

// checkQuery checks that a query names nothing that the exposition does not have,
// and returns the labels that its result can have.
func checkQuery(t *testing.T, shown map[string][]string, query string) (labels []string) {
	t.Helper()
	var (
		selector = regexp.MustCompile(`([a-zA-Z_:][a-zA-Z0-9_:]*)(\{[^}]*\})?`)
		matcher  = regexp.MustCompile(`([a-zA-Z_]+)\s*(=~|!~|!=|=)\s*"([^"]*)"`)
		grouping = regexp.MustCompile(`(by|without)\s*\(([^)]*)\)`)
		literal  = regexp.MustCompile(`\[[0-9]+[smhd]\]`)
	)
	plain := literal.ReplaceAllString(query, "")
	for _, group := range grouping.FindAllStringSubmatch(plain, -1) {
		plain = strings.ReplaceAll(plain, group[0], "")
	}
	metrics := 0
	for _, found := range selector.FindAllStringSubmatch(plain, -1) {
		if slices.Contains(promqlWords, found[1]) {
			continue
		}
		has, there := shown[found[1]]
		if !assert.True(t, there, "%q: there is no metric %s", query, found[1]) {
			continue
		}
		metrics++
		labels = append(labels, has...)
		for _, m := range matcher.FindAllStringSubmatch(found[2], -1) {
			assert.Contains(t, has, m[1], query)
		}
	}
	for _, group := range grouping.FindAllStringSubmatch(query, -1) {
		for _, name := range strings.Split(group[2], ",") {
			assert.Contains(t, labels, strings.TrimSpace(name), query)
		}
	}
	assert.Positive(t, metrics, query)
	assert.Equal(t, strings.Count(query, "("), strings.Count(query, ")"), query)
	return labels
}

func TestTheAlertsNameOnlyWhatTheMetricsHave(t *testing.T) {
	var file struct {
		Groups []struct {
			Name  string `yaml:"name"`
			Rules []struct {
				Alert       string            `yaml:"alert"`
				Expr        string            `yaml:"expr"`
				For         string            `yaml:"for"`
				Labels      map[string]string `yaml:"labels"`
				Annotations map[string]string `yaml:"annotations"`
			} `yaml:"rules"`
		} `yaml:"groups"`
	}
	d := yaml.NewDecoder(strings.NewReader(recipe(t, "alerts.yaml")))
	d.KnownFields(true)
	require.NoError(t, d.Decode(&file))
	shown, alerts := shownMetrics(t), map[string]string{}
	for _, group := range file.Groups {
		for _, rule := range group.Rules {
			checkQuery(t, shown, rule.Expr)
			assert.NotEmpty(t, rule.Annotations["summary"], rule.Alert)
			alerts[rule.Alert] = rule.Expr
		}
	}
	require.Len(t, alerts, 4)
	for _, code := range []string{"64", "65", "70", "77"} {
		assert.Contains(t, alerts["BulkonboardNeedsAPerson"], "bulkonboard_run_exit_code == "+code)
	}
	assert.NotContains(t, alerts["BulkonboardNeedsAPerson"], "75")
	assert.Contains(t, alerts["BulkonboardNewProblems"], `age="new"`)
	promtool, err := exec.LookPath("promtool")
	if err != nil {
		t.Skip("promtool is not on this machine: whether these are queries has been looked at by name only")
	}
	out, err := exec.Command(promtool, "check", "rules", filepath.Join(recipes, "alerts.yaml")).CombinedOutput()
	require.NoError(t, err, string(out))
}

func TestTheDashboardNamesOnlyWhatTheMetricsHave(t *testing.T) {
	var board struct {
		Panels []struct {
			Title   string `json:"title"`
			Targets []struct {
				Expr         string `json:"expr"`
				LegendFormat string `json:"legendFormat"`
			} `json:"targets"`
		} `json:"panels"`
		Templating struct {
			List []struct {
				Definition string `json:"definition"`
			} `json:"list"`
		} `json:"templating"`
	}
	require.NoError(t, json.Unmarshal([]byte(recipe(t, "dashboard.json")), &board))
	shown, used := shownMetrics(t), map[string]bool{}
	for _, panel := range board.Panels {
		require.NotEmpty(t, panel.Targets, panel.Title)
		for _, target := range panel.Targets {
			labels := checkQuery(t, shown, target.Expr)
			for _, legend := range regexp.MustCompile(`\{\{(\w+)\}\}`).FindAllStringSubmatch(target.LegendFormat, -1) {
				assert.Contains(t, labels, legend[1], panel.Title)
			}
			for name := range shown {
				used[name] = used[name] || strings.Contains(target.Expr, name)
			}
		}
	}
	for _, variable := range board.Templating.List {
		if query, is := strings.CutPrefix(variable.Definition, "label_values("); is {
			metric, label, _ := strings.Cut(strings.TrimSuffix(query, ")"), ", ")
			assert.Contains(t, shown[metric], label)
		}
	}
	for _, name := range []string{"rows_total", "problem_rows", "attempts_total", "held_seconds_total", "outage_seconds_total", "run_exit_code", "last_success_timestamp_seconds", "run_end_timestamp_seconds"} {
		assert.True(t, used["bulkonboard_"+name], name)
	}
}

func TestAQueryThatNamesWhatIsNotThereIsFound(t *testing.T) {
	shown := shownMetrics(t)
	for _, wrong := range []string{
		"bulkonboard_rows_totals > 0", `bulkonboard_rows_total{stat="ok"}`, "sum by (state) (bulkonboard_rows_total)", "time() > 1",
	} {
		quiet := new(testing.T)
		checkQuery(quiet, shown, wrong)
		assert.True(t, quiet.Failed(), wrong)
	}
}
