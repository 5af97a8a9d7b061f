# each alone
# Changing what words mean. A researcher may fool their own session; no check and no count of another
# worker is made in it. After each, the same rows must be there.

-- a macro in the place of count
-- open: rows
-- held: harmless checks run in a worker of their own
create temp macro count(x) as 1000000;
select count(a) from t

-- a macro in the place of sum, for good
-- open: rows
-- held: harmless checks run in a worker of their own
create macro sum(x) as 7;
select sum(a) from t

-- a table in the place of the data
-- open: rows
-- held: harmless checks run in a worker of their own
create temp table t as select 9 as a, 'lie' as b;
select * from t

-- a view in the place of the data
-- open: rows
-- held: harmless checks run in a worker of their own
create view main.t as select 9 as a, 'lie' as b;
select * from t

-- a view in the place of the catalogue
-- open: rows
-- held: harmless checks run in a worker of their own
create temp view duckdb_tables as select 'nothing' as table_name;
select * from duckdb_tables

-- another search path
-- open: done
-- held: harmless checks run in a worker of their own
create schema other;
set search_path = 'memory.other'

-- another database as the default
-- open: done
-- held: harmless checks run in a worker of their own
use extract

-- a type in the place of text
-- open: done
-- held: harmless checks run in a worker of their own
create type money as integer;
select 1::money

-- a collation by default
-- open: rows
-- held: harmless it changes how one's own statements compare
set default_collation = 'nocase';
select 'a' = 'A'

-- another time zone
-- open: rows
-- held: harmless it changes how one's own statements read
set timezone = 'Asia/Tokyo';
select timestamptz '2020-01-01 00:00:00+00'

-- a macro that calls itself
-- open: error
-- held: error Catalog Error
create temp macro f(x) as f(x + 1);
select f(1)

-- two macros that call each other
-- open: untried an unprotected engine may overflow its stack
-- held: error Catalog Error
create temp macro g(x) as h(x);
create or replace temp macro h(x) as g(x);
select g(1)

-- a view that reads itself
-- open: error
-- held: error Binder Error
create view loop as select 1 as a;
create or replace view loop as select * from loop;
select * from loop

-- a prepared statement that is executed with something else
-- open: error
-- held: error Conversion Error
prepare p as select $1::integer;
execute p('delete from t')

-- a trigger
-- open: error
-- held: error Parser Error
create trigger x after insert on t for each row select 1

-- a function of another language
-- open: error
-- held: error Parser Error
create function f() returns integer language c as 'x'

-- a role
-- open: error
-- held: error Parser Error
create role root

-- a grant
-- open: error
-- held: error Parser Error
grant all on t to public
