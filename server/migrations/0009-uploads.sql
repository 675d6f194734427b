-- The CRC-32 of a part as it arrived, 8 hexadecimal digits; null for parts from before.
alter table upload_parts add column crc32 text;
-- Finds a file below a folder without reading all names; "C" because only there `a/` to `a0` is everything that begins with `a/`.
create index data_files_by_name on data_files (data_id, name collate "C");
