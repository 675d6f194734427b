-- What a search costs is decided by what the planner expects to find.

-- A parameter's name and its value go together: as if they did not, `optimizer=adam` was expected in a twentieth of the runs that have it.
create statistics run_parameters_values (mcv) on name, (left(value, 250)) from run_parameters;
create statistics run_parameters_numbers (mcv) on name, number from run_parameters;

-- Stable, so the planner asks it for the user and looks up how much is theirs. Of a subquery it would expect as much as of anybody,
-- and read all of a large table for somebody who has made nothing.
create function user_called(name_in_lower_case text) returns uuid stable parallel safe language sql
  return (select id from users where lower(name) = name_in_lower_case);
