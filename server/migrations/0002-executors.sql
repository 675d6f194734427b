-- Which executors a tenant may use; null = all of them.
alter table tenants add column executors text[] check (cardinality(executors) > 0);
-- The digest of the image that really ran; null where images have none.
alter table attempts add column image_digest text;
-- When the attempt was first told to end: its grace counts from here, so that a server that was away does not cut it short.
alter table attempts add column terminated_at timestamptz;
