-- What runs say of themselves in numbers: series of points, and parameters.

-- All that a run's output folder says of metrics has been read, once after its end.
alter table runs add column metrics_read_at timestamptz;
create index runs_without_metrics on runs (ended_at) where metrics_read_at is null and state in ('succeeded', 'failed', 'cancelled');

-- One row for each run that has metrics. Whoever adds to them holds this row, so one after the other adds to a run.
create table metric_runs (
  tenant_id uuid not null,
  run_id uuid primary key,
  series integer not null default 0,
  points bigint not null default 0,
  -- Beyond a limit, such as that of series in a run: counted, so that the user learns of it.
  dropped_points bigint not null default 0,
  malformed_lines bigint not null default 0,
  damaged_records bigint not null default 0,
  -- Event files beyond what is followed of one run; and whether its output folder is larger than is looked through.
  skipped_files integer not null default 0,
  folder_too_large boolean not null default false,
  unique (tenant_id, run_id),
  foreign key (tenant_id, run_id) references runs (tenant_id, id) on delete cascade
);

create table metric_series (
  tenant_id uuid not null,
  run_id uuid not null,
  id bigint generated always as identity primary key,
  kind text not null check (kind in ('scalar', 'histogram', 'image', 'text')),
  -- Unique in its run and kind. A name given through the API is kept; a series read from a file steps aside (`folder/tag`).
  name text not null,
  -- Where it comes from: `api`, `jsonl`, or `events/` and the folder of the event files; and what it is called there.
  origin text not null,
  tag text not null,
  -- Points for scalars; for the other kinds, items seen.
  points bigint not null default 0,
  nan_points bigint not null default 0,
  first_step bigint,
  last_step bigint,
  -- Of the point with the last step; instants of points are milliseconds since 1970.
  last_at bigint,
  last_value double precision,
  -- Without NaN; with the first step where it was reached.
  min_value double precision,
  min_step bigint,
  max_value double precision,
  max_step bigint,
  latest_at bigint,
  -- Points since the last sealed chunk lie in this many pieces.
  tail_pieces integer not null default 0,
  -- Of items that are not scalars every so many is kept, so that a long run keeps a bounded number, evenly spread.
  keep_every integer not null default 1,
  unique (tenant_id, id),
  unique (run_id, kind, name),
  unique (run_id, origin, tag, kind),
  foreign key (tenant_id, run_id) references metric_runs (tenant_id, run_id) on delete cascade
);
-- Runs by a metric: filter and sort.
create index metric_series_last on metric_series (tenant_id, name, last_value) where kind = 'scalar';

-- Points in the order of their arrival, packed (level 0), and buckets of 32 each of the level below. A sealed chunk is
-- full and never changes; the pieces after it are merged now and then.
create table metric_chunks (
  tenant_id uuid not null,
  series_id bigint not null,
  level smallint not null,
  -- How many points, or buckets of this level, come before it.
  seq bigint not null,
  count integer not null,
  sealed boolean not null,
  min_step bigint not null,
  max_step bigint not null,
  min_at bigint not null,
  max_at bigint not null,
  data bytea not null,
  primary key (series_id, level, seq),
  foreign key (tenant_id, series_id) references metric_series (tenant_id, id) on delete cascade
);
-- Packed already.
alter table metric_chunks alter column data set storage external;
create index metric_chunks_tail on metric_chunks (series_id, level) where not sealed;

-- Histograms as summaries; images and texts as places in the event file they were written to.
create table metric_items (
  tenant_id uuid not null,
  series_id bigint not null,
  seq bigint not null,
  step bigint not null,
  at bigint not null,
  summary jsonb not null,
  path text,
  file_offset bigint,
  file_length integer,
  primary key (series_id, seq),
  foreign key (tenant_id, series_id) references metric_series (tenant_id, id) on delete cascade
);

-- Files of an output folder that metrics are read from, and how far each has been read.
create table metric_files (
  tenant_id uuid not null,
  run_id uuid not null,
  path text not null,
  kind text not null check (kind in ('events', 'jsonl')),
  read_offset bigint not null default 0,
  -- Nothing more is read from it: why.
  given_up text,
  primary key (run_id, path),
  foreign key (tenant_id, run_id) references metric_runs (tenant_id, run_id) on delete cascade
);

create table run_parameters (
  tenant_id uuid not null,
  run_id uuid not null,
  name text not null,
  value text not null,
  -- The value where it is a number, for filter and sort.
  number double precision,
  primary key (run_id, name),
  foreign key (tenant_id, run_id) references runs (tenant_id, id) on delete cascade
);
create index run_parameters_number on run_parameters (tenant_id, name, number) where number is not null;
create index run_parameters_value on run_parameters (tenant_id, name, left(value, 250));
