package main

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"
)

type object = map[string]any

// cluster makes and changes objects through a Kubernetes API server.
type cluster struct {
	options
	client *http.Client
}

func newCluster(o options) *cluster {
	// The certificate is one that the API server has made for itself, on this machine.
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, MaxIdleConnsPerHost: 16}
	return &cluster{options: o, client: &http.Client{Transport: transport, Timeout: 30 * time.Second}}
}

// call sends an object. What exists already is no error.
func (c *cluster) call(method, path, contentType string, body object) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	request, err := http.NewRequest(method, c.api+path, bytes.NewReader(text))
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer "+c.token)
	request.Header.Set("Content-Type", contentType)
	response, err := c.client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(response.Body, 4096))
	if err != nil {
		return err
	}
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		return err
	}
	if response.StatusCode >= 300 && response.StatusCode != http.StatusConflict {
		return fmt.Errorf("%s %s: %s: %s", method, path, response.Status, answer)
	}
	return nil
}

func (c *cluster) create(path string, body object) error {
	return c.call(http.MethodPost, path, "application/json", body)
}

// setup makes the namespace, the services with their endpoints, and a running Pod for each sidecar.
func (c *cluster) setup() error {
	if err := c.create("/api/v1/namespaces", object{"apiVersion": "v1", "kind": "Namespace", "metadata": object{"name": c.namespace}}); err != nil {
		return err
	}
	if err := c.create("/api/v1/namespaces/"+c.namespace+"/serviceaccounts", object{"apiVersion": "v1", "kind": "ServiceAccount", "metadata": object{"name": "default"}}); err != nil {
		return err
	}
	var work []func() error
	for s := 0; s < c.services; s++ {
		work = append(work, func() error { return c.createService(s) })
	}
	for p := 0; p < c.clients; p++ {
		work = append(work, func() error { return c.createPod(p) })
	}
	return inParallel(16, work)
}

func (c *cluster) createService(s int) error {
	name := serviceName(s)
	service := object{"apiVersion": "v1", "kind": "Service", "metadata": object{"name": name},
		"spec": object{"ports": []any{object{"name": "http", "port": 80, "targetPort": 8080, "protocol": "TCP"}}}}
	if err := c.create("/api/v1/namespaces/"+c.namespace+"/services", service); err != nil {
		return err
	}
	return c.create(c.slicesPath(), c.slice(s, ""))
}

func (c *cluster) createPod(p int) error {
	name := podName(p)
	path := "/api/v1/namespaces/" + c.namespace + "/pods"
	injected := `{"initContainers":["weft-init","weft-proxy"]}`
	pod := object{"apiVersion": "v1", "kind": "Pod",
		"metadata": object{"name": name, "labels": object{"app": "app"},
			"annotations": object{"weft.mesh/status": injected, "sidecar.istio.io/status": injected}},
		"spec": object{"automountServiceAccountToken": false, "containers": []any{object{"name": "app", "image": "app"}}}}
	if err := c.create(path, pod); err != nil {
		return err
	}
	ip := podAddress(p)
	status := object{"status": object{"phase": "Running", "podIP": ip, "podIPs": []any{object{"ip": ip}},
		"conditions": []any{object{"type": "Ready", "status": "True"}}}}
	return c.call(http.MethodPatch, path+"/"+name+"/status", "application/merge-patch+json", status)
}

// replaceEndpoints puts one more address into a service.
func (c *cluster) replaceEndpoints(s int, extra string) error {
	return c.call(http.MethodPut, c.slicesPath()+"/"+serviceName(s)+"-x", "application/json", c.slice(s, extra))
}

func (c *cluster) slicesPath() string {
	return "/apis/discovery.k8s.io/v1/namespaces/" + c.namespace + "/endpointslices"
}

func (c *cluster) slice(s int, extra string) object {
	var endpoints []any
	for e := 0; e < c.endpoints; e++ {
		address := fmt.Sprintf("10.%d.%d.%d", 20+s/250, s%250, e+1)
		endpoints = append(endpoints, object{"addresses": []string{address}, "conditions": object{"ready": true}})
	}
	if extra != "" {
		endpoints = append(endpoints, object{"addresses": []string{extra}, "conditions": object{"ready": true}})
	}
	return object{"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
		"metadata":  object{"name": serviceName(s) + "-x", "labels": object{"kubernetes.io/service-name": serviceName(s)}},
		"endpoints": endpoints, "ports": []any{object{"name": "http", "port": 8080, "protocol": "TCP"}}}
}

func serviceName(s int) string { return fmt.Sprintf("svc-%d", s) }
func podName(p int) string     { return fmt.Sprintf("app-%d", p) }
func podAddress(p int) string  { return fmt.Sprintf("10.9.%d.%d", p/250, p%250+1) }

// inParallel does all of the work, some at a time, and says what failed first.
func inParallel(limit int, work []func() error) error {
	var wait sync.WaitGroup
	slots := make(chan struct{}, limit)
	failures := make(chan error, len(work))
	for _, do := range work {
		wait.Add(1)
		slots <- struct{}{}
		go func() {
			defer func() { <-slots; wait.Done() }()
			if err := do(); err != nil {
				failures <- err
			}
		}()
	}
	wait.Wait()
	close(failures)
	return <-failures
}
