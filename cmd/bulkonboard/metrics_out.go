package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/spf13/cobra"

	"bulkonboard/batch/disk"
	"bulkonboard/batch/measure"
	"bulkonboard/cmd/internal/cli"
	"bulkonboard/cmd/internal/exporter"
)

// metricsFlags say where the metrics of a run go.
type metricsFlags struct {
	listen, file string
	labels       []string

	shown bool // those of a run were, or are
}

func (f *metricsFlags) register(c *cobra.Command) {
	c.Flags().StringVar(&f.listen, "metrics-listen", "", "serve metrics for Prometheus during the run at this `ADDRESS`, such as 127.0.0.1:9464")
	c.Flags().StringVar(&f.file, "metrics-file", "", "write metrics to this `FILE` (*.prom), for the textfile collector of node_exporter")
	c.Flags().StringArrayVar(&f.labels, "metrics-label", nil, "a label on every metric: `NAME=VALUE`; repeatable")
	_ = c.MarkFlagFilename("metrics-file")
}

func (f *metricsFlags) check(p *cli.Problems) {
	if _, err := parseLabels(f.labels); err != nil {
		p.Add(err.Error())
	}
	cli.CheckFolder(p, "metrics-file", f.file)
	if f.file != "" && filepath.Ext(f.file) != ".prom" {
		p.Add(fmt.Sprintf("--metrics-file is %s; node_exporter reads only names that end in .prom", f.file))
	}
}

// metricsEvery is how often the file is written again.
const metricsEvery = 15 * time.Second

// metricsOut is where the metrics of a run go while it lasts.
type metricsOut struct {
	*metrics
	file   string // "" for none
	log    *slog.Logger
	server *exporter.Server // nil for none

	done, written chan struct{}
}

// open begins to show the metrics of a run; nil without metrics. What does not
// work at the start is refused, before anything is sent. After that it is
// worth a warning and not the run.
func (f *metricsFlags) open(ctx context.Context, m *measure.Monitor, log *slog.Logger) (*metricsOut, error) {
	if f.listen == "" && f.file == "" {
		return nil, nil //nolint:nilnil // no metrics are not an error
	}
	o, err := f.out(m, log)
	if err == nil {
		err = o.write()
	}
	if err != nil {
		return nil, cli.Problems{"--metrics-file: " + err.Error()}
	}
	f.shown = true
	if f.listen != "" {
		if o.server, err = exporter.Serve(ctx, f.listen, o.registry, nil, o.log); err != nil {
			return nil, cli.ListenProblem("--metrics-listen", f.listen, err)
		}
	}
	go o.writeRegularly()
	return o, nil
}

// out is where the metrics go, with what the file of an earlier run says.
func (f *metricsFlags) out(m *measure.Monitor, log *slog.Logger) (*metricsOut, error) {
	labels, err := parseLabels(f.labels)
	if err != nil {
		return nil, err
	}
	o := &metricsOut{
		metrics: newMetrics(m, labels, time.Now()), file: f.file, log: log, done: make(chan struct{}), written: make(chan struct{}),
	}
	if err = disk.CheckLink(f.file); err == nil {
		o.lastSuccess, err = lastSuccessIn(f.file)
	}
	return o, err
}

// refused shows the exit code of a start that was refused before it had metrics to
// show. While another run is under way the file is that one's.
func (f *metricsFlags) refused(err error, log *slog.Logger) {
	code := cli.ExitCode(err)
	if f.file == "" || filepath.Ext(f.file) != ".prom" || f.shown || code == cli.ExitOK || code == cli.ExitHeld || code == cli.ExitInterrupted {
		return
	}
	o, wrong := f.out(new(measure.Monitor), log)
	if wrong != nil {
		return // which is what the start was refused for
	}
	o.end(code, time.Now())
	o.writeOrWarn()
}

// close shows the metrics once more in the file, and ends the server.
func (o *metricsOut) close() {
	close(o.done)
	<-o.written
	o.writeOrWarn()
	if o.server != nil {
		o.server.Close()
	}
}

func (o *metricsOut) writeRegularly() {
	defer close(o.written)
	tick := time.NewTicker(metricsEvery)
	defer tick.Stop()
	for {
		select {
		case <-o.done:
			return
		case <-tick.C:
			o.writeOrWarn()
		}
	}
}

func (o *metricsOut) writeOrWarn() {
	if err := o.write(); err != nil {
		o.log.Warn("the metrics file cannot be written; the run continues", "event", "metrics_failed", "error", err)
	}
}

// write replaces the file. Who reads it sees the old one or the new one, and
// never a part.
func (o *metricsOut) write() error {
	if o.file == "" {
		return nil
	}
	return prometheus.WriteToTextfile(o.file, o.registry)
}

// lastSuccessIn is the last success that the file of an earlier run tells of,
// so that a run that fails does not take it away. A file that is none of these
// is left as it is.
func lastSuccessIn(file string) (time.Time, error) {
	if file == "" {
		return time.Time{}, nil
	}
	f, err := os.Open(file)
	if errors.Is(err, fs.ErrNotExist) {
		return time.Time{}, nil
	}
	if err != nil {
		return time.Time{}, err
	}
	defer func() { _ = f.Close() }() // it was only read
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(f)
	if err != nil || len(families) > 0 && families["bulkonboard_build_info"] == nil {
		return time.Time{}, fmt.Errorf("%s is there and has no metrics of this program; name another file, or remove it", file)
	}
	for _, metric := range families["bulkonboard_last_success_timestamp_seconds"].GetMetric() {
		return moment(metric.GetGauge().GetValue()), nil
	}
	return time.Time{}, nil
}
