-- The log: one leaf for each act, numbered from 0 without gaps, never changed.
create table leaves (
  idx integer primary key check (idx >= 0),
  entry blob not null,
  hash blob not null check (length(hash) = 32)
) strict;

-- Roots of complete subtrees above the leaves: entries idx << level up to (idx + 1) << level.
create table nodes (
  level integer not null check (level between 1 and 62),
  idx integer not null check (idx >= 0),
  hash blob not null check (length(hash) = 32),
  primary key (level, idx)
) strict, without rowid;

-- What each leaf tells, in columns. No person means the safe haven itself.
create table events (
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
create index events_by_object on events (object, leaf);
create index events_by_project on events (project, leaf);

-- The present state of every object. The leaf commits to salt and json.
create table states (
  kind text not null,
  id text not null,
  project text,
  state text not null,
  json text not null,
  salt blob not null check (length(salt) = 32),
  version integer not null check (version >= 1),
  leaf integer not null unique references leaves (idx),
  updated_at text not null,
  primary key (kind, id)
) strict;
create index states_by_state on states (kind, state, id);
create index states_by_project on states (kind, project, id);

-- Bytes that must be erasable, under their SHA-256. No foreign key leads here, so that they can go.
create table documents (
  sha256 text primary key check (length(sha256) = 64),
  bytes blob not null
) strict, without rowid;

-- Which leaf commits to which document, and with what salt.
create table attachments (
  leaf integer not null references leaves (idx),
  kind text not null,
  sha256 text not null,
  salt blob not null check (length(salt) = 32),
  primary key (leaf, kind)
) strict, without rowid;
create index attachments_by_document on attachments (sha256);

-- Signed checkpoints of the log.
create table checkpoints (
  size integer primary key check (size >= 0),
  note text not null
) strict;

-- Operational rows, which grant nothing and have no leaf.
create table drafts (
  project text primary key,
  json text not null
) strict;

create table tokens (
  hash blob primary key check (length(hash) = 32),
  person text not null,
  label text not null,
  expires_us integer not null
) strict;
create index tokens_by_person on tokens (person, expires_us);

create table progress (
  job text primary key,
  done integer not null check (done >= 0),
  total integer not null check (total >= 0),
  stage text not null
) strict;

create trigger leaves_are_dense before insert on leaves
when new.idx <> (select coalesce(max(idx) + 1, 0) from leaves)
begin select raise(abort, 'a leaf must take the next number'); end;
create trigger leaves_stay before update on leaves
begin select raise(abort, 'a leaf is never changed'); end;
create trigger leaves_are_kept before delete on leaves
begin select raise(abort, 'a leaf is never removed'); end;
create trigger nodes_stay before update on nodes
begin select raise(abort, 'a node is never changed'); end;
create trigger nodes_are_kept before delete on nodes
begin select raise(abort, 'a node is never removed'); end;
create trigger events_stay before update on events
begin select raise(abort, 'an event is never changed'); end;
create trigger events_are_kept before delete on events
begin select raise(abort, 'an event is never removed'); end;
create trigger states_are_kept before delete on states
begin select raise(abort, 'a state is never removed'); end;
