-- Runs that go on outside of the platform and only report to it, and what is said of any run beside its numbers:
-- experiments, labels, inputs.

create sequence number_tracked;
create sequence number_experiment;

-- Such a run occupies nothing of ours.
alter table runs drop constraint runs_cpu_milli_check;
alter table runs add constraint runs_cpu_milli_check check (cpu_milli > 0 or (kind = 'tracked' and cpu_milli = 0));
alter table runs drop constraint runs_memory_bytes_check;
alter table runs add constraint runs_memory_bytes_check check (memory_bytes > 0 or (kind = 'tracked' and memory_bytes = 0));

-- Runs that belong together. Every tenant has one with the number 0, to which all belong that are put into no other.
create table experiments (
  tenant_id uuid not null references tenants on delete cascade,
  id uuid primary key,
  number bigint not null,
  name text not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  -- Put aside; it keeps its name and its runs, and can be taken back.
  deleted_at timestamptz,
  unique (tenant_id, id),
  unique (tenant_id, number),
  unique (tenant_id, name)
);

create table experiment_labels (
  tenant_id uuid not null,
  experiment_id uuid not null,
  name text not null,
  value text not null,
  primary key (experiment_id, name),
  foreign key (tenant_id, experiment_id) references experiments (tenant_id, id) on delete cascade
);

-- What tracking adds to a run. One without a row is in the experiment 0, and nobody put it aside.
create table run_tracking (
  tenant_id uuid not null,
  run_id uuid primary key,
  -- Null: the experiment 0.
  experiment_id uuid,
  -- The run whose job began this one.
  maker_run_id uuid,
  hidden_at timestamptz,
  -- The run's own, repeated for the order in its experiment.
  created_at timestamptz not null,
  foreign key (tenant_id, run_id) references runs (tenant_id, id) on delete cascade,
  foreign key (tenant_id, experiment_id) references experiments (tenant_id, id),
  foreign key (tenant_id, maker_run_id) references runs (tenant_id, id) on delete set null (maker_run_id)
);
create index run_tracking_experiment on run_tracking (tenant_id, experiment_id, created_at desc, run_id desc);
create index run_tracking_maker on run_tracking (maker_run_id) where maker_run_id is not null;

-- A name and a value; a run's tags are words only.
create table run_labels (
  tenant_id uuid not null,
  run_id uuid not null,
  name text not null,
  value text not null,
  primary key (run_id, name),
  foreign key (tenant_id, run_id) references runs (tenant_id, id) on delete cascade
);
create index run_labels_value on run_labels (tenant_id, name, left(value, 250));

-- Data that a run says it used, wherever it lies.
create table run_inputs (
  tenant_id uuid not null,
  run_id uuid not null,
  name text not null,
  digest text not null,
  source_type text not null,
  source text not null,
  schema text,
  profile text,
  -- Names and values, in the order in which they were given.
  labels jsonb not null,
  primary key (run_id, name, digest),
  foreign key (tenant_id, run_id) references runs (tenant_id, id) on delete cascade
);
