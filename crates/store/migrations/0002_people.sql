-- What lists show of an object, derived from its state: its name, who made it, since when it is in this
-- state. It is for finding, not for deciding.
alter table states add column title text not null default '';
alter table states add column author text;
alter table states add column since_us integer not null default 0;
create index states_by_since on states (kind, state, since_us, id);

-- Whom and what an object concerns, so that a list of somebody's work needs no other rows. Derived too.
create table ties (
  who text not null,
  tie text not null,
  kind text not null,
  state text not null,
  since_us integer not null,
  id text not null,
  primary key (who, tie, kind, state, since_us, id)
) strict, without rowid;
create index ties_by_object on ties (kind, id, tie, who);

-- How people sign in: who somebody is, not what they may do.
create table credentials (
  person text primary key,
  name text not null unique,
  phc text not null,
  totp blob not null,
  totp_step integer not null,
  failures integer not null default 0 check (failures >= 0),
  locked_until_us integer
) strict, without rowid;

create table sessions (
  hash blob primary key check (length(hash) = 32),
  person text not null,
  seen_us integer not null,
  ends_us integer not null
) strict, without rowid;
create index sessions_by_person on sessions (person, ends_us);
