{{- define "qiantang.name" -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- end }}

{{- define "qiantang.serviceAccount" -}}
{{- default (include "qiantang.name" .) .Values.serviceAccount.name -}}
{{- end }}

{{- define "qiantang.image" -}}
{{- printf "%s:%s" .Values.image.repository (default .Chart.AppVersion .Values.image.tag) -}}
{{- end }}

{{- define "qiantang.selector" -}}
app.kubernetes.io/name: qiantang-operator
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "qiantang.labels" -}}
{{ include "qiantang.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: qiantang
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}
