-- Registries of container images, and what each tenant signs in with there.
create sequence number_registry;

create table registries (
  id uuid primary key,
  number bigint not null unique default nextval('number_registry'),
  name text not null unique,
  -- As in names of images: host[:port]. Never changed, so that no password can follow it elsewhere.
  address text not null unique,
  insecure boolean not null,
  token_hosts text[] not null,
  created_at timestamptz not null
);

-- By host, not by registry: a tenant may pull from a host that nobody registered.
create table registry_credentials (
  tenant_id uuid not null references tenants on delete cascade,
  id uuid not null unique,
  host text not null,
  user_name text not null,
  -- Sealed for this tenant, host and user name: beside any other of them it does not open.
  password_sealed bytea not null,
  set_at timestamptz not null,
  primary key (tenant_id, host)
);
create index registry_credentials_host on registry_credentials (host);
