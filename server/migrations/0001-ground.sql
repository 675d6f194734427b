-- Ground: who (users, tenants, tokens), what (data, data sets, git), where (nodes), runs and their ancestry.
-- Every tenant-owned table carries tenant_id, and every foreign key between two of them carries it too, so that a row
-- can never point into another tenant. Instants come from the program, never from the database's clock.

create extension if not exists pg_trgm;

create table installation (
  singleton boolean primary key default true check (singleton),
  id uuid not null,
  created_at timestamptz not null
);

-- Numbers people use (#12): unique in the installation, one sequence per kind of thing.
create sequence number_user;
create sequence number_tenant;
create sequence number_data;
create sequence number_dataset;
create sequence number_git_endpoint;
create sequence number_node;
create sequence number_preprocessing;
create sequence number_training;
create sequence number_inference;
create sequence number_notebook;
create sequence number_tensorboard;
create sequence number_task;
create sequence number_loop_stage;

-- ─── who ────────────────────────────────────────────────────────────────────────────────────────────────────────────

create table users (
  id uuid primary key,
  number bigint not null unique default nextval('number_user'),
  name text not null,
  display_name text not null,
  password_hash text,
  system_admin boolean not null default false,
  language text check (language in ('en', 'ja')),
  disabled_at timestamptz,
  created_at timestamptz not null
);
create unique index users_name on users (lower(name));

create table sign_in_links (
  secret_hash bytea primary key,
  user_id uuid not null references users on delete cascade,
  created_at timestamptz not null,
  expires_at timestamptz not null
);
create index sign_in_links_user on sign_in_links (user_id);

create table sessions (
  secret_hash bytea primary key,
  user_id uuid not null references users on delete cascade,
  created_at timestamptz not null,
  expires_at timestamptz not null
);
create index sessions_user on sessions (user_id);
create index sessions_expiry on sessions (expires_at);

create table tenants (
  id uuid primary key,
  number bigint not null unique default nextval('number_tenant'),
  name text not null unique,
  display_name text not null,
  quota_cpu_milli bigint check (quota_cpu_milli > 0),
  quota_memory_bytes bigint check (quota_memory_bytes > 0),
  quota_gpus integer check (quota_gpus >= 0),
  created_at timestamptz not null
);

create table memberships (
  tenant_id uuid not null references tenants on delete cascade,
  user_id uuid not null references users on delete cascade,
  role text not null check (role in ('viewer', 'member', 'admin')),
  created_at timestamptz not null,
  primary key (tenant_id, user_id)
);
create index memberships_user on memberships (user_id);

create table tokens (
  tenant_id uuid not null references tenants on delete cascade,
  id uuid primary key,
  user_id uuid not null references users on delete cascade,
  name text not null,
  secret_hash bytea not null unique,
  created_at timestamptz not null,
  expires_at timestamptz,
  last_used_at timestamptz,
  unique (tenant_id, id)
);
create index tokens_list on tokens (tenant_id, created_at desc, id desc);

create table idempotency_keys (
  user_id uuid not null references users on delete cascade,
  key text not null,
  request_hash bytea not null,
  -- The id of the thing to be made, chosen before it is made: a second try finds it, or makes it under the same id.
  thing_id uuid not null,
  created_at timestamptz not null,
  primary key (user_id, key)
);
create index idempotency_keys_age on idempotency_keys (created_at);

-- ─── what ───────────────────────────────────────────────────────────────────────────────────────────────────────────

-- Equal files of one tenant are one blob; `copy` counts further ones where the file system's links of the first ran out.
create table blobs (
  tenant_id uuid not null references tenants,
  id uuid primary key,
  digest text not null,
  size bigint not null check (size >= 0),
  copy integer not null default 0,
  created_at timestamptz not null,
  unique (tenant_id, id),
  unique (tenant_id, digest, copy)
);

create table data (
  tenant_id uuid not null references tenants,
  id uuid primary key,
  number bigint not null unique default nextval('number_data'),
  name text not null,
  memo text not null,
  tags text[] not null,
  parent_id uuid,
  file_count integer not null default 0,
  total_size bigint not null default 0,
  created_by uuid not null references users,
  created_at timestamptz not null,
  unique (tenant_id, id),
  foreign key (tenant_id, parent_id) references data (tenant_id, id)
);
create index data_list on data (tenant_id, created_at desc, id desc);
create index data_tags on data using gin (tags);
create index data_text on data using gin ((name || ' ' || memo) gin_trgm_ops);
create index data_parent on data (tenant_id, parent_id) where parent_id is not null;

create table data_files (
  tenant_id uuid not null,
  data_id uuid not null,
  id uuid primary key,
  name text not null,
  blob_id uuid not null,
  created_at timestamptz not null,
  unique (data_id, name),
  foreign key (tenant_id, data_id) references data (tenant_id, id) on delete cascade,
  foreign key (tenant_id, blob_id) references blobs (tenant_id, id)
);
create index data_files_blob on data_files (blob_id);

create table uploads (
  tenant_id uuid not null,
  id uuid primary key,
  data_id uuid not null,
  name text not null,
  size bigint not null check (size >= 0),
  part_size bigint not null check (part_size > 0),
  created_by uuid not null references users,
  created_at timestamptz not null,
  expires_at timestamptz not null,
  unique (tenant_id, id),
  foreign key (tenant_id, data_id) references data (tenant_id, id) on delete cascade
);
create index uploads_expiry on uploads (expires_at);
create index uploads_data on uploads (data_id);

create table upload_parts (
  tenant_id uuid not null,
  upload_id uuid not null,
  number integer not null check (number >= 1),
  size bigint not null,
  etag text not null,
  primary key (upload_id, number),
  foreign key (tenant_id, upload_id) references uploads (tenant_id, id) on delete cascade
);

create table datasets (
  tenant_id uuid not null references tenants,
  id uuid primary key,
  number bigint not null unique default nextval('number_dataset'),
  name text not null,
  memo text not null,
  flat boolean not null,
  locked_at timestamptz,
  entry_count integer not null default 0,
  created_by uuid not null references users,
  created_at timestamptz not null,
  unique (tenant_id, id)
);
create index datasets_list on datasets (tenant_id, created_at desc, id desc);
create index datasets_text on datasets using gin ((name || ' ' || memo) gin_trgm_ops);

create table dataset_entries (
  tenant_id uuid not null,
  dataset_id uuid not null,
  type text not null check (type in ('training', 'testing', 'validation', 'flat')),
  data_id uuid not null,
  primary key (dataset_id, type, data_id),
  foreign key (tenant_id, dataset_id) references datasets (tenant_id, id) on delete cascade,
  foreign key (tenant_id, data_id) references data (tenant_id, id)
);
create index dataset_entries_data on dataset_entries (data_id);

create table git_endpoints (
  id uuid primary key,
  number bigint not null unique default nextval('number_git_endpoint'),
  name text not null unique,
  kind text not null check (kind in ('local')),
  root text not null,
  created_at timestamptz not null
);

-- ─── where ──────────────────────────────────────────────────────────────────────────────────────────────────────────

create table nodes (
  id uuid primary key,
  number bigint not null unique default nextval('number_node'),
  name text not null unique,
  partition text,
  enabled boolean not null default true,
  cpu_milli bigint not null,
  memory_bytes bigint not null,
  problem text,
  seen_at timestamptz not null
);

create table node_executors (
  node_id uuid not null references nodes on delete cascade,
  executor text not null,
  isolation text not null check (isolation in ('container', 'sandbox', 'none')),
  images jsonb not null,
  problem text,
  seen_at timestamptz not null,
  primary key (node_id, executor)
);

create table node_gpus (
  node_id uuid not null references nodes on delete cascade,
  gpu text not null,
  model text not null,
  memory_bytes bigint not null,
  primary key (node_id, gpu)
);

-- ─── runs ───────────────────────────────────────────────────────────────────────────────────────────────────────────

create table runs (
  tenant_id uuid not null references tenants,
  id uuid primary key,
  kind text not null,
  number bigint not null,
  name text not null,
  memo text not null,
  tags text[] not null,
  favourite boolean not null default false,
  state text not null check (state in ('queued', 'starting', 'running', 'stopping', 'finishing', 'succeeded', 'failed', 'cancelled')),
  -- The kind's own request with everything resolved at submission (commit, data set, parents).
  request jsonb not null,
  warnings jsonb not null,
  image text not null,
  cpu_milli bigint not null check (cpu_milli > 0),
  memory_bytes bigint not null check (memory_bytes > 0),
  gpus integer not null check (gpus >= 0),
  partition text,
  priority integer not null,
  -- Requests of one shape (resources and image) are alike to placement: one blocker is stored for all of them.
  shape text not null,
  time_limit_seconds integer check (time_limit_seconds > 0),
  -- Tries so far; attempt_id is the present one.
  attempt integer not null default 0,
  attempt_id uuid,
  retries jsonb not null,
  exit_code integer,
  failure_class text,
  failure_message text,
  output_value text,
  stop_asked_at timestamptz,
  stop_grace_seconds integer,
  stop_reason text check (stop_reason in ('asked', 'time-limit')),
  created_by uuid not null references users,
  created_at timestamptz not null,
  queued_at timestamptz not null,
  started_at timestamptz,
  ended_at timestamptz,
  -- The digests of its output files have been written to run_output_files.
  manifest_at timestamptz,
  -- When a reconciler should look at it next, and which server is looking now.
  due_at timestamptz not null,
  lease_holder uuid,
  lease_token bigint not null default 0,
  lease_until timestamptz,
  unique (tenant_id, id),
  unique (kind, number)
);
create index runs_list on runs (tenant_id, created_at desc, id desc);
create index runs_list_kind on runs (tenant_id, kind, created_at desc, id desc);
create index runs_tags on runs using gin (tags);
create index runs_text on runs using gin ((name || ' ' || memo) gin_trgm_ops);
-- The queue: one entry per waiting run, in the order in which each (tenant, partition, shape) goes.
create index runs_queue on runs (tenant_id, (coalesce(partition, '')), shape, priority desc, queued_at, id) where state = 'queued';
create index runs_work on runs (state, due_at) where state in ('starting', 'running', 'stopping', 'finishing');
create index runs_without_manifest on runs (ended_at) where manifest_at is null and state in ('succeeded', 'failed', 'cancelled');
create index runs_live_by_tenant on runs (tenant_id) where state in ('starting', 'running', 'stopping', 'finishing');

create table attempts (
  tenant_id uuid not null,
  id uuid primary key,
  run_id uuid not null,
  number integer not null,
  executor text not null,
  node_id uuid not null references nodes,
  isolation text not null,
  handle jsonb,
  phase text,
  phase_progress real,
  cpu_milli bigint not null,
  memory_bytes bigint not null,
  gpus text[] not null,
  placed_at timestamptz not null,
  started_at timestamptz,
  ended_at timestamptz,
  exit_code integer,
  signal text,
  failure_class text,
  failure_message text,
  -- The attempt is proved gone from its engine: what it held is free again.
  released_at timestamptz,
  unique (tenant_id, id),
  unique (run_id, number),
  foreign key (tenant_id, run_id) references runs (tenant_id, id) on delete cascade
);
create index attempts_held on attempts (node_id) where released_at is null;

create table gpu_allocations (
  node_id uuid not null,
  gpu text not null,
  tenant_id uuid not null,
  attempt_id uuid not null,
  primary key (node_id, gpu),
  foreign key (node_id, gpu) references node_gpus (node_id, gpu),
  foreign key (tenant_id, attempt_id) references attempts (tenant_id, id) on delete cascade
);
create index gpu_allocations_attempt on gpu_allocations (attempt_id);

create table run_timeline (
  tenant_id uuid not null,
  run_id uuid not null,
  seq bigint generated always as identity,
  at timestamptz not null,
  state text not null,
  attempt integer not null,
  note text not null,
  primary key (run_id, seq),
  foreign key (tenant_id, run_id) references runs (tenant_id, id) on delete cascade
);

create table run_datasets (
  tenant_id uuid not null,
  run_id uuid not null,
  dataset_id uuid not null,
  primary key (run_id, dataset_id),
  foreign key (tenant_id, run_id) references runs (tenant_id, id) on delete cascade,
  foreign key (tenant_id, dataset_id) references datasets (tenant_id, id)
);
create index run_datasets_dataset on run_datasets (dataset_id);

create table run_parents (
  tenant_id uuid not null,
  run_id uuid not null,
  parent_id uuid not null,
  primary key (run_id, parent_id),
  foreign key (tenant_id, run_id) references runs (tenant_id, id) on delete cascade,
  foreign key (tenant_id, parent_id) references runs (tenant_id, id)
);
create index run_parents_parent on run_parents (parent_id);

-- Files of a run's output as they were when it ended: path and digest, written after the end.
create table run_output_files (
  tenant_id uuid not null,
  run_id uuid not null,
  path text not null,
  size bigint not null,
  digest text not null,
  primary key (run_id, path),
  foreign key (tenant_id, run_id) references runs (tenant_id, id) on delete cascade
);

-- Why the head of a queue waits, as the last scheduling pass saw it. `because` holds reason, limit and holders.
create table queue_blockers (
  tenant_id uuid not null references tenants on delete cascade,
  partition text not null,
  shape text not null,
  because jsonb not null,
  since timestamptz not null,
  primary key (tenant_id, partition, shape)
);

-- A reconciler of which there may be one at a time holds its row here.
create table reconciler_leases (
  name text primary key,
  holder uuid not null,
  token bigint not null,
  until timestamptz not null
);

-- ─── ancestry ───────────────────────────────────────────────────────────────────────────────────────────────────────

create table lineage_nodes (
  tenant_id uuid not null references tenants on delete cascade,
  kind text not null,
  id text not null,
  label text not null,
  deleted_at timestamptz,
  primary key (tenant_id, kind, id)
);

create table lineage_edges (
  tenant_id uuid not null references tenants on delete cascade,
  from_kind text not null,
  from_id text not null,
  to_kind text not null,
  to_id text not null,
  relation text not null,
  created_at timestamptz not null,
  primary key (tenant_id, to_kind, to_id, from_kind, from_id, relation)
);
create index lineage_descendants on lineage_edges (tenant_id, from_kind, from_id);
