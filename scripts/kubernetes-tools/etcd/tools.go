//go:build tools

// Package tools names the program of etcd that the cluster tests run, so that go.mod and go.sum cover it.
package tools

import _ "go.etcd.io/etcd/server/v3"
