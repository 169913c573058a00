{{- define "claims-api.name" -}}
{{- .Values.nameOverride | default .Chart.Name | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/* 52 characters, so that what is hung on it, and the number of a CronJob's job, still fit into 63. */}}
{{- define "claims-api.fullname" -}}
{{- $name := include "claims-api.name" . }}
{{- .Values.fullnameOverride | default (contains $name .Release.Name | ternary .Release.Name (printf "%s-%s" .Release.Name $name)) | trunc 40 | trimSuffix "-" }}
{{- end }}

{{- define "claims-api.selectorLabels" -}}
app.kubernetes.io/name: {{ include "claims-api.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "claims-api.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 }}
{{ include "claims-api.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{/* Everything that may talk to the database bears this component beside the selector's labels. */}}
{{- define "claims-api.componentLabels" -}}
{{ include "claims-api.labels" .root }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{- define "claims-api.image" -}}
{{- $image := .Values.image -}}
{{ $image.repository }}{{ if $image.digest }}@{{ $image.digest }}{{ else }}:{{ $image.tag | default .Chart.AppVersion }}{{ end }}
{{- end }}

{{- define "claims-api.serviceAccountName" -}}
{{- .Values.serviceAccount.name | default (.Values.serviceAccount.create | ternary (include "claims-api.fullname" .) "default") }}
{{- end }}

{{- define "claims-api.port" -}}
{{- .Values.settings.CLAIMS_API_PORT | default 9950 | int }}
{{- end }}

{{- define "claims-api.keysSecret" -}}
{{- .Values.keys.existingSecret | default (printf "%s-%s" (include "claims-api.fullname" .) (empty .Values.keys.private | ternary "made-keys" "keys")) }}
{{- end }}

{{- define "claims-api.postgresql" -}}
{{ include "claims-api.fullname" . }}-postgresql
{{- end }}

{{/* Restricted Pod Security; the user and group of the image. */}}
{{- define "claims-api.podSecurityContext" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
fsGroupChangePolicy: OnRootMismatch
seccompProfile: { type: RuntimeDefault }
{{- end }}

{{- define "claims-api.securityContext" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: { drop: [ALL] }
{{- end }}

{{/* What every pod of the program has. The variables that Kubernetes would make of Services begin with CLAIMS_API_ too. */}}
{{- define "claims-api.podBasics" -}}
serviceAccountName: {{ include "claims-api.serviceAccountName" . }}
automountServiceAccountToken: false
enableServiceLinks: false
securityContext:
  {{- include "claims-api.podSecurityContext" . | nindent 2 }}
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "claims-api.databaseEnv" -}}
- name: DATABASE_URL
  valueFrom:
    secretKeyRef:
      {{- if .Values.postgresql.enabled }}
      name: {{ include "claims-api.postgresql" . }}
      key: DATABASE_URL
      {{- else }}
      name: {{ .Values.database.existingSecret }}
      key: {{ .Values.database.key }}
      {{- end }}
{{- end }}

{{- define "claims-api.settingsEnv" -}}
{{- range $name, $value := .Values.settings }}
- name: {{ $name }}
  value: {{ kindIs "float64" $value | ternary (int64 $value | toString) (toString $value) | quote }}
{{- end }}
{{- end }}

{{/* The volume of claim files, from the one source that the values name. */}}
{{- define "claims-api.dataVolume" -}}
{{- $data := .Values.data -}}
- name: data
  {{- if $data.existingClaim }}
  persistentVolumeClaim: { claimName: {{ $data.existingClaim.name }}, readOnly: true }
  {{- else if $data.newClaim }}
  persistentVolumeClaim: { claimName: {{ include "claims-api.fullname" . }}-data, readOnly: true }
  {{- else if $data.hostPath }}
  hostPath: { path: {{ $data.hostPath.path }}, type: Directory }
  {{- else if $data.nfs }}
  nfs: { server: {{ $data.nfs.server }}, path: {{ $data.nfs.path }}, readOnly: true }
  {{- else if $data.configMap }}
  configMap: { name: {{ $data.configMap.name }} }
  {{- else if $data.image }}
  image: { reference: {{ $data.image.reference | quote }}, pullPolicy: {{ $data.image.pullPolicy | default "IfNotPresent" }} }
  {{- else }}
  emptyDir: {}
  {{- end }}
{{- end }}

{{/* DNS, and the database: what every pod of the program needs. */}}
{{- define "claims-api.egress" -}}
- ports: [{ port: 53, protocol: UDP }, { port: 53, protocol: TCP }]
- ports: [{ port: {{ .Values.postgresql.enabled | ternary 5432 .Values.networkPolicy.databasePort }} }]
  {{- if .Values.postgresql.enabled }}
  to:
    - podSelector:
        matchLabels:
          {{- include "claims-api.selectorLabels" . | nindent 10 }}
          app.kubernetes.io/component: postgresql
  {{- else if .Values.networkPolicy.databaseTo }}
  to:
    {{- toYaml .Values.networkPolicy.databaseTo | nindent 4 }}
  {{- end }}
{{- end }}

{{/* What the schema cannot say, or not so that one knows what to do. */}}
{{- define "claims-api.validate" -}}
{{- if and (not .Values.postgresql.enabled) (not .Values.database.existingSecret) }}
{{- fail (printf `

database.existingSecret is not set: the claims need a PostgreSQL (15 or newer). Make a Secret with its URL, and name it:

  kubectl create secret generic claims-api-database --namespace %s \
    --from-literal=DATABASE_URL='postgres://USER:PASSWORD@HOST:5432/DATABASE?sslmode=verify-full'

  --set database.existingSecret=claims-api-database

For a trial without one: --set postgresql.enabled=true` .Release.Namespace) }}
{{- end }}
{{- if and .Values.postgresql.enabled .Values.database.existingSecret }}
{{- fail "\n\ndatabase.existingSecret and postgresql.enabled are both set: expected one database; unset one of them" }}
{{- end }}
{{- if ne (empty .Values.keys.private) (empty .Values.keys.public) }}
{{- fail "\n\nkeys.private and keys.public are the two files of one pair, and only one is set: --set-file keys.private=keys/jwt_key --set-file keys.public=keys/jwt_key.pub.pem" }}
{{- end }}
{{- if and .Values.keys.older (not .Values.keys.private) }}
{{- fail "\n\nkeys.older is set without the pair itself: set keys.private and keys.public too, or put every key into a Secret and name it as keys.existingSecret" }}
{{- end }}
{{- if and .Values.keys.existingSecret (or .Values.keys.private .Values.keys.older) }}
{{- fail "\n\nkeys.existingSecret and the keys themselves are both set: put every key into the Secret, or name none" }}
{{- end }}
{{- if and .Values.serviceMonitor.enabled (not .Values.settings.CLAIMS_API_OPS_PORT) }}
{{- fail "\n\nserviceMonitor.enabled asks for metrics, and settings.CLAIMS_API_OPS_PORT, the port they are on, is not set" }}
{{- end }}
{{- if and .Values.httpRoute.enabled (empty .Values.httpRoute.parentRefs) }}
{{- fail "\n\nhttpRoute.parentRefs is empty: name the Gateway that it attaches to, such as --set httpRoute.parentRefs[0].name=public" }}
{{- end }}
{{- end }}
