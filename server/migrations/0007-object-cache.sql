-- Which object store the files of this installation are in: 'file-system', or 's3://<bucket>/<prefix>'. Null before anything
-- has been stored. A server that is set to another one would find none of them.
alter table installation add column object_store text;
update installation set object_store = 'file-system' where exists (select from blobs) or exists (select from uploads);
