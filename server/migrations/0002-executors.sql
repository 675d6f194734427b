-- Which executors a tenant may use; null = all of them.
alter table tenants add column executors text[] check (cardinality(executors) > 0);
-- The digest of the image that really ran; null where images have none.
alter table attempts add column image_digest text;
-- When the attempt was first told to end: its grace counts from here, so that a server that was away does not cut it short.
alter table attempts add column terminated_at timestamptz;
-- Each run is changed several times within a second of its life: room for the new versions beside the old ones, so that
-- changes of no indexed column need no new index entries.
alter table runs set (fillfactor = 70);
alter table attempts set (fillfactor = 70);
-- No statement looks for live runs by tenant: what a tenant holds is counted from its attempts.
drop index runs_live_by_tenant;
-- Containers of this tenant run without any capability.
alter table tenants add column drop_capabilities boolean not null default false;
