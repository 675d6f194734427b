-- Search: saved searches, and what the lists are sorted and searched by; the ancestry graph without its widest edges.

create table saved_searches (
  tenant_id uuid not null references tenants on delete cascade,
  id uuid primary key,
  thing text not null check (thing in ('data', 'dataset', 'run')),
  name text not null,
  query text not null,
  sort text,
  -- Of the table that shows what is found; empty = those that the list always has.
  columns text[] not null,
  -- Everybody of the tenant sees it; else its owner alone.
  shared boolean not null,
  owner_id uuid not null references users,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  unique (tenant_id, id)
);
create unique index saved_searches_own on saved_searches (tenant_id, owner_id, thing, name) where not shared;
create unique index saved_searches_shared on saved_searches (tenant_id, thing, name) where shared;

-- Each order in which a list can be paged through, with the id behind it so that no two rows are equal.
create index data_by_number on data (tenant_id, number, id);
create index data_by_name on data (tenant_id, name, id);
create index data_by_files on data (tenant_id, file_count, id);
create index data_by_size on data (tenant_id, total_size, id);
create index data_by_creator on data (tenant_id, created_by);

create index datasets_by_number on datasets (tenant_id, number, id);
create index datasets_by_name on datasets (tenant_id, name, id);
create index datasets_by_entries on datasets (tenant_id, entry_count, id);
create index datasets_by_creator on datasets (tenant_id, created_by);

create index runs_by_number on runs (tenant_id, number, id);
create index runs_by_name on runs (tenant_id, name, id);
create index runs_by_state on runs (tenant_id, state, id);
create index runs_by_creator on runs (tenant_id, created_by);
-- A run's row is written many times in its life. What is known only at its end costs an entry only then.
create index runs_by_start on runs (tenant_id, started_at, id) where started_at is not null;
create index runs_by_end on runs (tenant_id, ended_at, id) where ended_at is not null;
create index runs_by_duration on runs (tenant_id, (ended_at - started_at), id) where ended_at - started_at is not null;
create index runs_by_exit_code on runs (tenant_id, exit_code, id) where exit_code is not null;
create index runs_by_value on runs (tenant_id, (left(output_value, 250)), id) where left(output_value, 250) is not null;
create index runs_by_failure on runs (tenant_id, failure_class) where failure_class is not null;

-- All that leads to or from a thing but what data sets contain: that may be 100,000 edges at one data set.
create index lineage_edges_up on lineage_edges (tenant_id, to_kind, to_id) where relation <> 'contains';
create index lineage_edges_down on lineage_edges (tenant_id, from_kind, from_id) where relation <> 'contains';
