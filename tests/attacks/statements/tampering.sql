# Changing the data that the workspace was given. After each, the same rows must be there.

-- update
-- open: error
-- held: error Invalid Input Error
update t set a = 0

-- update by its full name
-- open: error
-- held: error Invalid Input Error
update extract.main.t set a = 0

-- delete
-- open: error
-- held: error Invalid Input Error
delete from t

-- truncate
-- open: error
-- held: error Invalid Input Error
truncate t

-- insert
-- open: error
-- held: error Invalid Input Error
insert into t values (9, 'z')

-- merge
-- open: error
-- held: error Invalid Input Error
merge into t using (select 1 as a) s on t.a = s.a when matched then delete

-- drop
-- open: error
-- held: error Invalid Input Error
drop table t

-- drop the schema
-- open: error
-- held: error Invalid Input Error
drop schema extract.main cascade

-- a new column
-- open: error
-- held: error Invalid Input Error
alter table t add column c int

-- another name
-- open: error
-- held: error Invalid Input Error
alter table t rename to u

-- a comment
-- open: error
-- held: error Invalid Input Error
comment on table t is 'changed'

-- an index
-- open: error
-- held: error Invalid Input Error
create index i on t(a)

-- a table beside it
-- open: error
-- held: error Invalid Input Error
create table extract.main.mine as select 1

-- a view beside it
-- open: error
-- held: error Invalid Input Error
create view extract.main.v as select 1

-- a macro beside it
-- open: error
-- held: error Invalid Input Error
create macro extract.main.m(x) as x

-- a sequence beside it
-- open: error
-- held: error Invalid Input Error
create sequence extract.main.s

-- a type beside it
-- open: error
-- held: error Invalid Input Error
create type extract.main.ty as enum ('a')

-- replaced
-- open: error
-- held: error Invalid Input Error
create or replace table extract.main.t as select 1

-- copied into
-- open: error
-- held: error Permission Error
copy extract.main.t from '{dir}/secret.csv'

-- detached
-- open: done
-- held: harmless it can be attached again, and the workspace opens anew
detach extract;
attach '{db}' as extract (read_only)

-- detached and attached for writing
-- open: done
-- held: error Catalog Error
detach extract;
attach '{db}' as extract (read_write);
delete from extract.t
-- after
attach if not exists '{db}' as extract (read_only)

-- attached once more under another name, for writing
-- open: error
-- held: error Binder Error
attach '{db}' as again (read_write)

-- overwritten by a copy
-- open: writes
-- held: error IO Error
copy (select 1) to '{db}' (use_tmp_file false)

-- overwritten by a copy through a temporary file
-- open: done
-- held: error Permission Error
copy (select 1) to '{db}' (use_tmp_file true)

-- overwritten by a Parquet copy
-- open: writes
-- held: error IO Error
copy (select 1) to '{db}' (format parquet, use_tmp_file false)

-- overwritten by an export
-- open: error
-- held: error Permission Error
export database '{db}'

-- a log planted beside it
-- open: done
-- held: error IO Error
copy (select 1) to '{db}.wal' (use_tmp_file false)

-- a log planted beside it, as bytes
-- open: done
-- held: error IO Error
copy (select 'x'::blob) to '{db}.wal' (format blob, use_tmp_file false)

-- another log of the engine
-- open: untried it depends on the version
-- held: error Permission Error
copy (select 1) to '{db}.checkpoint.wal' (use_tmp_file false)

-- checkpoint
-- open: done
-- held: harmless nothing is written for it
force checkpoint extract

-- vacuum
-- open: done
-- held: harmless nothing is written for it
vacuum t

-- analyse
-- open: done
-- held: harmless nothing is written for it
analyze t

-- a transaction that is never ended
-- open: error
-- held: error Invalid Input Error
begin transaction;
create table mine (a int);
insert into extract.main.t values (9, 'z')
-- after
rollback

-- access mode
-- open: error
-- held: error Invalid Input Error
set access_mode = 'read_write'

-- the catalogue itself
-- open: error
-- held: error Parser Error
delete from duckdb_tables() where table_name = 't'

-- the catalogue of SQLite
-- open: error
-- held: error Binder Error
delete from sqlite_master

-- the catalogue of PostgreSQL, changed
-- open: error
update pg_catalog.pg_class set relname = 'x'

-- the information schema
-- open: error
-- held: error Catalog Error
drop view information_schema.tables

-- the files of the workspace
-- open: error
-- held: error Permission Error
copy (select 1) to '/in/0.csv' (use_tmp_file false)
