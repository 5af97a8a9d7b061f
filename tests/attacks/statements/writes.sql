# Leaving rows on the host.

-- a table as CSV
-- open: writes
-- held: error Permission Error
copy t to '{dir}/out'

-- a query as CSV
-- open: writes
-- held: error Permission Error
copy (select * from t) to '{dir}/out' (header, delimiter '|')

-- a table as Parquet
-- open: writes
-- held: error Permission Error
copy t to '{dir}/out' (format parquet)

-- a table as JSON
-- open: writes
-- held: error Permission Error
copy t to '{dir}/out' (format json)

-- a table in parts
-- open: writes
-- held: error Permission Error
copy t to '{dir}/out' (format csv, partition_by (b))

-- a file for each thread
-- open: writes
-- held: error Permission Error
copy t to '{dir}/out' (format csv, per_thread_output)

-- without a temporary file
-- open: writes
-- held: error Permission Error
copy t to '{dir}/out' (use_tmp_file false)

-- the path from a query
-- open: writes
-- held: error Permission Error
set variable o = '{dir}/out';
copy t to (getvariable('o'))

-- a blob as it is
-- open: writes
-- held: error Permission Error
copy (select 'x'::blob) to '{dir}/out' (format blob)

-- a whole database
-- open: writes
-- held: error Permission Error
export database '{dir}/out'

-- a whole database as Parquet
-- open: writes
-- held: error Permission Error
export database '{dir}/out' (format parquet)

-- a new database
-- open: writes
-- held: error Binder Error
attach '{dir}/out' as o;
create table o.t as from t;
checkpoint o

-- a copy from one database to another
-- open: writes
-- held: error Binder Error
attach '{dir}/out' as o;
copy from database extract to o;
checkpoint o

-- a database in an SQLite file
-- open: untried the extension is not there
-- held: error Permission Error
attach '{dir}/out' as o (type sqlite)

-- the standard output
-- open: untried it would mix with the answers
-- held: error Permission Error
copy t to '/dev/stdout'

-- the standard error
-- open: done
-- held: error Permission Error
copy t to '/dev/stderr'

-- the socket
-- open: untried there is no socket
-- held: error Permission Error
copy t to '/dev/fd/3'

-- the terminal
-- open: error
-- held: error Permission Error
copy t to '/dev/tty'

-- another process
-- open: untried it would harm a process
-- held: error Permission Error
copy t to '/proc/1/mem'

-- the log of profiles
-- open: done
-- held: error, rows
pragma enable_profiling = 'json';
set profiling_output = '{dir}/out';
select count(*) from t;
pragma disable_profiling

-- the log of statements
-- open: writes
-- held: error, rows
set log_query_path = '{dir}/out';
select 1

-- the structured log
-- open: writes
call enable_logging('QueryLog', storage = 'file', storage_config = {'path': '{dir}/out'});
select 42

-- the spill folder of somebody else
-- open: done
set temp_directory = '{dir}/out'

-- the folder of secrets
-- open: done
set secret_directory = '{dir}/out'

-- the root of the worker
-- open: untried it would write to the root of this machine
copy t to '/planted.csv'

-- the folder of inputs
-- open: error
copy t to '/in/planted.csv'

-- the spill folder, whose cap is the scratch space
-- open: error
copy t to '/spill/planted.csv'

-- the folder that the engine spills to
-- open: error
-- held: error, rows
copy t to '/spill/engine/planted.csv'
