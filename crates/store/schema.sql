pragma user_version = 7;

CREATE INDEX accounts_by_budget on accounts (budget, account);

CREATE TABLE accounts (
  account text primary key,
  budget text not null,
  held_nano_rho integer not null check (held_nano_rho >= 0),
  held_atto_delta integer not null check (held_atto_delta >= 0),
  spent_nano_rho integer not null check (spent_nano_rho >= 0),
  spent_atto_delta integer not null check (spent_atto_delta >= 0),
  leaf integer not null references leaves (idx)
) strict, without rowid;

CREATE TRIGGER spent_stays_spent before update on accounts
when new.spent_nano_rho < old.spent_nano_rho or new.spent_atto_delta < old.spent_atto_delta
begin select raise(abort, 'what is spent stays spent'); end;

CREATE TABLE answers (
  indexing text not null,
  person text not null,
  json text not null,
  primary key (indexing, person)
) strict, without rowid;

CREATE INDEX attachments_by_document on attachments (sha256);

CREATE TABLE attachments (
  leaf integer not null references leaves (idx),
  kind text not null,
  sha256 text not null,
  salt blob not null check (length(salt) = 32),
  primary key (leaf, kind)
) strict, without rowid;

CREATE TABLE checkpoints (
  size integer primary key check (size >= 0),
  note text not null
) strict;

CREATE TABLE credentials (
  person text primary key,
  name text not null unique,
  phc text not null,
  totp blob not null,
  totp_step integer not null,
  failures integer not null default 0 check (failures >= 0),
  locked_until_us integer
) strict, without rowid;

CREATE TABLE documents (
  sha256 text primary key check (length(sha256) = 64),
  bytes blob not null
) strict, without rowid;

CREATE TABLE drafts (
  project text primary key,
  json text not null
) strict;

CREATE INDEX events_by_object on events (object, leaf);

CREATE INDEX events_by_project on events (project, leaf);

CREATE TABLE events (
  leaf integer primary key references leaves (idx),
  at text not null,
  action text not null,
  person text,
  kind text not null,
  object text not null,
  project text,
  version integer not null check (version >= 1),
  facts text not null,
  unique (kind, object, version)
) strict;

CREATE TRIGGER events_are_kept before delete on events
begin select raise(abort, 'an event is never removed'); end;

CREATE TRIGGER events_stay before update on events
begin select raise(abort, 'an event is never changed'); end;

CREATE TABLE leases (
  job text primary key,
  desk text not null,
  holder text not null,
  until_us integer not null
) strict;

CREATE TABLE leaves (
  idx integer primary key check (idx >= 0),
  entry blob not null,
  hash blob not null check (length(hash) = 32)
) strict;

CREATE TRIGGER leaves_are_dense before insert on leaves
when new.idx <> (select coalesce(max(idx) + 1, 0) from leaves)
begin select raise(abort, 'a leaf must take the next number'); end;

CREATE TRIGGER leaves_are_kept before delete on leaves
begin select raise(abort, 'a leaf is never removed'); end;

CREATE TRIGGER leaves_stay before update on leaves
begin select raise(abort, 'a leaf is never changed'); end;

CREATE TABLE nodes (
  level integer not null check (level between 1 and 62),
  idx integer not null check (idx >= 0),
  hash blob not null check (length(hash) = 32),
  primary key (level, idx)
) strict, without rowid;

CREATE TRIGGER nodes_are_kept before delete on nodes
begin select raise(abort, 'a node is never removed'); end;

CREATE TRIGGER nodes_stay before update on nodes
begin select raise(abort, 'a node is never changed'); end;

CREATE TABLE progress (
  job text primary key,
  done integer not null check (done >= 0),
  total integer not null check (total >= 0),
  stage text not null
) strict;

CREATE TABLE saved_queries (
  workspace text not null,
  person text not null,
  name text not null,
  shared integer not null check (shared in (0, 1)),
  sql text not null,
  saved_us integer not null,
  primary key (workspace, person, name)
) strict, without rowid;

CREATE INDEX sessions_by_person on sessions (person, ends_us);

CREATE TABLE sessions (
  hash blob primary key check (length(hash) = 32),
  person text not null,
  seen_us integer not null,
  ends_us integer not null
) strict, without rowid;

CREATE INDEX states_by_project on states (kind, project, id);

CREATE INDEX states_by_since on states (kind, state, since_us, id);

CREATE INDEX states_by_state on states (kind, state, id);

CREATE TABLE states (
  kind text not null,
  id text not null,
  project text,
  state text not null,
  json text not null,
  salt blob not null check (length(salt) = 32),
  version integer not null check (version >= 1),
  leaf integer not null unique references leaves (idx),
  updated_at text not null, title text not null default '', author text, since_us integer not null default 0,
  primary key (kind, id)
) strict;

CREATE TRIGGER states_are_kept before delete on states
begin select raise(abort, 'a state is never removed'); end;

CREATE INDEX ties_by_object on ties (kind, id, tie, who);

CREATE TABLE ties (
  who text not null,
  tie text not null,
  kind text not null,
  state text not null,
  since_us integer not null,
  id text not null,
  primary key (who, tie, kind, state, since_us, id)
) strict, without rowid;

CREATE INDEX tokens_by_person on tokens (person, expires_us);

CREATE TABLE tokens (
  hash blob primary key check (length(hash) = 32),
  person text not null,
  label text not null,
  expires_us integer not null
) strict;
