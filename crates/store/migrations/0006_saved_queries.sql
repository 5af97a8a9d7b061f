-- Statements that people keep under a name, for themselves or for everybody in their workspace. They grant
-- nothing: whoever runs one needs the right to.
create table saved_queries (
  workspace text not null,
  person text not null,
  name text not null,
  shared integer not null check (shared in (0, 1)),
  sql text not null,
  saved_us integer not null,
  primary key (workspace, person, name)
) strict, without rowid;
