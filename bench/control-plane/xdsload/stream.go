package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"sync/atomic"
	"time"

	cluster3 "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	core "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	listener "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	hcm "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"
	discovery "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/types/known/structpb"
)

const (
	clusterType  = "type.googleapis.com/envoy.config.cluster.v3.Cluster"
	endpointType = "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment"
	listenerType = "type.googleapis.com/envoy.config.listener.v3.Listener"
	routeType    = "type.googleapis.com/envoy.config.route.v3.RouteConfiguration"
)

// change is what the streams look for at a moment.
type change struct {
	address []byte
	at      time.Time
}

// fleet is what all streams share.
type fleet struct {
	options
	// The change that is looked for.
	now      atomic.Pointer[change]
	arrivals chan time.Duration
	bytes    atomic.Int64
	ends     atomic.Int64
	synced   chan struct{}
}

// keep opens a stream and opens it again when it ends, as Envoy does, with a short back-off.
func (f *fleet) keep(ctx context.Context, id int) {
	conn, err := grpc.NewClient(f.addr, grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(1<<30)))
	fail(err)
	defer conn.Close()
	s := &stream{fleet: f, id: id}
	for ctx.Err() == nil {
		if err := s.run(ctx, conn); ctx.Err() == nil {
			if f.ends.Add(1) <= 3 {
				fmt.Fprintln(os.Stderr, "xdsload: stream", id, "ended:", err)
			}
			select {
			case <-ctx.Done():
			case <-time.After(500 * time.Millisecond):
			}
		}
	}
}

// stream is one simulated sidecar.
type stream struct {
	*fleet
	id     int
	synced bool
	seen   *change
}

func (s *stream) node() *core.Node {
	metadata, err := structpb.NewStruct(map[string]any{"NAMESPACE": s.namespace, "CLUSTER_ID": "Kubernetes", "ISTIO_VERSION": "1.29.0", "GENERATOR": ""})
	fail(err)
	return &core.Node{
		Id:       fmt.Sprintf("sidecar~%s~%s.%s~%s.svc.cluster.local", podAddress(s.id), podName(s.id), s.namespace, s.namespace),
		Cluster:  "app." + s.namespace,
		Metadata: metadata,
	}
}

// run asks for all clusters and listeners, and for the endpoints and routes that they name, and acknowledges.
func (s *stream) run(ctx context.Context, conn *grpc.ClientConn) error {
	ads, err := discovery.NewAggregatedDiscoveryServiceClient(conn).DeltaAggregatedResources(ctx)
	if err != nil {
		return err
	}
	if err := ads.Send(&discovery.DeltaDiscoveryRequest{Node: s.node(), TypeUrl: clusterType}); err != nil {
		return err
	}
	known := map[string]map[string]bool{endpointType: {}, routeType: {}}
	got := map[string]bool{}
	for {
		response, err := ads.Recv()
		if err != nil {
			return err
		}
		s.look(response)
		wanted := namesIn(response)
		requests := []*discovery.DeltaDiscoveryRequest{{TypeUrl: response.TypeUrl, ResponseNonce: response.Nonce}}
		for _, typeURL := range []string{endpointType, routeType} {
			var fresh []string
			for _, name := range wanted[typeURL] {
				if !known[typeURL][name] {
					known[typeURL][name] = true
					fresh = append(fresh, name)
				}
			}
			if len(fresh) > 0 {
				requests = append(requests, &discovery.DeltaDiscoveryRequest{TypeUrl: typeURL, ResourceNamesSubscribe: fresh})
			}
		}
		if response.TypeUrl == clusterType && !got[clusterType] {
			requests = append(requests, &discovery.DeltaDiscoveryRequest{TypeUrl: listenerType})
		}
		for _, request := range requests {
			if err := ads.Send(request); err != nil {
				return err
			}
		}
		got[response.TypeUrl] = true
		if !s.synced && got[clusterType] && got[listenerType] && got[endpointType] {
			s.synced = true
			s.fleet.synced <- struct{}{}
		}
	}
}

// look counts the bytes, and tells when they have the change that is looked for.
func (s *stream) look(response *discovery.DeltaDiscoveryResponse) {
	now := s.now.Load()
	for _, resource := range response.Resources {
		value := resource.GetResource().GetValue()
		s.bytes.Add(int64(len(value)))
		if now != nil && now != s.seen && bytes.Contains(value, now.address) {
			s.seen = now
			s.arrivals <- time.Since(now.at)
		}
	}
}

// namesIn has the endpoints that clusters name, and the routes that listeners name.
func namesIn(response *discovery.DeltaDiscoveryResponse) map[string][]string {
	names := map[string][]string{}
	for _, resource := range response.Resources {
		switch response.TypeUrl {
		case clusterType:
			var cluster cluster3.Cluster
			if resource.GetResource().UnmarshalTo(&cluster) == nil && cluster.GetType() == cluster3.Cluster_EDS {
				name := cluster.GetEdsClusterConfig().GetServiceName()
				if name == "" {
					name = cluster.Name
				}
				names[endpointType] = append(names[endpointType], name)
			}
		case listenerType:
			var found listener.Listener
			if resource.GetResource().UnmarshalTo(&found) == nil {
				names[routeType] = append(names[routeType], routesOf(&found)...)
			}
		}
	}
	return names
}

func routesOf(from *listener.Listener) []string {
	var names []string
	for _, chain := range append(from.FilterChains, from.DefaultFilterChain) {
		for _, filter := range chain.GetFilters() {
			var manager hcm.HttpConnectionManager
			if config := filter.GetTypedConfig(); config != nil && config.UnmarshalTo(&manager) == nil {
				if name := manager.GetRds().GetRouteConfigName(); name != "" {
					names = append(names, name)
				}
			}
		}
	}
	return names
}
