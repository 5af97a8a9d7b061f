# What the worker itself knows: of the host, of the process, of other people.

-- the environment
-- open: error
-- held: error Catalog Error
select getenv('HOME')

-- paths of databases
-- open: rows
-- held: harmless it knows no path of the host
select database_name, path from duckdb_databases()

-- paths of databases by pragma
-- open: done
-- held: harmless it knows no path of the host
pragma database_list

-- every setting
-- open: rows
-- held: harmless it knows no path of the host
select name, value from duckdb_settings()

-- every extension with its folder
-- open: rows
-- held: error Permission Error
select extension_name, install_path, installed_from from duckdb_extensions()

-- secrets
-- open: done
-- held: harmless the engine is given none
select * from duckdb_secrets()

-- which secret would be used
-- open: done
-- held: harmless the engine is given none
select * from which_secret('s3://x', 's3')

-- logs of statements
-- open: done
-- held: harmless nothing is logged
select * from duckdb_logs()

-- contexts of logs
-- open: done
-- held: harmless nothing is logged
select * from duckdb_log_contexts()

-- logging, switched on
-- open: done
-- held: harmless it logs the own statements in the own memory
call enable_logging()

-- memory of the engine
-- open: rows
-- held: harmless it is of this worker alone
select * from duckdb_memory()

-- files that the engine spilled
-- open: done
-- held: harmless they are of this worker alone
select * from duckdb_temporary_files()

-- statements of others
-- open: done
-- held: harmless nobody else is in this worker
select * from duckdb_prepared_statements()

-- the connections of others
-- open: error
-- held: error Catalog Error
select * from duckdb_connections()

-- the version and the platform
-- open: rows
-- held: harmless it is in the documentation
select version(), (select platform from pragma_platform())

-- the user agent
-- open: done
-- held: harmless it names the engine only
pragma user_agent

-- the user of the database
-- open: rows
-- held: harmless it is the same for everybody
select current_user, current_role, session_user

-- files that the engine has cached
-- open: done
-- held: harmless there is none
select * from duckdb_external_file_cache()

-- storage of the extract
-- open: rows
-- held: harmless it describes rows that this workspace may read
select segment_type, stats from pragma_storage_info('t')

-- the catalogue, in the words of others
-- open: rows
-- held: harmless it describes the own tables
select table_catalog, table_name from information_schema.tables

-- the catalogue of PostgreSQL
-- open: done
-- held: harmless it describes the own tables
select datname from pg_catalog.pg_database

-- a crash on purpose
-- open: untried it could end the engine
-- held: error Catalog Error
pragma force_checkpoint_abort

-- a switch that aborts a checkpoint
-- open: done
-- held: error Invalid Input Error
set debug_checkpoint_abort = 'before_truncate'

-- the time of the host
-- open: rows
-- held: harmless a clock is no secret
select now() is not null

-- a long sleep
-- open: error
-- held: error Catalog Error
select sleep(100)

-- a system command
-- open: error
-- held: error Catalog Error
select system('id')

-- a system command by the shell's dot
-- open: error
-- held: error Parser Error
.system id

-- a command of psql
-- open: error
-- held: error Parser Error
\! id
