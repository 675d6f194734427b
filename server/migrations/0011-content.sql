-- What somebody has opened to look at in a browser: one thing under one label of the content hosts, for one person. Goes with
-- the thing, with the person, and with the sign-in or the token it was opened by.
create table content_openings (
  tenant_id uuid not null references tenants on delete cascade,
  id uuid primary key,
  label text not null unique,
  user_id uuid not null references users on delete cascade,
  session_hash bytea references sessions on delete cascade,
  token_id uuid,
  kind text not null check (kind in ('output', 'attachments', 'data', 'upstream')),
  run_id uuid,
  data_id uuid,
  platform_origin text not null,
  content_origin text not null,
  ticket_hash bytea,
  ticket_expires_at timestamptz not null,
  key_hash bytea,
  created_at timestamptz not null,
  expires_at timestamptz not null,
  check ((kind = 'data') = (data_id is not null) and (kind <> 'data') = (run_id is not null)),
  foreign key (tenant_id, token_id) references tokens (tenant_id, id) on delete cascade,
  foreign key (tenant_id, run_id) references runs (tenant_id, id) on delete cascade,
  foreign key (tenant_id, data_id) references data (tenant_id, id) on delete cascade
);
create index content_openings_user on content_openings (user_id, created_at desc);
create index content_openings_session on content_openings (session_hash);
create index content_openings_token on content_openings (token_id);
create index content_openings_run on content_openings (run_id);
create index content_openings_data on content_openings (data_id);
create index content_openings_expiry on content_openings (expires_at);
