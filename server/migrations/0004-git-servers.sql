-- Git servers beside folders of this machine, and what tenants and people sign in with there.
alter table git_endpoints drop constraint git_endpoints_kind_check;
alter table git_endpoints alter column root drop not null;
alter table git_endpoints
  -- Neither address ever changes, so that no credential can follow it elsewhere.
  add column url text,
  add column api_url text,
  -- For SSH: `type key` lines, the keys of which the server must show one.
  add column host_keys text,
  add column lfs_hosts text[] not null default '{}',
  add constraint git_endpoints_kind_check check (
    (kind = 'local' and root is not null and url is null) or
    (kind in ('github', 'gitlab', 'gitea', 'gitbucket', 'plain') and root is null and url is not null)
  );

create table git_credentials (
  tenant_id uuid not null references tenants on delete cascade,
  id uuid not null unique,
  endpoint_id uuid not null references git_endpoints on delete cascade,
  -- Whose it is within the tenant; null for the tenant's own.
  user_id uuid references users on delete cascade,
  user_name text not null,
  holds_token boolean not null,
  holds_key boolean not null,
  -- Token and private key together, sealed for this tenant, endpoint and its addresses, person and user name.
  secret_sealed bytea not null,
  set_at timestamptz not null,
  primary key (tenant_id, id),
  unique nulls not distinct (tenant_id, endpoint_id, user_id)
);
create index git_credentials_endpoint on git_credentials (endpoint_id);
create index git_credentials_user on git_credentials (user_id);
