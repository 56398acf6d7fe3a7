module weft.mesh/kubernetes-tools/pause

go 1.21
