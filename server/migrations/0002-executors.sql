-- Which executors a tenant may use; null = all of them.
alter table tenants add column executors text[] check (cardinality(executors) > 0);
-- The digest of the image that really ran; null where images have none.
alter table attempts add column image_digest text;
