-- Generated from the migrations by npm run generate, to be read as a difference. Not to be executed.

table attempts
  tenant_id uuid not null
  id uuid not null
  run_id uuid not null
  number int4 not null
  executor text not null
  node_id uuid not null
  isolation text not null
  handle jsonb
  phase text
  phase_progress float4
  cpu_milli int8 not null
  memory_bytes int8 not null
  gpus _text not null
  placed_at timestamptz not null
  started_at timestamptz
  ended_at timestamptz
  exit_code int4
  signal text
  failure_class text
  failure_message text
  released_at timestamptz
  image_digest text
  terminated_at timestamptz
  failure_words jsonb
  constraint attempts_node_id_fkey FOREIGN KEY (node_id) REFERENCES nodes(id)
  constraint attempts_tenant_id_run_id_fkey FOREIGN KEY (tenant_id, run_id) REFERENCES runs(tenant_id, id) ON DELETE CASCADE
  constraint attempts_pkey PRIMARY KEY (id)
  constraint attempts_run_id_number_key UNIQUE (run_id, number)
  constraint attempts_tenant_id_id_key UNIQUE (tenant_id, id)
  CREATE INDEX attempts_held ON public.attempts USING btree (node_id) WHERE (released_at IS NULL)

table blobs
  tenant_id uuid not null
  id uuid not null
  digest text not null
  size int8 not null
  copy int4 not null default 0
  created_at timestamptz not null
  constraint blobs_size_check CHECK ((size >= 0))
  constraint blobs_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants(id)
  constraint blobs_pkey PRIMARY KEY (id)
  constraint blobs_tenant_id_digest_copy_key UNIQUE (tenant_id, digest, copy)
  constraint blobs_tenant_id_id_key UNIQUE (tenant_id, id)

table content_openings
  tenant_id uuid not null
  id uuid not null
  label text not null
  user_id uuid not null
  session_hash bytea
  token_id uuid
  kind text not null
  run_id uuid
  data_id uuid
  platform_origin text not null
  content_origin text not null
  ticket_hash bytea
  ticket_expires_at timestamptz not null
  key_hash bytea
  created_at timestamptz not null
  expires_at timestamptz not null
  constraint content_openings_check CHECK ((((kind = 'data'::text) = (data_id IS NOT NULL)) AND ((kind <> 'data'::text) = (run_id IS NOT NULL))))
  constraint content_openings_kind_check CHECK ((kind = ANY (ARRAY['output'::text, 'attachments'::text, 'data'::text, 'upstream'::text])))
  constraint content_openings_session_hash_fkey FOREIGN KEY (session_hash) REFERENCES sessions(secret_hash) ON DELETE CASCADE
  constraint content_openings_tenant_id_data_id_fkey FOREIGN KEY (tenant_id, data_id) REFERENCES data(tenant_id, id) ON DELETE CASCADE
  constraint content_openings_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants(id) ON DELETE CASCADE
  constraint content_openings_tenant_id_run_id_fkey FOREIGN KEY (tenant_id, run_id) REFERENCES runs(tenant_id, id) ON DELETE CASCADE
  constraint content_openings_tenant_id_token_id_fkey FOREIGN KEY (tenant_id, token_id) REFERENCES tokens(tenant_id, id) ON DELETE CASCADE
  constraint content_openings_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE
  constraint content_openings_pkey PRIMARY KEY (id)
  constraint content_openings_label_key UNIQUE (label)
  CREATE INDEX content_openings_data ON public.content_openings USING btree (data_id)
  CREATE INDEX content_openings_expiry ON public.content_openings USING btree (expires_at)
  CREATE INDEX content_openings_run ON public.content_openings USING btree (run_id)
  CREATE INDEX content_openings_session ON public.content_openings USING btree (session_hash)
  CREATE INDEX content_openings_token ON public.content_openings USING btree (token_id)
  CREATE INDEX content_openings_user ON public.content_openings USING btree (user_id, created_at DESC)

table data
  tenant_id uuid not null
  id uuid not null
  number int8 not null default nextval('number_data'::regclass)
  name text not null
  memo text not null
  tags _text not null
  parent_id uuid
  file_count int4 not null default 0
  total_size int8 not null default 0
  created_by uuid not null
  created_at timestamptz not null
  constraint data_created_by_fkey FOREIGN KEY (created_by) REFERENCES users(id)
  constraint data_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants(id)
  constraint data_tenant_id_parent_id_fkey FOREIGN KEY (tenant_id, parent_id) REFERENCES data(tenant_id, id)
  constraint data_pkey PRIMARY KEY (id)
  constraint data_number_key UNIQUE (number)
  constraint data_tenant_id_id_key UNIQUE (tenant_id, id)
  CREATE INDEX data_by_creator ON public.data USING btree (tenant_id, created_by)
  CREATE INDEX data_by_files ON public.data USING btree (tenant_id, file_count, id)
  CREATE INDEX data_by_name ON public.data USING btree (tenant_id, name, id)
  CREATE INDEX data_by_number ON public.data USING btree (tenant_id, number, id)
  CREATE INDEX data_by_size ON public.data USING btree (tenant_id, total_size, id)
  CREATE INDEX data_list ON public.data USING btree (tenant_id, created_at DESC, id DESC)
  CREATE INDEX data_parent ON public.data USING btree (tenant_id, parent_id) WHERE (parent_id IS NOT NULL)
  CREATE INDEX data_tags ON public.data USING gin (tags)
  CREATE INDEX data_text ON public.data USING gin ((((name || ' '::text) || memo)) gin_trgm_ops)

table data_files
  tenant_id uuid not null
  data_id uuid not null
  id uuid not null
  name text not null
  blob_id uuid not null
  created_at timestamptz not null
  constraint data_files_tenant_id_blob_id_fkey FOREIGN KEY (tenant_id, blob_id) REFERENCES blobs(tenant_id, id)
  constraint data_files_tenant_id_data_id_fkey FOREIGN KEY (tenant_id, data_id) REFERENCES data(tenant_id, id) ON DELETE CASCADE
  constraint data_files_pkey PRIMARY KEY (id)
  constraint data_files_data_id_name_key UNIQUE (data_id, name)
  CREATE INDEX data_files_blob ON public.data_files USING btree (blob_id)
  CREATE INDEX data_files_by_name ON public.data_files USING btree (data_id, name COLLATE "C")

table dataset_entries
  tenant_id uuid not null
  dataset_id uuid not null
  type text not null
  data_id uuid not null
  constraint dataset_entries_type_check CHECK ((type = ANY (ARRAY['training'::text, 'testing'::text, 'validation'::text, 'flat'::text])))
  constraint dataset_entries_tenant_id_data_id_fkey FOREIGN KEY (tenant_id, data_id) REFERENCES data(tenant_id, id)
  constraint dataset_entries_tenant_id_dataset_id_fkey FOREIGN KEY (tenant_id, dataset_id) REFERENCES datasets(tenant_id, id) ON DELETE CASCADE
  constraint dataset_entries_pkey PRIMARY KEY (dataset_id, type, data_id)
  CREATE INDEX dataset_entries_data ON public.dataset_entries USING btree (data_id)

table datasets
  tenant_id uuid not null
  id uuid not null
  number int8 not null default nextval('number_dataset'::regclass)
  name text not null
  memo text not null
  flat bool not null
  locked_at timestamptz
  entry_count int4 not null default 0
  created_by uuid not null
  created_at timestamptz not null
  constraint datasets_created_by_fkey FOREIGN KEY (created_by) REFERENCES users(id)
  constraint datasets_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants(id)
  constraint datasets_pkey PRIMARY KEY (id)
  constraint datasets_number_key UNIQUE (number)
  constraint datasets_tenant_id_id_key UNIQUE (tenant_id, id)
  CREATE INDEX datasets_by_creator ON public.datasets USING btree (tenant_id, created_by)
  CREATE INDEX datasets_by_entries ON public.datasets USING btree (tenant_id, entry_count, id)
  CREATE INDEX datasets_by_name ON public.datasets USING btree (tenant_id, name, id)
  CREATE INDEX datasets_by_number ON public.datasets USING btree (tenant_id, number, id)
  CREATE INDEX datasets_list ON public.datasets USING btree (tenant_id, created_at DESC, id DESC)
  CREATE INDEX datasets_text ON public.datasets USING gin ((((name || ' '::text) || memo)) gin_trgm_ops)

table experiment_labels
  tenant_id uuid not null
  experiment_id uuid not null
  name text not null
  value text not null
  constraint experiment_labels_tenant_id_experiment_id_fkey FOREIGN KEY (tenant_id, experiment_id) REFERENCES experiments(tenant_id, id) ON DELETE CASCADE
  constraint experiment_labels_pkey PRIMARY KEY (experiment_id, name)

table experiments
  tenant_id uuid not null
  id uuid not null
  number int8 not null
  name text not null
  created_at timestamptz not null
  updated_at timestamptz not null
  deleted_at timestamptz
  constraint experiments_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants(id) ON DELETE CASCADE
  constraint experiments_pkey PRIMARY KEY (id)
  constraint experiments_tenant_id_id_key UNIQUE (tenant_id, id)
  constraint experiments_tenant_id_name_key UNIQUE (tenant_id, name)
  constraint experiments_tenant_id_number_key UNIQUE (tenant_id, number)

table git_credentials
  tenant_id uuid not null
  id uuid not null
  endpoint_id uuid not null
  user_id uuid
  user_name text not null
  holds_token bool not null
  holds_key bool not null
  secret_sealed bytea not null
  set_at timestamptz not null
  constraint git_credentials_endpoint_id_fkey FOREIGN KEY (endpoint_id) REFERENCES git_endpoints(id) ON DELETE CASCADE
  constraint git_credentials_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants(id) ON DELETE CASCADE
  constraint git_credentials_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE
  constraint git_credentials_pkey PRIMARY KEY (tenant_id, id)
  constraint git_credentials_id_key UNIQUE (id)
  constraint git_credentials_tenant_id_endpoint_id_user_id_key UNIQUE NULLS NOT DISTINCT (tenant_id, endpoint_id, user_id)
  CREATE INDEX git_credentials_endpoint ON public.git_credentials USING btree (endpoint_id)
  CREATE INDEX git_credentials_user ON public.git_credentials USING btree (user_id)

table git_endpoints
  id uuid not null
  number int8 not null default nextval('number_git_endpoint'::regclass)
  name text not null
  kind text not null
  root text
  created_at timestamptz not null
  url text
  api_url text
  host_keys text
  lfs_hosts _text not null default '{}'::text[]
  constraint git_endpoints_kind_check CHECK ((((kind = 'local'::text) AND (root IS NOT NULL) AND (url IS NULL)) OR ((kind = ANY (ARRAY['github'::text, 'gitlab'::text, 'gitea'::text, 'gitbucket'::text, 'plain'::text])) AND (root IS NULL) AND (url IS NOT NULL))))
  constraint git_endpoints_pkey PRIMARY KEY (id)
  constraint git_endpoints_name_key UNIQUE (name)
  constraint git_endpoints_number_key UNIQUE (number)

table gpu_allocations
  node_id uuid not null
  gpu text not null
  tenant_id uuid not null
  attempt_id uuid not null
  constraint gpu_allocations_node_id_gpu_fkey FOREIGN KEY (node_id, gpu) REFERENCES node_gpus(node_id, gpu)
  constraint gpu_allocations_tenant_id_attempt_id_fkey FOREIGN KEY (tenant_id, attempt_id) REFERENCES attempts(tenant_id, id) ON DELETE CASCADE
  constraint gpu_allocations_pkey PRIMARY KEY (node_id, gpu)
  CREATE INDEX gpu_allocations_attempt ON public.gpu_allocations USING btree (attempt_id)

table idempotency_keys
  user_id uuid not null
  key text not null
  request_hash bytea not null
  thing_id uuid not null
  created_at timestamptz not null
  constraint idempotency_keys_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE
  constraint idempotency_keys_pkey PRIMARY KEY (user_id, key)
  CREATE INDEX idempotency_keys_age ON public.idempotency_keys USING btree (created_at)

table installation
  singleton bool not null default true
  id uuid not null
  created_at timestamptz not null
  object_store text
  constraint installation_singleton_check CHECK (singleton)
  constraint installation_pkey PRIMARY KEY (singleton)

table lineage_edges
  tenant_id uuid not null
  from_kind text not null
  from_id text not null
  to_kind text not null
  to_id text not null
  relation text not null
  created_at timestamptz not null
  constraint lineage_edges_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants(id) ON DELETE CASCADE
  constraint lineage_edges_pkey PRIMARY KEY (tenant_id, to_kind, to_id, from_kind, from_id, relation)
  CREATE INDEX lineage_descendants ON public.lineage_edges USING btree (tenant_id, from_kind, from_id)
  CREATE INDEX lineage_edges_down ON public.lineage_edges USING btree (tenant_id, from_kind, from_id) WHERE (relation <> 'contains'::text)
  CREATE INDEX lineage_edges_up ON public.lineage_edges USING btree (tenant_id, to_kind, to_id) WHERE (relation <> 'contains'::text)

table lineage_nodes
  tenant_id uuid not null
  kind text not null
  id text not null
  label text not null
  deleted_at timestamptz
  constraint lineage_nodes_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants(id) ON DELETE CASCADE
  constraint lineage_nodes_pkey PRIMARY KEY (tenant_id, kind, id)

table memberships
  tenant_id uuid not null
  user_id uuid not null
  role text not null
  created_at timestamptz not null
  constraint memberships_role_check CHECK ((role = ANY (ARRAY['viewer'::text, 'member'::text, 'admin'::text])))
  constraint memberships_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants(id) ON DELETE CASCADE
  constraint memberships_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE
  constraint memberships_pkey PRIMARY KEY (tenant_id, user_id)
  CREATE INDEX memberships_user ON public.memberships USING btree (user_id)

table metric_chunks
  tenant_id uuid not null
  series_id int8 not null
  level int2 not null
  seq int8 not null
  count int4 not null
  sealed bool not null
  min_step int8 not null
  max_step int8 not null
  min_at int8 not null
  max_at int8 not null
  data bytea not null
  constraint metric_chunks_tenant_id_series_id_fkey FOREIGN KEY (tenant_id, series_id) REFERENCES metric_series(tenant_id, id) ON DELETE CASCADE
  constraint metric_chunks_pkey PRIMARY KEY (series_id, level, seq)
  CREATE INDEX metric_chunks_tail ON public.metric_chunks USING btree (series_id, level) WHERE (NOT sealed)

table metric_files
  tenant_id uuid not null
  run_id uuid not null
  path text not null
  kind text not null
  read_offset int8 not null default 0
  given_up text
  constraint metric_files_kind_check CHECK ((kind = ANY (ARRAY['events'::text, 'jsonl'::text])))
  constraint metric_files_tenant_id_run_id_fkey FOREIGN KEY (tenant_id, run_id) REFERENCES metric_runs(tenant_id, run_id) ON DELETE CASCADE
  constraint metric_files_pkey PRIMARY KEY (run_id, path)

table metric_items
  tenant_id uuid not null
  series_id int8 not null
  seq int8 not null
  step int8 not null
  at int8 not null
  summary jsonb not null
  path text
  file_offset int8
  file_length int4
  constraint metric_items_tenant_id_series_id_fkey FOREIGN KEY (tenant_id, series_id) REFERENCES metric_series(tenant_id, id) ON DELETE CASCADE
  constraint metric_items_pkey PRIMARY KEY (series_id, seq)

table metric_runs
  tenant_id uuid not null
  run_id uuid not null
  series int4 not null default 0
  points int8 not null default 0
  dropped_points int8 not null default 0
  malformed_lines int8 not null default 0
  damaged_records int8 not null default 0
  skipped_files int4 not null default 0
  folder_too_large bool not null default false
  constraint metric_runs_tenant_id_run_id_fkey FOREIGN KEY (tenant_id, run_id) REFERENCES runs(tenant_id, id) ON DELETE CASCADE
  constraint metric_runs_pkey PRIMARY KEY (run_id)
  constraint metric_runs_tenant_id_run_id_key UNIQUE (tenant_id, run_id)

table metric_series
  tenant_id uuid not null
  run_id uuid not null
  id int8 not null identity
  kind text not null
  name text not null
  origin text not null
  tag text not null
  points int8 not null default 0
  nan_points int8 not null default 0
  first_step int8
  last_step int8
  last_at int8
  last_value float8
  min_value float8
  min_step int8
  max_value float8
  max_step int8
  latest_at int8
  tail_pieces int4 not null default 0
  keep_every int4 not null default 1
  constraint metric_series_kind_check CHECK ((kind = ANY (ARRAY['scalar'::text, 'histogram'::text, 'image'::text, 'text'::text])))
  constraint metric_series_tenant_id_run_id_fkey FOREIGN KEY (tenant_id, run_id) REFERENCES metric_runs(tenant_id, run_id) ON DELETE CASCADE
  constraint metric_series_pkey PRIMARY KEY (id)
  constraint metric_series_run_id_kind_name_key UNIQUE (run_id, kind, name)
  constraint metric_series_run_id_origin_tag_kind_key UNIQUE (run_id, origin, tag, kind)
  constraint metric_series_tenant_id_id_key UNIQUE (tenant_id, id)
  CREATE INDEX metric_series_last ON public.metric_series USING btree (tenant_id, name, last_value, run_id) WHERE (kind = 'scalar'::text)

table node_executors
  node_id uuid not null
  executor text not null
  isolation text not null
  images jsonb not null
  problem text
  seen_at timestamptz not null
  constraint node_executors_isolation_check CHECK ((isolation = ANY (ARRAY['container'::text, 'sandbox'::text, 'none'::text])))
  constraint node_executors_node_id_fkey FOREIGN KEY (node_id) REFERENCES nodes(id) ON DELETE CASCADE
  constraint node_executors_pkey PRIMARY KEY (node_id, executor)

table node_gpus
  node_id uuid not null
  gpu text not null
  model text not null
  memory_bytes int8 not null
  constraint node_gpus_node_id_fkey FOREIGN KEY (node_id) REFERENCES nodes(id) ON DELETE CASCADE
  constraint node_gpus_pkey PRIMARY KEY (node_id, gpu)

table nodes
  id uuid not null
  number int8 not null default nextval('number_node'::regclass)
  name text not null
  partition text
  enabled bool not null default true
  cpu_milli int8 not null
  memory_bytes int8 not null
  problem text
  seen_at timestamptz not null
  constraint nodes_pkey PRIMARY KEY (id)
  constraint nodes_name_key UNIQUE (name)
  constraint nodes_number_key UNIQUE (number)

table queue_blockers
  tenant_id uuid not null
  partition text not null
  shape text not null
  because jsonb not null
  since timestamptz not null
  constraint queue_blockers_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants(id) ON DELETE CASCADE
  constraint queue_blockers_pkey PRIMARY KEY (tenant_id, partition, shape)

table reconciler_leases
  name text not null
  holder uuid not null
  token int8 not null
  until timestamptz not null
  constraint reconciler_leases_pkey PRIMARY KEY (name)

table registries
  id uuid not null
  number int8 not null default nextval('number_registry'::regclass)
  name text not null
  address text not null
  insecure bool not null
  token_hosts _text not null
  created_at timestamptz not null
  constraint registries_pkey PRIMARY KEY (id)
  constraint registries_address_key UNIQUE (address)
  constraint registries_name_key UNIQUE (name)
  constraint registries_number_key UNIQUE (number)

table registry_credentials
  tenant_id uuid not null
  id uuid not null
  host text not null
  user_name text not null
  password_sealed bytea not null
  set_at timestamptz not null
  constraint registry_credentials_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants(id) ON DELETE CASCADE
  constraint registry_credentials_pkey PRIMARY KEY (tenant_id, host)
  constraint registry_credentials_id_key UNIQUE (id)
  CREATE INDEX registry_credentials_host ON public.registry_credentials USING btree (host)

table run_attachments
  tenant_id uuid not null
  id uuid not null
  run_id uuid not null
  name text not null
  size int8 not null
  digest text not null
  created_by uuid not null
  created_at timestamptz not null
  constraint run_attachments_created_by_fkey FOREIGN KEY (created_by) REFERENCES users(id)
  constraint run_attachments_tenant_id_run_id_fkey FOREIGN KEY (tenant_id, run_id) REFERENCES runs(tenant_id, id) ON DELETE CASCADE
  constraint run_attachments_pkey PRIMARY KEY (run_id, name)
  constraint run_attachments_id_key UNIQUE (id)

table run_datasets
  tenant_id uuid not null
  run_id uuid not null
  dataset_id uuid not null
  constraint run_datasets_tenant_id_dataset_id_fkey FOREIGN KEY (tenant_id, dataset_id) REFERENCES datasets(tenant_id, id)
  constraint run_datasets_tenant_id_run_id_fkey FOREIGN KEY (tenant_id, run_id) REFERENCES runs(tenant_id, id) ON DELETE CASCADE
  constraint run_datasets_pkey PRIMARY KEY (run_id, dataset_id)
  CREATE INDEX run_datasets_dataset ON public.run_datasets USING btree (dataset_id)

table run_inputs
  tenant_id uuid not null
  run_id uuid not null
  name text not null
  digest text not null
  source_type text not null
  source text not null
  schema text
  profile text
  labels jsonb not null
  constraint run_inputs_tenant_id_run_id_fkey FOREIGN KEY (tenant_id, run_id) REFERENCES runs(tenant_id, id) ON DELETE CASCADE
  constraint run_inputs_pkey PRIMARY KEY (run_id, name, digest)

table run_labels
  tenant_id uuid not null
  run_id uuid not null
  name text not null
  value text not null
  constraint run_labels_tenant_id_run_id_fkey FOREIGN KEY (tenant_id, run_id) REFERENCES runs(tenant_id, id) ON DELETE CASCADE
  constraint run_labels_pkey PRIMARY KEY (run_id, name)
  CREATE INDEX run_labels_value ON public.run_labels USING btree (tenant_id, name, "left"(value, 250))

table run_output_files
  tenant_id uuid not null
  run_id uuid not null
  path text not null
  size int8 not null
  digest text not null
  constraint run_output_files_tenant_id_run_id_fkey FOREIGN KEY (tenant_id, run_id) REFERENCES runs(tenant_id, id) ON DELETE CASCADE
  constraint run_output_files_pkey PRIMARY KEY (run_id, path)

table run_parameters
  tenant_id uuid not null
  run_id uuid not null
  name text not null
  value text not null
  number float8
  constraint run_parameters_tenant_id_run_id_fkey FOREIGN KEY (tenant_id, run_id) REFERENCES runs(tenant_id, id) ON DELETE CASCADE
  constraint run_parameters_pkey PRIMARY KEY (run_id, name)
  CREATE INDEX run_parameters_number ON public.run_parameters USING btree (tenant_id, name, number) WHERE (number IS NOT NULL)
  CREATE INDEX run_parameters_value ON public.run_parameters USING btree (tenant_id, name, "left"(value, 250))
  CREATE STATISTICS public.run_parameters_numbers (mcv) ON name, number FROM run_parameters
  CREATE STATISTICS public.run_parameters_values (mcv) ON name, "left"(value, 250) FROM run_parameters

table run_parents
  tenant_id uuid not null
  run_id uuid not null
  parent_id uuid not null
  constraint run_parents_tenant_id_parent_id_fkey FOREIGN KEY (tenant_id, parent_id) REFERENCES runs(tenant_id, id)
  constraint run_parents_tenant_id_run_id_fkey FOREIGN KEY (tenant_id, run_id) REFERENCES runs(tenant_id, id) ON DELETE CASCADE
  constraint run_parents_pkey PRIMARY KEY (run_id, parent_id)
  CREATE INDEX run_parents_parent ON public.run_parents USING btree (parent_id)

table run_timeline
  tenant_id uuid not null
  run_id uuid not null
  seq int8 not null identity
  at timestamptz not null
  state text not null
  attempt int4 not null
  note text not null
  words jsonb
  constraint run_timeline_tenant_id_run_id_fkey FOREIGN KEY (tenant_id, run_id) REFERENCES runs(tenant_id, id) ON DELETE CASCADE
  constraint run_timeline_pkey PRIMARY KEY (run_id, seq)

table run_tracking
  tenant_id uuid not null
  run_id uuid not null
  experiment_id uuid
  maker_run_id uuid
  hidden_at timestamptz
  created_at timestamptz not null
  constraint run_tracking_tenant_id_experiment_id_fkey FOREIGN KEY (tenant_id, experiment_id) REFERENCES experiments(tenant_id, id)
  constraint run_tracking_tenant_id_maker_run_id_fkey FOREIGN KEY (tenant_id, maker_run_id) REFERENCES runs(tenant_id, id) ON DELETE SET NULL (maker_run_id)
  constraint run_tracking_tenant_id_run_id_fkey FOREIGN KEY (tenant_id, run_id) REFERENCES runs(tenant_id, id) ON DELETE CASCADE
  constraint run_tracking_pkey PRIMARY KEY (run_id)
  CREATE INDEX run_tracking_experiment ON public.run_tracking USING btree (tenant_id, experiment_id, created_at DESC, run_id DESC)
  CREATE INDEX run_tracking_maker ON public.run_tracking USING btree (maker_run_id) WHERE (maker_run_id IS NOT NULL)

table runs
  tenant_id uuid not null
  id uuid not null
  kind text not null
  number int8 not null
  name text not null
  memo text not null
  tags _text not null
  favourite bool not null default false
  state text not null
  request jsonb not null
  warnings jsonb not null
  image text not null
  cpu_milli int8 not null
  memory_bytes int8 not null
  gpus int4 not null
  partition text
  priority int4 not null
  shape text not null
  time_limit_seconds int4
  attempt int4 not null default 0
  attempt_id uuid
  retries jsonb not null
  exit_code int4
  failure_class text
  failure_message text
  output_value text
  stop_asked_at timestamptz
  stop_grace_seconds int4
  stop_reason text
  created_by uuid not null
  created_at timestamptz not null
  queued_at timestamptz not null
  started_at timestamptz
  ended_at timestamptz
  manifest_at timestamptz
  due_at timestamptz not null
  lease_holder uuid
  lease_token int8 not null default 0
  lease_until timestamptz
  metrics_read_at timestamptz
  failure_words jsonb
  constraint runs_cpu_milli_check CHECK (((cpu_milli > 0) OR ((kind = 'tracked'::text) AND (cpu_milli = 0))))
  constraint runs_gpus_check CHECK ((gpus >= 0))
  constraint runs_memory_bytes_check CHECK (((memory_bytes > 0) OR ((kind = 'tracked'::text) AND (memory_bytes = 0))))
  constraint runs_state_check CHECK ((state = ANY (ARRAY['queued'::text, 'starting'::text, 'running'::text, 'stopping'::text, 'finishing'::text, 'succeeded'::text, 'failed'::text, 'cancelled'::text])))
  constraint runs_stop_reason_check CHECK ((stop_reason = ANY (ARRAY['asked'::text, 'time-limit'::text])))
  constraint runs_time_limit_seconds_check CHECK ((time_limit_seconds > 0))
  constraint runs_created_by_fkey FOREIGN KEY (created_by) REFERENCES users(id)
  constraint runs_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants(id)
  constraint runs_pkey PRIMARY KEY (id)
  constraint runs_kind_number_key UNIQUE (kind, number)
  constraint runs_tenant_id_id_key UNIQUE (tenant_id, id)
  CREATE INDEX runs_by_creator ON public.runs USING btree (tenant_id, created_by)
  CREATE INDEX runs_by_duration ON public.runs USING btree (tenant_id, ((ended_at - started_at)), id) WHERE ((ended_at - started_at) IS NOT NULL)
  CREATE INDEX runs_by_end ON public.runs USING btree (tenant_id, ended_at, id) WHERE (ended_at IS NOT NULL)
  CREATE INDEX runs_by_exit_code ON public.runs USING btree (tenant_id, exit_code, id) WHERE (exit_code IS NOT NULL)
  CREATE INDEX runs_by_failure ON public.runs USING btree (tenant_id, failure_class) WHERE (failure_class IS NOT NULL)
  CREATE INDEX runs_by_name ON public.runs USING btree (tenant_id, name, id)
  CREATE INDEX runs_by_number ON public.runs USING btree (tenant_id, number, id)
  CREATE INDEX runs_by_start ON public.runs USING btree (tenant_id, started_at, id) WHERE (started_at IS NOT NULL)
  CREATE INDEX runs_by_state ON public.runs USING btree (tenant_id, state, id)
  CREATE INDEX runs_by_value ON public.runs USING btree (tenant_id, "left"(output_value, 250), id) WHERE ("left"(output_value, 250) IS NOT NULL)
  CREATE INDEX runs_list ON public.runs USING btree (tenant_id, created_at DESC, id DESC)
  CREATE INDEX runs_list_kind ON public.runs USING btree (tenant_id, kind, created_at DESC, id DESC)
  CREATE INDEX runs_queue ON public.runs USING btree (tenant_id, COALESCE(partition, ''::text), shape, priority DESC, queued_at, id) WHERE (state = 'queued'::text)
  CREATE INDEX runs_tags ON public.runs USING gin (tags)
  CREATE INDEX runs_text ON public.runs USING gin ((((name || ' '::text) || memo)) gin_trgm_ops)
  CREATE INDEX runs_without_manifest ON public.runs USING btree (ended_at) WHERE ((manifest_at IS NULL) AND (state = ANY (ARRAY['succeeded'::text, 'failed'::text, 'cancelled'::text])))
  CREATE INDEX runs_without_metrics ON public.runs USING btree (ended_at) WHERE ((metrics_read_at IS NULL) AND (state = ANY (ARRAY['succeeded'::text, 'failed'::text, 'cancelled'::text])))
  CREATE INDEX runs_work ON public.runs USING btree (state, due_at) WHERE (state = ANY (ARRAY['starting'::text, 'running'::text, 'stopping'::text, 'finishing'::text]))

table saved_searches
  tenant_id uuid not null
  id uuid not null
  thing text not null
  name text not null
  query text not null
  sort text
  columns _text not null
  shared bool not null
  owner_id uuid not null
  created_at timestamptz not null
  updated_at timestamptz not null
  constraint saved_searches_thing_check CHECK ((thing = ANY (ARRAY['data'::text, 'dataset'::text, 'run'::text])))
  constraint saved_searches_owner_id_fkey FOREIGN KEY (owner_id) REFERENCES users(id)
  constraint saved_searches_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants(id) ON DELETE CASCADE
  constraint saved_searches_pkey PRIMARY KEY (id)
  constraint saved_searches_tenant_id_id_key UNIQUE (tenant_id, id)
  CREATE UNIQUE INDEX saved_searches_own ON public.saved_searches USING btree (tenant_id, owner_id, thing, name) WHERE (NOT shared)
  CREATE UNIQUE INDEX saved_searches_shared ON public.saved_searches USING btree (tenant_id, thing, name) WHERE shared

table schema_migrations
  name text not null
  digest text not null
  applied_at timestamptz not null
  constraint schema_migrations_pkey PRIMARY KEY (name)

table sessions
  secret_hash bytea not null
  user_id uuid not null
  created_at timestamptz not null
  expires_at timestamptz not null
  constraint sessions_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE
  constraint sessions_pkey PRIMARY KEY (secret_hash)
  CREATE INDEX sessions_expiry ON public.sessions USING btree (expires_at)
  CREATE INDEX sessions_user ON public.sessions USING btree (user_id)

table sign_in_links
  secret_hash bytea not null
  user_id uuid not null
  created_at timestamptz not null
  expires_at timestamptz not null
  constraint sign_in_links_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE
  constraint sign_in_links_pkey PRIMARY KEY (secret_hash)
  CREATE INDEX sign_in_links_user ON public.sign_in_links USING btree (user_id)

table tenants
  id uuid not null
  number int8 not null default nextval('number_tenant'::regclass)
  name text not null
  display_name text not null
  quota_cpu_milli int8
  quota_memory_bytes int8
  quota_gpus int4
  created_at timestamptz not null
  executors _text
  drop_capabilities bool not null default false
  constraint tenants_executors_check CHECK ((cardinality(executors) > 0))
  constraint tenants_quota_cpu_milli_check CHECK ((quota_cpu_milli > 0))
  constraint tenants_quota_gpus_check CHECK ((quota_gpus >= 0))
  constraint tenants_quota_memory_bytes_check CHECK ((quota_memory_bytes > 0))
  constraint tenants_pkey PRIMARY KEY (id)
  constraint tenants_name_key UNIQUE (name)
  constraint tenants_number_key UNIQUE (number)

table tokens
  tenant_id uuid not null
  id uuid not null
  user_id uuid not null
  name text not null
  secret_hash bytea not null
  created_at timestamptz not null
  expires_at timestamptz
  last_used_at timestamptz
  constraint tokens_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants(id) ON DELETE CASCADE
  constraint tokens_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE
  constraint tokens_pkey PRIMARY KEY (id)
  constraint tokens_secret_hash_key UNIQUE (secret_hash)
  constraint tokens_tenant_id_id_key UNIQUE (tenant_id, id)
  CREATE INDEX tokens_list ON public.tokens USING btree (tenant_id, created_at DESC, id DESC)

table upload_parts
  tenant_id uuid not null
  upload_id uuid not null
  number int4 not null
  size int8 not null
  etag text not null
  crc32 text
  constraint upload_parts_number_check CHECK ((number >= 1))
  constraint upload_parts_tenant_id_upload_id_fkey FOREIGN KEY (tenant_id, upload_id) REFERENCES uploads(tenant_id, id) ON DELETE CASCADE
  constraint upload_parts_pkey PRIMARY KEY (upload_id, number)

table uploads
  tenant_id uuid not null
  id uuid not null
  data_id uuid not null
  name text not null
  size int8 not null
  part_size int8 not null
  created_by uuid not null
  created_at timestamptz not null
  expires_at timestamptz not null
  constraint uploads_part_size_check CHECK ((part_size > 0))
  constraint uploads_size_check CHECK ((size >= 0))
  constraint uploads_created_by_fkey FOREIGN KEY (created_by) REFERENCES users(id)
  constraint uploads_tenant_id_data_id_fkey FOREIGN KEY (tenant_id, data_id) REFERENCES data(tenant_id, id) ON DELETE CASCADE
  constraint uploads_pkey PRIMARY KEY (id)
  constraint uploads_tenant_id_id_key UNIQUE (tenant_id, id)
  CREATE INDEX uploads_data ON public.uploads USING btree (data_id)
  CREATE INDEX uploads_expiry ON public.uploads USING btree (expires_at)

table users
  id uuid not null
  number int8 not null default nextval('number_user'::regclass)
  name text not null
  display_name text not null
  password_hash text
  system_admin bool not null default false
  language text
  disabled_at timestamptz
  created_at timestamptz not null
  constraint users_language_check CHECK ((language = ANY (ARRAY['en'::text, 'ja'::text])))
  constraint users_pkey PRIMARY KEY (id)
  constraint users_number_key UNIQUE (number)
  CREATE UNIQUE INDEX users_name ON public.users USING btree (lower(name))

sequence number_data

sequence number_dataset

sequence number_experiment

sequence number_git_endpoint

sequence number_inference

sequence number_loop_stage

sequence number_node

sequence number_notebook

sequence number_preprocessing

sequence number_registry

sequence number_task

sequence number_tenant

sequence number_tensorboard

sequence number_tracked

sequence number_training

sequence number_user

CREATE OR REPLACE FUNCTION public.user_called(name_in_lower_case text)
 RETURNS uuid
 LANGUAGE sql
 STABLE PARALLEL SAFE
RETURN (SELECT users.id FROM users WHERE (lower(users.name) = user_called.name_in_lower_case))
