# Taking what the machine has. Run under small limits; nothing is tried on an unprotected engine, which
# would take it. A statement that is answered within the limits took no more than them.
# limits: memory_mib = 256, time_s = 3, cpu_s = 1000, scratch_mib = 64

-- a bit string of two thousand million bits, on a fresh worker: it fits, and to set its bits takes too long
-- held: killed time
select bit_count(bitstring('1', 2147483647))

-- a text that grows, doubled
-- held: killed memory,error,killed output
select length(repeat(repeat('x', 100000), 100000))

-- a text of a gigabyte in a cell
-- held: killed memory,killed output,error
select repeat('x', 1000000000)

-- a text of two gigabytes, padded
-- held: killed memory,killed output,killed time,error
select lpad('x', 2000000000, 'y')

-- many long texts in one
-- held: killed memory,killed disk
select length(string_agg(repeat('y', 100000), '')) from range(100000)

-- a list of a billion numbers
-- held: killed memory,killed disk,killed time
select length(list(range)) from range(1000000000)

-- a list of a billion numbers, in a function
-- held: killed memory,killed time,error
select length(range(1000000000))

-- lists of lists
-- held: killed memory,killed time,error
select length(list_transform(range(100000000), lambda x: repeat('z', 100)))

-- a list that is repeated
-- held: killed memory,killed time,error
select length(list_resize([1], 2000000000, 0))

-- a text that is split
-- held: killed memory,killed time,error
select length(string_split(repeat('a,', 100000000), ','))

-- a text that is formatted wide
-- held: killed memory,killed output,error
select printf('%2000000000d', 1)

-- a text that is formatted wide, otherwise
-- held: killed memory,killed output,error
select format('{:>2000000000}', 1)

-- a distance between long texts
-- held: killed memory,killed time,killed cpu,error
select damerau_levenshtein(repeat('ab', 50000), repeat('ba', 50000))

-- another distance between long texts
-- held: killed memory,killed time,killed cpu,error
select levenshtein(repeat('ab', 200000), repeat('ba', 200000))

-- a similarity between long texts
-- held: killed memory,killed time,killed cpu,error
select jaro_winkler_similarity(repeat('ab', 1000000), repeat('ba', 1000000))

-- a regular expression that backtracks
-- held: killed time,rows,error
select regexp_matches(repeat('a', 5000), '(a*)*b')

-- a regular expression of many states
-- held: error,killed memory,killed time,rows
select regexp_matches(repeat('a', 1000), '((((a{1,100}){1,100}){1,100}){1,100})')

-- a regular expression over a long text
-- held: killed memory,killed time,rows
select length(regexp_replace(repeat('ab', 50000000), 'a', 'bbbbbbbbbb', 'g'))

-- a number of a million digits
-- held: killed memory,killed time,error,killed output,rows
select (repeat('9', 100000)::bignum * repeat('9', 100000)::bignum)::varchar

-- factorial of a large number
-- held: error Out of Range Error
select 100000!

-- a cross join of billions
-- held: killed time
select count(*) from range(1000000) a, range(1000000) b where hash(a.range, b.range) = 1

-- a cross join that is kept
-- held: killed memory,killed disk,killed time
create table huge as select a.range as x, b.range as y from range(1000000) a, range(1000000) b

-- a count without an end
-- held: killed time
select count(*) from range(1000000000000) where hash(range) = 1

-- a recursion without an end
-- held: killed time,killed memory,killed disk
with recursive r as (select 1 as n union all select n + 1 from r) select count(*) from r

-- a recursion that doubles
-- held: killed time,killed memory,killed disk
with recursive r as (select 1 as n union all select n from r, (values (1), (2)) v) select count(*) from r

-- a recursion with distinct rows
-- held: killed time,killed memory,killed disk
with recursive r as (select 1 as n union select n + 1 from r) select max(n) from r

-- a sort that does not fit
-- held: killed memory,killed disk,killed time
select max(s) from (select row_number() over (order by hash(range), repeat(range::varchar, 10)) as s from range(100000000))

-- a grouping that does not fit
-- held: killed memory,killed disk,killed time
select count(*) from (select distinct repeat(range::varchar, 30) from range(100000000))

-- a join that does not fit
-- held: killed memory,killed disk,killed time
select count(*) from range(100000000) a join range(100000000) b on hash(a.range) = hash(b.range + 1)

-- a window over everything
-- held: killed memory,killed disk,killed time
select max(m) from (select median(range) over (order by range rows between 1000000 preceding and current row) as m from range(10000000))

-- a temporary table that fills the scratch space
-- held: killed memory,killed disk,killed time
create temp table filled as select repeat(hash(range)::varchar, 100) as s from range(10000000)

-- a file that fills the spill folder
-- alone
-- held: error,killed disk,killed time
copy (select repeat(hash(range)::varchar, 100) as s from range(10000000)) to '/spill/engine/filled.csv'

-- many small files in the spill folder
-- alone
-- held: error,killed disk,killed time,killed memory
copy (select range as k, 1 as v from range(100000)) to '/spill/engine/many' (format csv, partition_by (k))

-- rows without an end
-- held: truncated
select * from range(1000000000000)

-- rows that are long
-- held: truncated, killed memory
select repeat('x', 9000) as s from range(1000000)

-- a cell that is too long
-- held: killed output
select repeat('x', 20000)

-- a list as a cell that is too long
-- held: killed output
select range(20000)

-- columns beyond the limit
-- held: killed output, killed memory
select * from (pivot (select range as k, 1 as v from range(300)) on k using sum(v))

-- a map of everything
-- held: killed memory,killed output,killed time,error
select map_from_entries(list((range, range))) from range(100000000)

-- an approximate sketch for each row
-- held: killed memory,killed disk,killed time
select max(q) from (select range % 1000000 as g, approx_quantile(range, 0.5) as q from range(20000000) group by g)

-- text aggregated within groups
-- held: killed memory,killed disk,killed time
select max(length(s)) from (select range % 10 as g, string_agg(range::varchar, ',') as s from range(1000000000) group by g)

-- a histogram of everything
-- held: killed memory,killed disk,killed time,killed output
select histogram(range) from range(100000000)

-- a JSON text within a JSON text
-- held: killed memory,killed time,error,rows
select length(to_json(list(range))::varchar) from range(100000000)

-- JSON that is nested deeply
-- held: killed memory
select json_valid(repeat('[', 10000000) || repeat(']', 10000000))

-- a sample of more than there is
-- held: killed memory,killed time,killed disk,rows
select count(*) from (select * from range(1000000000) using sample reservoir(500000000 rows))

-- a generated series of dates
-- held: killed memory,killed time,error
select length(generate_series(timestamp '0001-01-01', timestamp '9999-01-01', interval 1 second))

-- positions without an end
-- held: killed time,killed memory,killed disk
select count(*) from t a positional join range(1000000000000) b

-- a union of ranges
-- held: killed time
select sum(hash(x)) from (select range as x from range(100000000000) union all select range from range(100000000000)) where x % 3 = 0

-- an as-of join of many
-- held: killed memory,killed disk,killed time
select count(*) from (select range as x from range(50000000)) a asof join (select range as y from range(50000000)) b on a.x >= b.y

-- a decompressed text
-- held: error,killed memory,rows
select length(unhex(repeat('00', 100000000)))

-- a url that is decoded
-- held: error,killed memory,killed time,rows
select length(url_decode(repeat('%41', 100000000)))

-- a hash of a long text
-- held: rows,killed memory,killed time
select sha256(repeat('x', 100000000))

-- an index on everything
-- held: killed memory,killed disk,killed time,error
create table keyed (a bigint primary key);
insert into keyed select range from range(100000000)

-- a table that grows in a transaction
-- held: killed memory,killed disk,killed time,error
begin;
create table grown as select range as a, hash(range) as b from range(100000000);
insert into grown select * from grown
-- after
rollback
