# Rows over the network. Nothing is tried against an unprotected engine: it would reach for the network.

-- an http file
-- open: untried it would use the network
-- held: error Permission Error
select * from read_csv('http://127.0.0.1:1/x.csv')

-- an https file by its bare name
-- open: untried it would use the network
-- held: error Permission Error
select * from 'https://example.org/x.parquet'

-- an https text
-- open: untried it would use the network
-- held: error Permission Error
select * from read_text('https://example.org/')

-- rows in an address
-- open: untried it would use the network
-- held: error Binder Error
select * from read_text('http://example.org/' || (select string_agg(b, '') from t))

-- a bucket
-- open: untried it would use the network
-- held: error Permission Error
select * from read_parquet('s3://bucket/x.parquet')

-- a bucket of another kind
-- open: untried it would use the network
-- held: error Permission Error
select * from read_parquet('gs://bucket/x.parquet')

-- a store of Azure
-- open: untried it would use the network
-- held: error Permission Error
select * from read_parquet('az://bucket/x.parquet')

-- a data set of Hugging Face
-- open: untried it would use the network
-- held: error Permission Error
select * from 'hf://datasets/x/y.parquet'

-- rows to a bucket
-- open: untried it would use the network
-- held: error Permission Error
copy t to 's3://bucket/out.parquet'

-- a database over https
-- open: untried it would use the network
-- held: error Missing Extension Error
attach 'https://example.org/x.duckdb' as x

-- MotherDuck
-- open: untried it would use the network
-- held: error Permission Error
attach 'md:'

-- PostgreSQL
-- open: untried it would use the network
-- held: error Permission Error
attach 'host=127.0.0.1 dbname=x' as p (type postgres)

-- MySQL
-- open: untried it would use the network
-- held: error Permission Error
attach 'host=127.0.0.1 database=x' as m (type mysql)

-- DuckLake
-- open: untried it would use the network
-- held: error Permission Error
attach 'ducklake:x' as d

-- Iceberg
-- open: untried it would use the network
-- held: error Catalog Error
select * from iceberg_scan('https://example.org/t')

-- Delta
-- open: untried it would use the network
-- held: error Catalog Error
select * from delta_scan('s3://bucket/t')

-- a secret for a bucket
-- open: untried the extension is not there
-- held: error Invalid Input Error
create secret s (type s3, key_id 'x', secret 'y')

-- a secret that stays
-- open: untried the extension is not there
-- held: error Invalid Input Error
create persistent secret s (type http, bearer_token 'x')

-- a proxy
-- open: done
-- held: error Invalid Input Error
set http_proxy = 'http://127.0.0.1:1'

-- a server of its own
-- open: error
-- held: error Catalog Error
call start_ui_server()

-- the user interface
-- open: error
-- held: error Catalog Error
call start_ui()

-- a network share
-- open: done
-- held: error Permission Error
select * from read_text('//host/share/x')
