{{- define "postrider.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{- define "postrider.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else if contains (include "postrider.name" .) .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "postrider.name" .) | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "postrider.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "postrider.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{/* Labels that select the pods of one service, or of one part of it. Called with (dict "root" $ "service" "router"), perhaps with a "component". */}}
{{- define "postrider.selector" -}}
app.kubernetes.io/name: {{ include "postrider.name" .root }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ default .service .component }}
{{- end -}}

{{- define "postrider.labels" -}}
{{ include "postrider.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/part-of: postrider
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" }}
{{- end -}}

{{/* Settings of one service. Each reads only what it knows and refuses other POSTRIDER_ names, so none is given too much. */}}
{{- define "postrider.settings" -}}
{{- $values := .root.Values -}}
POSTRIDER_KAFKA_BROKERS: {{ join "," $values.kafka.brokers | quote }}
POSTRIDER_TOPIC_PREFIX: {{ $values.kafka.topicPrefix | quote }}
{{- if $values.kafka.tls }}
POSTRIDER_KAFKA_SSL: "true"
{{- else if or $values.kafka.ca.existingSecret $values.kafka.clientCertificate.existingSecret }}{{ fail "kafka.tls is false, but kafka.ca.existingSecret or kafka.clientCertificate.existingSecret is set" }}
{{- end }}
{{- if $values.kafka.ca.existingSecret }}
POSTRIDER_KAFKA_SSL_CA_FILE: /etc/postrider/kafka-ca/ca.crt
{{- end }}
{{- if $values.kafka.clientCertificate.existingSecret }}
POSTRIDER_KAFKA_SSL_CERT_FILE: /etc/postrider/kafka-client/tls.crt
POSTRIDER_KAFKA_SSL_KEY_FILE: /etc/postrider/kafka-client/tls.key
{{- end }}
{{- if $values.kafka.sasl.mechanism }}
POSTRIDER_KAFKA_SASL_MECHANISM: {{ $values.kafka.sasl.mechanism | quote }}
POSTRIDER_KAFKA_SASL_USERNAME: {{ $values.kafka.sasl.username | quote }}
POSTRIDER_KAFKA_SASL_PASSWORD_FILE: /etc/postrider/kafka/password
{{- end }}
POSTRIDER_HEALTH_HOST: "0.0.0.0"
POSTRIDER_HEALTH_PORT: "9090"
POSTRIDER_LOG_LEVEL: {{ $values.logLevel | quote }}
{{- if eq .service "control-plane" }}
POSTRIDER_PARTITIONS: {{ $values.kafka.partitions | int | quote }}
POSTRIDER_REPLICATION_FACTOR: {{ $values.kafka.replicationFactor | int | quote }}
POSTRIDER_GRPC_HOST: "0.0.0.0"
POSTRIDER_GRPC_PORT: "8080"
POSTRIDER_WELL_KNOWN_PORT: "8085"
{{- with $values.controlPlane }}
{{- if and (eq .tls.clients "required") (not .tls.clientCaSecret) }}{{ fail "controlPlane.tls.clients is required, but controlPlane.tls.clientCaSecret is empty: name a Secret with the authorities whose clients are believed" }}{{ end }}
{{- if and .tls.clientCaSecret (not .tls.existingSecret) }}{{ fail "controlPlane.tls.clientCaSecret is set, but controlPlane.tls.existingSecret is empty: clients show certificates to a server that has one" }}{{ end }}
{{- if .tls.existingSecret }}
{{- if .plaintext }}{{ fail "controlPlane.plaintext is true, but controlPlane.tls.existingSecret is set" }}{{ end }}
POSTRIDER_GRPC_TLS_CERT_FILE: /etc/postrider/tls/tls.crt
POSTRIDER_GRPC_TLS_KEY_FILE: /etc/postrider/tls/tls.key
{{- if .tls.caKey }}
POSTRIDER_GRPC_TLS_CA_FILE: /etc/postrider/tls/ca.crt
{{- end }}
POSTRIDER_GRPC_TLS_SERVER_NAME: {{ default (printf "%s-control-plane.%s.svc" (include "postrider.fullname" $.root) $.root.Release.Namespace) .tls.serverName | quote }}
{{- if .tls.clientCaSecret }}
POSTRIDER_GRPC_TLS_CLIENT_CA_FILE: /etc/postrider/tls-clients/ca.crt
POSTRIDER_GRPC_TLS_CLIENTS: {{ .tls.clients | quote }}
{{- end }}
{{- else if .plaintext }}
POSTRIDER_GRPC_PLAINTEXT: "true"
{{- else }}{{ fail "controlPlane.tls.existingSecret is empty: name a Secret with the certificate of the API, or set controlPlane.plaintext=true where something else encrypts" }}
{{- end }}
{{- if .jwt.issuer }}
POSTRIDER_JWT_ISSUER: {{ .jwt.issuer | quote }}
POSTRIDER_JWT_AUDIENCES: {{ join "," .jwt.audiences | quote }}
POSTRIDER_JWT_JWKS_URL: {{ .jwt.jwksUrl | quote }}
POSTRIDER_JWT_ALGORITHMS: {{ join "," .jwt.algorithms | quote }}
{{- if .jwt.jwksCaSecret }}
POSTRIDER_JWT_JWKS_CA_FILE: /etc/postrider/jwks-ca/ca.crt
{{- end }}
{{- with .jwt.groupsClaim }}
POSTRIDER_JWT_GROUPS_CLAIM: {{ . | quote }}
{{- end }}
{{- end }}
{{- end }}
POSTRIDER_SESSION_TIMEOUT: {{ $values.controlPlane.sessionTimeout | quote }}
POSTRIDER_READ_ONLY: {{ $values.controlPlane.readOnly | quote }}
{{- with default (first $values.sourceTopics) $values.publishTopic }}
POSTRIDER_PUBLISH_TOPIC: {{ . | quote }}
{{- end }}
POSTRIDER_EVENT_TYPES_REQUIRED: {{ $values.controlPlane.eventTypesRequired | quote }}
POSTRIDER_AUDIT_RETENTION: {{ $values.controlPlane.auditRetention | quote }}
{{- with $values.controlPlane.acceptConfigLoss }}
POSTRIDER_ACCEPT_CONFIG_LOSS: {{ . | quote }}
{{- end }}
POSTRIDER_BOOTSTRAP_ADMIN_KEY_FILE: /etc/postrider/secrets/bootstrap-admin-key
{{- end }}
{{- if eq .service "router" }}
{{- with $values.sourceTopics }}
POSTRIDER_SOURCE_TOPICS: {{ join "," . | quote }}
{{- end }}
{{- end }}
{{- if eq .service "dispatcher" }}
POSTRIDER_SESSION_TIMEOUT: {{ $values.dispatcher.sessionTimeout | quote }}
POSTRIDER_STORE_DIR: /var/postrider
POSTRIDER_QUESTIONS_HOST: "0.0.0.0"
POSTRIDER_QUESTIONS_PORT: "8084"
POSTRIDER_STORE_BYTES_MAX: {{ $values.dispatcher.store.bytesMax | int64 | quote }}
{{- with $values.dispatcher.contactUrl }}
POSTRIDER_CONTACT_URL: {{ . | quote }}
{{- end }}
POSTRIDER_CONCURRENCY_START: {{ $values.dispatcher.concurrencyStart | int | quote }}
{{- with $values.dispatcher.destination }}
POSTRIDER_DESTINATION_RATE_MAX: {{ .rateMax | int | quote }}
POSTRIDER_DESTINATION_BY: {{ .by | quote }}
{{- end }}
{{- if $values.redis.existingSecret }}
POSTRIDER_REDIS_URL_FILE: /etc/postrider/redis/url
{{- end }}
{{- end }}
{{- if ne .service "router" }}
{{- if $values.egress.pools }}
POSTRIDER_EGRESS_POOLS_FILE: /etc/postrider/egress-pools/pools.json
{{- end }}
{{- if $values.egress.policy }}
POSTRIDER_EGRESS_POLICY_FILE: /etc/postrider/egress-policy/policy.json
{{- end }}
POSTRIDER_KEK_FILE: /etc/postrider/secrets/kek
{{- if $values.secrets.callKey }}
POSTRIDER_CALL_KEY_FILE: /etc/postrider/secrets/call-key
{{- end }}
{{- if $values.endpoints.allowHttp }}
POSTRIDER_ALLOW_HTTP: "true"
{{- end }}
{{- with $values.endpoints.allowCidrs }}
POSTRIDER_ALLOW_CIDRS: {{ join "," . | quote }}
{{- end }}
{{- end }}
{{- end -}}

{{/* The secret files of one service: the router is given none. */}}
{{- define "postrider.volumes" -}}
{{- $values := .root.Values -}}
- name: tmp
  emptyDir: {}
{{- if eq .service "dispatcher" }}
- name: store
  emptyDir:
    sizeLimit: {{ $values.dispatcher.store.sizeLimit }}
{{- end }}
{{- if ne .service "router" }}
- name: secrets
  secret:
    secretName: {{ $values.secrets.existingSecret }}
    defaultMode: 0440
    items:
      - key: {{ $values.secrets.kekKey }}
        path: kek
      {{- if $values.secrets.callKey }}
      - key: {{ $values.secrets.callKey }}
        path: call-key
      {{- end }}
      {{- if eq .service "control-plane" }}
      - key: {{ $values.secrets.bootstrapAdminKey }}
        path: bootstrap-admin-key
      {{- end }}
{{- end }}
{{- with $values.controlPlane.tls }}
{{- if and (eq $.service "control-plane") .existingSecret }}
- name: tls
  secret:
    secretName: {{ .existingSecret }}
    defaultMode: 0440
    items:
      - key: {{ .certKey }}
        path: tls.crt
      - key: {{ .keyKey }}
        path: tls.key
      {{- with .caKey }}
      - key: {{ . }}
        path: ca.crt
      {{- end }}
{{- if .clientCaSecret }}
- name: tls-clients
  secret:
    secretName: {{ .clientCaSecret }}
    defaultMode: 0440
    items:
      - key: {{ .clientCaKey }}
        path: ca.crt
{{- end }}
{{- end }}
{{- end }}
{{- if and (ne .service "router") $values.egress.pools }}
- name: egress-pools
  configMap:
    name: {{ include "postrider.fullname" .root }}-egress-pools
{{- end }}
{{- if and (ne .service "router") $values.egress.policy }}
- name: egress-policy
  configMap:
    name: {{ include "postrider.fullname" .root }}-egress-policy
{{- end }}
{{- if and (eq .service "dispatcher") $values.egress.existingSecret }}
- name: egress
  secret:
    secretName: {{ $values.egress.existingSecret }}
    defaultMode: 0440
{{- end }}
{{- if and (eq .service "control-plane") $values.controlPlane.jwt.issuer $values.controlPlane.jwt.jwksCaSecret }}
- name: jwks-ca
  secret:
    secretName: {{ $values.controlPlane.jwt.jwksCaSecret }}
    defaultMode: 0440
    items:
      - key: {{ $values.controlPlane.jwt.jwksCaKey }}
        path: ca.crt
{{- end }}
{{- with $values.kafka.ca }}
{{- if .existingSecret }}
- name: kafka-ca
  secret:
    secretName: {{ .existingSecret }}
    defaultMode: 0440
    items:
      - key: {{ .key }}
        path: ca.crt
{{- end }}
{{- end }}
{{- with $values.kafka.clientCertificate }}
{{- if .existingSecret }}
- name: kafka-client
  secret:
    secretName: {{ .existingSecret }}
    defaultMode: 0440
    items:
      - key: {{ .certKey }}
        path: tls.crt
      - key: {{ .keyKey }}
        path: tls.key
{{- end }}
{{- end }}
{{- if $values.kafka.sasl.mechanism }}
- name: kafka
  secret:
    secretName: {{ $values.kafka.sasl.existingSecret }}
    defaultMode: 0440
    items:
      - key: {{ $values.kafka.sasl.passwordKey }}
        path: password
{{- end }}
{{- if and (eq .service "dispatcher") $values.redis.existingSecret }}
- name: redis
  secret:
    secretName: {{ $values.redis.existingSecret }}
    defaultMode: 0440
    items:
      - key: {{ $values.redis.urlKey }}
        path: url
{{- end }}
{{- with .values.extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "postrider.volumeMounts" -}}
- name: tmp
  mountPath: /tmp
{{- if eq .service "dispatcher" }}
- name: store
  mountPath: /var/postrider
{{- end }}
{{- if ne .service "router" }}
- name: secrets
  mountPath: /etc/postrider/secrets
  readOnly: true
{{- end }}
{{- with .root.Values.controlPlane.tls }}
{{- if and (eq $.service "control-plane") .existingSecret }}
- name: tls
  mountPath: /etc/postrider/tls
  readOnly: true
{{- if .clientCaSecret }}
- name: tls-clients
  mountPath: /etc/postrider/tls-clients
  readOnly: true
{{- end }}
{{- end }}
{{- end }}
{{- if and (ne .service "router") .root.Values.egress.pools }}
- name: egress-pools
  mountPath: /etc/postrider/egress-pools
  readOnly: true
{{- end }}
{{- if and (ne .service "router") .root.Values.egress.policy }}
- name: egress-policy
  mountPath: /etc/postrider/egress-policy
  readOnly: true
{{- end }}
{{- if and (eq .service "dispatcher") .root.Values.egress.existingSecret }}
- name: egress
  mountPath: /etc/postrider/egress
  readOnly: true
{{- end }}
{{- if and (eq .service "control-plane") .root.Values.controlPlane.jwt.issuer .root.Values.controlPlane.jwt.jwksCaSecret }}
- name: jwks-ca
  mountPath: /etc/postrider/jwks-ca
  readOnly: true
{{- end }}
{{- if .root.Values.kafka.ca.existingSecret }}
- name: kafka-ca
  mountPath: /etc/postrider/kafka-ca
  readOnly: true
{{- end }}
{{- if .root.Values.kafka.clientCertificate.existingSecret }}
- name: kafka-client
  mountPath: /etc/postrider/kafka-client
  readOnly: true
{{- end }}
{{- if .root.Values.kafka.sasl.mechanism }}
- name: kafka
  mountPath: /etc/postrider/kafka
  readOnly: true
{{- end }}
{{- if and (eq .service "dispatcher") .root.Values.redis.existingSecret }}
- name: redis
  mountPath: /etc/postrider/redis
  readOnly: true
{{- end }}
{{- with .values.extraVolumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* The pod of one service. Called with (dict "root" $ "service" "router" "values" .Values.router "grace" 30). */}}
{{- define "postrider.pod" -}}
metadata:
  labels:
    {{- include "postrider.labels" . | nindent 4 }}
  annotations:
    checksum/config: {{ include "postrider.settings" . | sha256sum }}
    {{- if and (ne .service "router") .root.Values.egress.pools }}
    # Pools are read at the start only.
    checksum/egress-pools: {{ toJson .root.Values.egress.pools | sha256sum }}
    {{- end }}
    {{- with .values.podAnnotations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  serviceAccountName: {{ include "postrider.serviceAccountName" .root }}
  automountServiceAccountToken: false
  enableServiceLinks: false
  terminationGracePeriodSeconds: {{ .grace }}
  securityContext:
    runAsNonRoot: true
    runAsUser: 1000
    runAsGroup: 1000
    fsGroup: 1000
    seccompProfile:
      type: RuntimeDefault
  {{- with .root.Values.image.pullSecrets }}
  imagePullSecrets:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  containers:
    - name: {{ .service }}
      image: {{ printf "%s:%s" .root.Values.image.repository (default .root.Chart.AppVersion .root.Values.image.tag) | quote }}
      imagePullPolicy: {{ .root.Values.image.pullPolicy }}
      env:
        - name: SERVICE
          value: {{ .service }}
        {{- with .roles }}
        # What it serves.
        - name: POSTRIDER_ROLES
          value: {{ . | quote }}
        {{- end }}
        {{- if eq .service "control-plane" }}
        # Where the other replicas pass changes on to it, when it leads.
        - name: POSTRIDER_GRPC_ADDRESS
          valueFrom:
            fieldRef: { fieldPath: status.podIP }
        {{- end }}
        {{- if eq .service "dispatcher" }}
        # Where the control plane asks it.
        - name: POSTRIDER_QUESTIONS_ADDRESS
          valueFrom:
            fieldRef: { fieldPath: status.podIP }
        {{- end }}
        {{- with .values.extraEnv }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      envFrom:
        - configMapRef:
            name: {{ include "postrider.fullname" .root }}-{{ .service }}
      ports:
        - name: health
          containerPort: 9090
        {{- if eq .service "control-plane" }}
        - name: grpc
          containerPort: 8080
        - name: well-known
          containerPort: 8085
        {{- end }}
        {{- if eq .service "dispatcher" }}
        - name: questions
          containerPort: 8084
        {{- end }}
      # Kafka may be silent for a while: a service that waits for it is alive, and only not ready.
      startupProbe:
        httpGet: { path: /livez, port: health }
        periodSeconds: 2
        failureThreshold: 30
      livenessProbe:
        httpGet: { path: /livez, port: health }
        periodSeconds: 10
        timeoutSeconds: 5
        failureThreshold: 6
      readinessProbe:
        httpGet: { path: /readyz, port: health }
        periodSeconds: 5
        timeoutSeconds: 3
      resources:
        {{- toYaml .values.resources | nindent 8 }}
      securityContext:
        allowPrivilegeEscalation: false
        readOnlyRootFilesystem: true
        capabilities:
          drop: [ALL]
      volumeMounts:
        {{- include "postrider.volumeMounts" . | nindent 8 }}
  volumes:
    {{- include "postrider.volumes" . | nindent 4 }}
  topologySpreadConstraints:
    - maxSkew: 1
      topologyKey: kubernetes.io/hostname
      whenUnsatisfiable: ScheduleAnyway
      labelSelector:
        matchLabels:
          {{- include "postrider.selector" . | nindent 10 }}
  {{- with .values.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .values.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .values.affinity }}
  affinity:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end -}}
