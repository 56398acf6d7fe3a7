{{- /* What the schema of the values cannot say: it sees one value at a time. */ -}}
{{- define "weft.check" -}}
{{- $plane := .Values.controlPlane -}}
{{- if ge (int $plane.preStopSeconds) (int $plane.terminationGracePeriodSeconds) -}}
{{- fail "controlPlane.preStopSeconds takes all of controlPlane.terminationGracePeriodSeconds: a replica would have no time to hand over its proxies" -}}
{{- end -}}
{{- $scaling := .Values.autoscaling -}}
{{- if $scaling.enabled -}}
{{- if gt (int $scaling.minReplicas) (int $scaling.maxReplicas) -}}
{{- fail "autoscaling.minReplicas is more than autoscaling.maxReplicas" -}}
{{- end -}}
{{- if and (eq (int $scaling.proxiesPerReplica) 0) (eq (int $scaling.cpuPercent) 0) -}}
{{- fail "autoscaling goes by nothing: set autoscaling.proxiesPerReplica or autoscaling.cpuPercent" -}}
{{- end -}}
{{- end -}}
{{- end }}
