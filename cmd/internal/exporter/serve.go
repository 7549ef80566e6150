package exporter

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Server answers /metrics, with numbers of the process itself beside the others,
// and /healthz.
type Server struct {
	server *http.Server
	log    *slog.Logger
	served chan struct{}
}

// readyTime is how long a question whether the program is ready may take.
const readyTime = 3 * time.Second

// Serve answers at an address until Close. Ready, unless it is nil, says on
// /readyz whether the program is ready for work: it returns why not. It is
// called by many goroutines.
func Serve(ctx context.Context, address string, numbers *prometheus.Registry, ready func(context.Context) error, log *slog.Logger) (*Server, error) {
	ln, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	process := prometheus.NewRegistry() // not for a file: node_exporter has its own
	process.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(prometheus.Gatherers{numbers, process}, promhttp.HandlerOpts{MaxRequestsInFlight: 4}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { answer(w, nil) })
	if ready != nil {
		mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
			ctx, cancel := context.WithTimeout(r.Context(), readyTime)
			defer cancel()
			answer(w, ready(ctx))
		})
	}
	s := &Server{log: log, served: make(chan struct{}), server: &http.Server{
		Handler: mux, ReadTimeout: 10 * time.Second, WriteTimeout: 10 * time.Second, IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}}
	go s.serve(ln)
	log.Info("serving metrics", "event", "metrics_served", "address", "http://"+ln.Addr().String()+"/metrics")
	return s, nil
}

func answer(w http.ResponseWriter, wrong error) {
	if wrong != nil {
		http.Error(w, wrong.Error(), http.StatusServiceUnavailable)
		return
	}
	_, _ = w.Write([]byte("ok\n")) // the client is gone
}

func (s *Server) serve(ln net.Listener) {
	defer close(s.served)
	if err := s.server.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
		s.log.Warn("metrics are no longer served; the work continues", "event", "metrics_failed", "error", err)
	}
}

// Close ends the server.
func (s *Server) Close() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if s.server.Shutdown(ctx) != nil {
		_ = s.server.Close() // a client that still asks gets no answer
	}
	<-s.served
}
