# Reading what the host or another project has.

-- a text file of the host
-- open: shows
-- held: error Permission Error
select * from read_text('{dir}/secret.txt')

-- a text file of the host, as bytes
-- open: shows
-- held: error Permission Error
select content::varchar from read_blob('{dir}/secret.txt')

-- the accounts of the host
-- open: rows
-- held: error Permission Error
select * from read_text('/etc/passwd')

-- a CSV file of the host
-- open: shows
-- held: error Permission Error
select * from read_csv('{dir}/secret.csv')

-- a CSV file by its bare name
-- open: shows
-- held: error Permission Error
select * from '{dir}/secret.csv'

-- a CSV file in a FROM without a SELECT
-- open: shows
-- held: error Permission Error
from '{dir}/secret.csv'

-- a CSV file by the older function
-- open: shows
-- held: error Permission Error
select * from read_csv_auto('{dir}/secret.csv')

-- a CSV file with every option that could change its path
-- open: shows
-- held: error Permission Error
select * from read_csv('{dir}/secret.csv', filename = true, hive_partitioning = false, union_by_name = true)

-- a list of CSV files
-- open: shows
-- held: error Permission Error
select * from read_csv(['{dir}/secret.csv', '{dir}/secret.csv'])

-- a pattern of CSV files
-- open: shows
-- held: error Permission Error
select * from read_csv('{dir}/secr*.csv')

-- a deep pattern
-- open: shows
-- held: error Permission Error
select * from read_text('{dir}/**/secret.txt')

-- a JSON file
-- open: shows
-- held: error Permission Error
select * from read_json('{dir}/secret.json')

-- a JSON file, newline delimited
-- open: shows
-- held: error Permission Error
select * from read_ndjson('{dir}/secret.json')

-- a JSON file as objects
-- open: shows
-- held: error Permission Error
select json::varchar from read_json_objects('{dir}/secret.json')

-- a JSON file as objects, newline delimited
-- open: shows
-- held: error Permission Error
select json::varchar from read_ndjson_objects('{dir}/secret.json')

-- a JSON file by its bare name
-- open: shows
-- held: error Permission Error
select * from '{dir}/secret.json'

-- a Parquet file
-- open: shows
-- held: error Permission Error
select * from read_parquet('{dir}/secret.parquet')

-- a Parquet file by the older function
-- open: shows
-- held: error Permission Error
select * from parquet_scan('{dir}/secret.parquet')

-- a Parquet file by its bare name
-- open: shows
-- held: error Permission Error
select * from '{dir}/secret.parquet'

-- the statistics of a Parquet file
-- open: shows
-- held: error Permission Error
select stats_min_value from parquet_metadata('{dir}/secret.parquet')

-- the schema of a Parquet file
-- open: rows
-- held: error Permission Error
select name from parquet_schema('{dir}/secret.parquet')

-- the footer of a Parquet file
-- open: rows
-- held: error Permission Error
select * from parquet_file_metadata('{dir}/secret.parquet')

-- the key values of a Parquet file
-- open: done
-- held: error Permission Error
select * from parquet_kv_metadata('{dir}/secret.parquet')

-- the Bloom filter of a Parquet file
-- open: done
-- held: error Permission Error
select * from parquet_bloom_probe('{dir}/secret.parquet', 's', 'x')

-- a guess at the dialect of a host file
-- open: rows
-- held: error Permission Error
select * from sniff_csv('{dir}/secret.csv')

-- the names in a folder of the host
-- open: rows
-- held: error Permission Error
select * from glob('{dir}/*')

-- the names in a folder of the system
-- open: rows
-- held: error Permission Error
select * from glob('/etc/*')

-- the names of the worker's inputs
-- open: done
-- held: error Permission Error
select * from glob('/in/*')

-- a file through its file: address
-- open: shows
-- held: error Permission Error
select * from read_text('file://{dir}/secret.txt')

-- a file through a file: address of the local host
-- open: shows
-- held: error Permission Error
select * from read_text('file://localhost{dir}/secret.txt')

-- a file by a path that climbs
-- open: rows
-- held: error Permission Error
select * from read_text('/etc/../etc/passwd')

-- a file in the folder of the process
-- open: rows
-- held: error Permission Error
select * from read_text('/proc/self/status')

-- the environment of the process
-- open: rows
-- held: error Permission Error
select * from read_blob('/proc/self/environ')

-- the command line of the process
-- open: rows
-- held: error Permission Error
select * from read_text('/proc/self/cmdline')

-- the memory map of the process
-- open: rows
-- held: error Permission Error
select * from read_text('/proc/self/maps')

-- the mounts of the process
-- open: rows
-- held: error Permission Error
select * from read_text('/proc/self/mountinfo')

-- the processor
-- open: rows
-- held: error Permission Error
select * from read_text('/proc/cpuinfo')

-- the descriptor of the socket
-- open: untried it could block
-- held: error Permission Error
select * from read_text('/dev/fd/3')

-- the standard input
-- open: untried it would wait for input
-- held: error Permission Error
select * from read_csv('/dev/stdin')

-- the kernel's settings
-- open: done
-- held: error Permission Error
select * from glob('/sys/kernel/*')

-- a host file into a table of one's own
-- open: done
-- held: error Permission Error
create table stolen (s varchar);
copy stolen from '{dir}/secret.csv' (header)

-- a whole folder of the host
-- open: untried there is no exported database
-- held: error Permission Error
import database '{dir}'

-- a file named by an expression
-- open: shows
-- held: error Permission Error
select * from read_text(concat('{dir}/secret', '.txt'))

-- a file named by a variable
-- open: shows
-- held: error Permission Error
set variable f = '{dir}/secret.txt';
select * from read_text(getvariable('f'))

-- a file named in a prepared statement
-- open: done
-- held: error Permission Error
prepare p as select * from read_text($1);
execute p('{dir}/secret.txt')

-- a file behind a macro
-- open: shows
-- held: error Permission Error
create temp macro steal(f) as table select * from read_text(f);
select * from steal('{dir}/secret.txt')

-- a file behind a view
-- open: shows
-- held: error Catalog Error
create temp view steal as select * from read_csv('{dir}/secret.csv');
select * from steal

-- a file behind the query function
-- open: shows
-- held: error Permission Error
select * from query('select * from read_text(''{dir}/secret.txt'')')

-- a file behind the table function by name
-- open: shows
-- held: error Permission Error
select * from query_table('{dir}/secret.csv')

-- a file behind a serialised statement
-- open: shows
-- held: error Permission Error
select * from json_execute_serialized_sql(json_serialize_sql('select * from read_text(''{dir}/secret.txt'')'))

-- a file in a subquery of a subquery
-- open: shows
-- held: error Permission Error
select (select max(content) from read_text('{dir}/secret.txt')) as s from t limit 1

-- a file in a lateral join
-- open: shows
-- held: error Permission Error
select x.content from t, lateral (select * from read_text('{dir}/secret.txt')) x limit 1

-- a file in a condition on a join
-- open: rows
-- held: error Permission Error
select t.a from t join read_text('{dir}/secret.txt') x on length(x.content) > 0

-- a file in a pivot
-- open: rows
-- held: error Permission Error
select * from (pivot read_csv('{dir}/secret.csv') on s using count(*))

-- a file in a description
-- open: rows
-- held: error Permission Error
describe select * from read_csv('{dir}/secret.csv')

-- a file in a summary
-- open: shows
-- held: error Permission Error
summarize select * from read_csv('{dir}/secret.csv')

-- a file in an explanation that runs
-- open: done
-- held: error Permission Error
explain analyze select * from read_csv('{dir}/secret.csv')

-- a file on the search path of files
-- open: shows
-- held: error Permission Error
set file_search_path = '{dir}';
select * from read_text('secret.txt')

-- a compressed file
-- open: rows
-- held: error Permission Error
select * from read_csv('{dir}/secret.csv', compression = 'none', auto_detect = true)

-- the database of another project, attached
-- open: shows
-- held: error Catalog Error
attach '{dir}/other.duckdb' as other (read_only);
select * from other.people

-- the database of another project, with its type
-- open: shows
-- held: error Catalog Error
attach '{dir}/other.duckdb' as other (type duckdb, read_only);
from other.people

-- the database of another project, as bytes
-- open: rows
-- held: error Permission Error
select size from read_blob('{dir}/other.duckdb')

-- the database of another project by its bare name
-- open: shows
-- held: error Permission Error
select * from '{dir}/other.duckdb'

-- the inputs of another worker
-- open: done
-- held: error Permission Error
select * from read_blob('/proc/1/root/in/extract.duckdb')

-- the keeper's keys
-- open: done
-- held: error Permission Error
select * from read_blob('/var/lib/strongroom/keeper/keys/root.key')

-- the own data file, raw
-- open: rows
-- held: harmless it holds what the workspace may read
select size from read_blob('{db}')
