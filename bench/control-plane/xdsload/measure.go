package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

// result has seconds, milliseconds, and bytes, as its names say.
type result struct {
	ConnectSeconds    float64 `json:"connectSeconds"`
	ConnectCPUSeconds float64 `json:"connectCpuSeconds"`
	// Resident memory of the control plane after all had connected, and at the end.
	ConnectedBytes int64 `json:"connectedBytes"`
	EndBytes       int64 `json:"endBytes"`
	// Of configuration that one sidecar was sent at the start.
	InitialBytesEach float64 `json:"initialBytesEach"`
	// One change after the other: at each sidecar, and at the last of them.
	ChangeP50Ms     float64 `json:"changeP50Ms"`
	ChangeP99Ms     float64 `json:"changeP99Ms"`
	LastP50Ms       float64 `json:"lastP50Ms"`
	LastMaxMs       float64 `json:"lastMaxMs"`
	ChangeCPUMs     float64 `json:"changeCpuMs"`
	ChangeBytesEach float64 `json:"changeBytesEach"`
	// Sidecars that a change did not reach in time, over all changes.
	Lost int `json:"lost"`
	// Streams that ended and were opened again.
	Ends   int64   `json:"ends"`
	Steady *steady `json:"steady,omitempty"`
}

// steady is what many changes a second cost.
type steady struct {
	Changes     int     `json:"changes"`
	P50Ms       float64 `json:"p50Ms"`
	P99Ms       float64 `json:"p99Ms"`
	CPUMsEach   float64 `json:"cpuMsEach"`
	GrowthBytes int64   `json:"growthBytes"`
}

const connectLimit = 5 * time.Minute

func measure(o options, c *cluster) (*result, error) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	f := &fleet{options: o, arrivals: make(chan time.Duration, 4*o.clients), synced: make(chan struct{}, o.clients)}
	out := &result{}
	cpuBefore, _ := usage(o.pid)
	began := time.Now()
	for id := 0; id < o.clients; id++ {
		go f.keep(ctx, id)
	}
	limit := time.After(connectLimit)
	for id := 0; id < o.clients; id++ {
		select {
		case <-f.synced:
		case <-limit:
			return nil, fmt.Errorf("%d of %d sidecars were in sync after %s; %d streams ended", id, o.clients, connectLimit, f.ends.Load())
		}
	}
	out.ConnectSeconds = time.Since(began).Seconds()
	// What is still under way belongs to connecting.
	time.Sleep(3 * time.Second)
	cpu, memory := usage(o.pid)
	out.ConnectCPUSeconds, out.ConnectedBytes = cpu-cpuBefore, memory
	out.InitialBytesEach = float64(f.bytes.Load()) / float64(o.clients)
	if err := f.changeOneByOne(c, out); err != nil {
		return nil, err
	}
	if o.rate > 0 && o.steady > 0 {
		if err := f.changeSteadily(c, out); err != nil {
			return nil, err
		}
	}
	_, out.EndBytes = usage(o.pid)
	out.Ends = f.ends.Load()
	if o.changes > 0 && out.ChangeP50Ms == 0 {
		return nil, errors.New("no change reached any sidecar")
	}
	return out, nil
}

// freshAddress has never been used before, so that every change is one.
func freshAddress(k int) string {
	run := int(time.Now().UnixMilli() % (200 * 250))
	return fmt.Sprintf("172.%d.%d.%d", 20+run/250, run%250, k%250+1)
}

func (f *fleet) changeOneByOne(c *cluster, out *result) error {
	if f.changes == 0 {
		return nil
	}
	cpuBefore, _ := usage(f.pid)
	bytesBefore := f.bytes.Load()
	var all, last []time.Duration
	for k := 0; k < f.changes; k++ {
		for len(f.arrivals) > 0 {
			<-f.arrivals
		}
		address := freshAddress(k)
		f.now.Store(&change{address: []byte(address), at: time.Now()})
		if err := c.replaceEndpoints((k*7)%f.changed, address); err != nil {
			return err
		}
		var worst time.Duration
		limit := time.After(f.timeout)
	wait:
		for got := 0; got < f.clients; got++ {
			select {
			case took := <-f.arrivals:
				all = append(all, took)
				worst = max(worst, took)
			case <-limit:
				out.Lost += f.clients - got
				break wait
			}
		}
		last = append(last, worst)
		time.Sleep(f.gap)
	}
	cpu, _ := usage(f.pid)
	slices.Sort(all)
	slices.Sort(last)
	out.ChangeP50Ms, out.ChangeP99Ms = quantile(all, .5), quantile(all, .99)
	out.LastP50Ms, out.LastMaxMs = quantile(last, .5), quantile(last, 1)
	out.ChangeCPUMs = (cpu - cpuBefore) * 1000 / float64(f.changes)
	out.ChangeBytesEach = float64(f.bytes.Load()-bytesBefore) / float64(f.clients*f.changes)
	return nil
}

// changeSteadily changes at a rate, whatever has arrived, and looks for each change while it is the newest one.
func (f *fleet) changeSteadily(c *cluster, out *result) error {
	for len(f.arrivals) > 0 {
		<-f.arrivals
	}
	done := make(chan struct{})
	var all []time.Duration
	collected := make(chan struct{})
	go func() {
		defer close(collected)
		for {
			select {
			case took := <-f.arrivals:
				all = append(all, took)
			case <-done:
				return
			}
		}
	}()
	cpuBefore, memoryBefore := usage(f.pid)
	count := int(f.rate * f.steady.Seconds())
	ticker := time.NewTicker(time.Duration(float64(time.Second) / f.rate))
	defer ticker.Stop()
	for k := 0; k < count; k++ {
		<-ticker.C
		address := freshAddress(k)
		f.now.Store(&change{address: []byte(address), at: time.Now()})
		if err := c.replaceEndpoints((k*7)%f.changed, address); err != nil {
			return err
		}
	}
	time.Sleep(3 * time.Second)
	close(done)
	<-collected
	cpu, memory := usage(f.pid)
	slices.Sort(all)
	out.Steady = &steady{Changes: count, P50Ms: quantile(all, .5), P99Ms: quantile(all, .99),
		CPUMsEach: (cpu - cpuBefore) * 1000 / float64(count), GrowthBytes: memory - memoryBefore}
	return nil
}

// usage is a process's CPU time in seconds and its resident memory in bytes (proc(5)).
func usage(pid int) (float64, int64) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, 0
	}
	// The second field is the program's name, which may have spaces.
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+2:]))
	user, _ := strconv.ParseFloat(fields[11], 64)
	system, _ := strconv.ParseFloat(fields[12], 64)
	pages, _ := strconv.ParseInt(fields[21], 10, 64)
	return (user + system) / 100, pages * int64(os.Getpagesize())
}

func quantile(sorted []time.Duration, q float64) float64 {
	if len(sorted) == 0 {
		return 0
	}
	return float64(sorted[int(float64(len(sorted)-1)*q)].Microseconds()) / 1000
}
