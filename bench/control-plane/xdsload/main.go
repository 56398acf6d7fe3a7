// xdsload opens delta ADS streams that behave as sidecars do, against any xDS control plane that watches a Kubernetes
// API server, then changes endpoints in that API server and measures when each change reaches each stream. It speaks no
// product's dialect: a change is recognised by its address in the bytes of a response.
//
// XDSLOAD_TOKEN is the bearer token of an administrator. It prints one JSON object. Exit codes: 0 measured; 1 it could not be measured; 2 a change did not reach every stream.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"time"
)

type options struct {
	addr      string
	clients   int
	services  int
	endpoints int
	changes   int
	changed   int
	gap       time.Duration
	rate      float64
	steady    time.Duration
	api       string
	token     string
	pid       int
	namespace string
	setupOnly bool
	timeout   time.Duration
}

func main() {
	var o options
	flag.StringVar(&o.addr, "addr", "127.0.0.1:15010", "plaintext gRPC address of the control plane, on loopback")
	flag.IntVar(&o.clients, "clients", 500, "simulated sidecars")
	flag.IntVar(&o.services, "services", 500, "services in the mesh")
	flag.IntVar(&o.endpoints, "endpoints", 4, "endpoints of a service")
	flag.IntVar(&o.changes, "changes", 15, "endpoint changes, one after the other")
	flag.IntVar(&o.changed, "changed", 0, "only the first so many services change; 0: all of them")
	flag.DurationVar(&o.gap, "gap", 500*time.Millisecond, "pause between two changes")
	flag.Float64Var(&o.rate, "rate", 0, "then so many changes a second")
	flag.DurationVar(&o.steady, "steady", 0, "for so long")
	flag.StringVar(&o.api, "api", "", "URL of the Kubernetes API server, on loopback")
	flag.IntVar(&o.pid, "pid", 0, "process of the control plane, for its CPU time and memory")
	flag.StringVar(&o.namespace, "namespace", "load", "namespace of the services and the sidecars")
	flag.BoolVar(&o.setupOnly, "setup-only", false, "make the objects and end")
	flag.DurationVar(&o.timeout, "timeout", time.Minute, "longest wait for one change")
	flag.Parse()
	// Arguments can be read by everybody on the machine, and stand in messages.
	o.token = os.Getenv("XDSLOAD_TOKEN")
	if o.clients < 1 || o.services < 1 || o.endpoints < 1 || o.api == "" {
		fmt.Fprintln(os.Stderr, "xdsload: --api is needed, and --clients, --services and --endpoints are at least 1")
		os.Exit(1)
	}
	if o.changed < 1 || o.changed > o.services {
		o.changed = o.services
	}
	cluster := newCluster(o)
	if o.setupOnly {
		fail(cluster.setup())
		return
	}
	result, err := measure(o, cluster)
	fail(err)
	text, err := json.Marshal(result)
	fail(err)
	fmt.Println(string(text))
	if result.Lost > 0 {
		os.Exit(2)
	}
}

func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "xdsload:", err)
		os.Exit(1)
	}
}
