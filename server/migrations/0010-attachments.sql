-- Files that people put beside a run. The bytes are in the run's folder `attach`, among what the job writes there.
create table run_attachments (
  tenant_id uuid not null,
  id uuid not null unique,
  run_id uuid not null,
  name text collate "C" not null,
  size bigint not null,
  digest text not null,
  created_by uuid not null references users,
  created_at timestamptz not null,
  primary key (run_id, name),
  foreign key (tenant_id, run_id) references runs (tenant_id, id) on delete cascade
);

-- By bytes: all files below a folder are then one range of the key.
alter table run_output_files alter column path type text collate "C";
