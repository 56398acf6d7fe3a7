//go:build tools

// Package tools names helm, which the cluster tests install charts with, so that go.mod and go.sum cover it.
package tools

import _ "helm.sh/helm/v4/cmd/helm"
