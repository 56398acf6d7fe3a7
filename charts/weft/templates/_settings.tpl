{{- define "weft.settings" -}}
{{- with .Values.injection -}}
initImage: {{ include "weft.image" (list $ $.Values.images.init $.Values.images.registry) }}
captureDns: {{ .captureDns }}
imagePullSecrets: {{ toJson .imagePullSecrets }}
proxy:
  image: {{ include "weft.image" (list $ $.Values.images.proxy "") }}
  imagePullPolicy: {{ $.Values.images.pullPolicy }}
  {{- range $name, $value := .proxy }}
  {{- if $value }}
  {{ $name }}: {{ toJson $value }}
  {{- end }}
  {{- end }}
{{- end }}
{{- end }}
