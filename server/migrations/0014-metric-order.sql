-- With the run behind the value, lists in the order of a metric are had from the index alone.
drop index metric_series_last;
create index metric_series_last on metric_series (tenant_id, name, last_value, run_id) where kind = 'scalar';
