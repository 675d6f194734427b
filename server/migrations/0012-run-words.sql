-- What is said of a run, as a code with its values (contract/run-words.ts), beside the English text: a page says it in its
-- reader's language. Rows from before have none and are shown by their text.
alter table run_timeline add column words jsonb;
alter table attempts add column failure_words jsonb;
alter table runs add column failure_words jsonb;
