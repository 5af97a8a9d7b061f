# What an analyst writes on an ordinary day. Tables: people (person, sex, born, district, score) and
# stays (person, admitted, hospital, days, cost, note). Answers are compared with a plain DuckDB's own.

-- counts by group
select sex, count(*) as n, count(distinct district) as districts from people group by sex order by sex

-- group by all, order by all
select district, sex, round(avg(score), 6) as mean from people group by all order by all

-- conditions on groups
select hospital, count(*) as n from stays group by hospital having count(*) > 300 order by n desc, hospital

-- filtered aggregates
select hospital, count(*) filter (where days > 7) as longer, sum(cost) filter (where days <= 7) as cheap from stays group by 1 order by 1

-- grouping sets with their names
select sex, district, grouping(sex, district) as level, count(*) as n from people group by cube(sex, district) order by all

-- rollup
select year(admitted) as y, month(admitted) as m, sum(days) as days from stays group by rollup(y, m) order by all

-- a left join
select p.district, count(s.person) as stays, count(distinct p.person) as people from people p left join stays s using (person) group by 1 order by 1

-- a semi and an anti join
select (select count(*) from people semi join stays using (person)) as seen, (select count(*) from people anti join stays using (person)) as unseen

-- an as-of join
select p.person, p.born, s.admitted from people p asof join (select person, admitted from stays) s on p.person = s.person and p.born <= s.admitted order by p.person limit 20

-- a full join
select count(*) as n, count(a.person) as l, count(b.person) as r from people a full join (select distinct person from stays where days > 5) b on a.person = b.person

-- a lateral join
select p.person, l.longest from people p, lateral (select max(days) as longest from stays s where s.person = p.person) l order by p.person limit 15

-- ranks
select person, days, rank() over (partition by hospital order by days desc, admitted, person) as r, dense_rank() over (order by days desc) as d, ntile(4) over (order by days, person, admitted) as q from stays order by hospital, r limit 25

-- the one before and the one after
select person, admitted, lag(admitted) over w as before, lead(days, 1, -1) over w as next, date_diff('day', lag(admitted) over w, admitted) as gap from stays window w as (partition by person order by admitted, days, hospital) order by person, admitted, days, hospital limit 30

-- a moving mean
select admitted, round(avg(days) over (order by admitted range between interval 30 days preceding and current row), 6) as m from stays order by admitted, person, days limit 5

-- a running sum
select person, admitted, sum(days) over (partition by person order by admitted, days, hospital rows unbounded preceding) as so_far from stays order by person, admitted, so_far limit 30

-- the first of each
select person, hospital, admitted from stays qualify row_number() over (partition by person order by admitted, days, hospital) = 1 order by person limit 20

-- the first value that is not missing
select person, first_value(note ignore nulls) over (partition by person order by admitted, days, hospital rows between unbounded preceding and unbounded following) as note from stays order by all limit 20

-- percent ranks
select person, round(percent_rank() over (order by score, person), 9) as p, round(cume_dist() over (order by score, person), 9) as c from people order by person limit 20

-- median and quantiles
select median(days) as m, quantile_cont(score, [0.1, 0.5, 0.9]) as q, quantile_disc(days, 0.95) as d, mad(days) as mad from stays join people using (person)

-- moments
select round(stddev_samp(score), 9) as s, round(var_pop(score), 9) as v, round(skewness(score), 6) as k, round(kurtosis(score), 6) as t from people

-- correlation and regression
select round(corr(days, cost), 9) as r, round(regr_slope(cost, days), 6) as b, regr_count(cost, days) as n from stays

-- mode and the value at the maximum
select mode(hospital) as m, arg_max(person, (days, person)) as who, max_by(hospital, (cost, person)) as where_, min(days, 3) as least from stays

-- a histogram
select histogram(days // 5) as h from stays

-- bins
select bin, n from histogram_values(stays, days, bin_count := 5) as h(bin, n) order by all

-- a pivot
pivot (select year(admitted) as y, hospital from stays) on hospital using count(*) group by y order by 1

-- a pivot with named values
select * from (select district, sex, score from people) pivot (round(avg(score), 6) for sex in ('f', 'm')) order by district

-- an unpivot
unpivot (select person, days, cost::integer as cost from stays order by person, admitted, days limit 10) on days, cost into name kind value amount order by all

-- a crosstable by hand
select district, sum(case when sex = 'f' then 1 else 0 end) as f, count_if(sex = 'm') as m from people group by 1 order by 1

-- lists
select person, list(hospital order by admitted, days) as path, len(list(distinct hospital)) as n from stays group by person order by person limit 15

-- lambdas
select list_transform([1, 2, 3], lambda x: x * x) as a, list_filter(range(10), lambda x: x % 3 = 0) as b, list_reduce([1, 2, 3, 4], lambda x, y: x + y) as c

-- list functions
select list_sort([3, 1, 2]) as a, list_distinct([1, 1, 2]).list_sort() as b, [1, 2, 3][2:] as c, list_zip([1, 2], ['a', 'b']) as d, flatten([[1], [2, 3]]) as e, list_contains([1, 2], 2) as f, [x + 1 for x in [1, 2, 3] if x > 1] as g

-- unnest
select person, unnest(path) as hospital from (select person, list(hospital order by admitted, days) as path from stays group by 1) order by all limit 20

-- structs
select {'district': district, 'n': count(*)} as s, struct_extract(s, 'n') as n, (s).district as d from people group by district order by district

-- maps
select map(['a', 'b'], [1, 2]) as m, m['a'] as a, map_keys(m) as k, map_entries(m) as e

-- fixed arrays
select array_value(1, 2, 3) as a, array_cosine_similarity([1.0, 2.0]::double[2], [2.0, 1.0]::double[2]) as s

-- nested values with quotes in them
select ['a b', 'c,d', 'e''f', null, '', 'NULL'] as l, {'k': 'x: y', 'n': null} as s, [{'a': [1.5, 2.0]}] as d

-- regular expressions
select regexp_extract(note, '([a-z]+)-(\d+)', ['word', 'number']) as parts, regexp_matches(note, '^flu') as flu, regexp_replace(note, '\d', '#', 'g') as masked from stays where note is not null order by note, person limit 10

-- regular expressions that split and find all
select regexp_split_to_array('a1b22c', '\d+') as a, regexp_extract_all('a1b22c', '[a-z]') as b, 'abc' similar to 'a.*' as c

-- text functions
select upper(hospital) as u, left(hospital, 2) as l, reverse(hospital) as r, length(hospital) as n, lpad(days::varchar, 4, '0') as p, concat_ws('/', hospital, days) as c, hospital like 'S%' as s, hospital ilike 's_%' as i from stays order by all limit 5

-- text by parts
select split_part('a|b|c', '|', 2) as a, string_split('x y', ' ') as b, format('{:05.2f} {}', 3.14159, 'x') as c, printf('%d-%s', 7, 'z') as d, strip_accents('éà') as e, chr(65) as f, unicode('é') as g, ascii('A') as h, 'x' || 1 as i, translate('abc', 'ab', 'xy') as j

-- how alike texts are
select levenshtein('kitten', 'sitting') as l, jaccard('abc', 'abd') as j, round(jaro_winkler_similarity('martha', 'marhta'), 9) as w, hamming('abc', 'abd') as h, damerau_levenshtein('ab', 'ba') as d

-- dates
select date_trunc('month', admitted) as m, count(*) as n from stays group by 1 order by 1 limit 12

-- parts of dates
select admitted, dayname(admitted) as d, week(admitted) as w, quarter(admitted) as q, extract(doy from admitted) as y, last_day(admitted) as l, date_part('isoyear', admitted) as i, strftime(admitted, '%d/%m/%Y') as s from stays order by all limit 8

-- arithmetic with dates
select date '2024-01-31' + interval 1 month as a, date_add(date '2024-02-29', interval 1 year) as b, age(date '2024-03-01', date '1980-05-20') as c, date_diff('year', date '2000-12-31', date '2001-01-01') as d, date_sub('year', date '2000-12-31', date '2001-01-01') as e, make_date(2024, 2, 29) as f

-- times with fractions
select timestamp '2024-05-06 07:08:09.5' as a, time '01:02:03.25' as b, timestamp_ns '2024-01-01 00:00:00.000000001' as c, timestamp_s '2024-01-01 00:00:01' as d, epoch_ms(1700000000123) as e, interval '1 year 2 months 3 days 04:05:06.7' as f, to_days(3) as g

-- odd dates
select date 'infinity' as a, timestamp '-infinity' as b, date '0044-03-15 (BC)' as c, date '9999-12-31' as d, timetz '01:02:03+05:30' as e

-- dates read from text
select strptime('03/04/2024', '%d/%m/%Y') as a, try_strptime('nonsense', '%d/%m/%Y') as b, try_cast('2024-13-01' as date) as c, cast('2024-02-29' as date) as d

-- series
select generate_series(date '2024-01-01', date '2024-01-05', interval 2 days) as a, range(5) as b, (select count(*) from generate_series(1, 100)) as c

-- buckets of time
select time_bucket(interval '3 months', admitted) as b, count(*) as n from stays group by 1 order by 1 limit 8

-- time zones
select timezone('Europe/London', timestamp '2024-07-01 12:00:00') as a, timestamptz '2024-07-01 12:00:00+00' at time zone 'Asia/Kolkata' as b, timestamptz '2024-01-01 00:00:00+00' as c

-- another time zone for the session
set TimeZone = 'Europe/London';
select timestamptz '2024-07-01 12:00:00+00' as a, [timestamptz '2024-07-01 12:00:00+00'] as b, date_trunc('day', timestamptz '2024-06-30 23:30:00+00') as c;
reset TimeZone;
select current_setting('TimeZone') = 'UTC' or true as back

-- the zones that are known
select count(*) > 300 as many from pg_timezone_names()

-- an extension that is built in
load icu;
load json;
select 'ok' as a

-- names with their schema
select count(*) as n from main.people

-- a table of one's own in the place of the data
create table people as select * from people where score > 50;
select count(*) as n from people;
drop table people;
select count(*) as n from people

-- orders by default
set default_null_order = 'nulls_first';
select x from (values (2), (null), (1)) v(x) order by x;
reset default_null_order;
select x from (values (2), (null), (1)) v(x) order by x

-- the older arrow of lambdas
set lambda_syntax = 'ENABLE_SINGLE_ARROW';
select list_transform([1, 2], x -> x + 1) as l;
reset lambda_syntax;
select 1 as back

-- integer division by default
set integer_division = true;
select 7 / 2 as a;
reset integer_division;
select 7 / 2 as a

-- collations
select hospital collate de as h from (values ('Zürich'), ('Zug'), ('zoe'), ('Ähre'), ('Arau')) v(hospital) order by h collate de

-- a collation that ignores case and accents
select 'É' collate nocase.noaccent = 'e' as a, icu_sort_key('ö', 'de') as b, upper('ß') as c, 'straße' < 'strasse' collate de as d

-- samples
select count(*) as n from (select * from stays using sample 50 rows (reservoir, 42))

-- a repeatable sample
select person from people using sample reservoir(5 rows) repeatable (7) order by person

-- temporary tables
create temp table long as select * from stays where days > 10;
create index long_person on long(person);
insert into long select * from stays where days = 10;
update long set days = days + 100 where hospital = 'South';
delete from long where days < 100;
alter table long add column flag boolean default true;
select count(*) as n, sum(days) as d, bool_and(flag) as f from long

-- tables of one's own
create table mine (person integer primary key, label varchar check (length(label) > 0), day date default date '2024-01-01');
insert into mine (person, label) values (1, 'a'), (2, 'b');
insert into mine values (1, 'c', null) on conflict (person) do update set label = excluded.label;
select * from mine order by person;
drop table mine;
select 1 as gone

-- views
create view by_hospital as select hospital, count(*) as n from stays group by 1;
create or replace temp view large as select * from by_hospital where n > 300;
select * from large order by 1

-- macros
create macro band(x) as case when x < 5 then 'short' when x < 10 then 'middle' else 'long' end;
create macro top_of(n) as table select hospital, count(*) as c from stays group by 1 order by 2 desc, 1 limit n;
select band(days) as b, count(*) as n, (select count(*) from top_of(2)) as t from stays group by 1 order by 1

-- prepared statements
prepare by_days as select count(*) as n from stays where days > $1;
execute by_days(7)

-- variables
set variable least = 6;
select count(*) as n from stays where days >= getvariable('least')

-- common table expressions
with seen as (select person, min(admitted) as first from stays group by 1), late as materialized (select * from seen where first > date '2021-01-01') select count(*) as n, min(first) as f from late

-- a recursion
with recursive tree as (select 1 as n, 1 as depth union all select n * 2, depth + 1 from tree where depth < 10) select max(n) as m, count(*) as c from tree

-- a recursion with keys
with recursive walk(a, b) as (select 1, 2 union select b, (a + b) % 50 from walk) select count(*) as n, sum(a) as s from walk

-- set operations
select hospital from stays except select 'South' union select 'Nowhere' intersect select 'Nowhere' order by 1

-- union by name
select 1 as a, 'x' as b union all by name select 'y' as b, 2 as a order by a

-- stars with exclusions
select * exclude (note) replace (days * 2 as days) from stays order by all limit 3

-- columns by pattern
select min(columns('^(days|cost)$')), max(columns('^(days|cost)$')) from stays

-- aliases used at once
select days * 24 as hours, hours / 2 as half from stays order by all limit 3

-- from first
from people select district, count() as n group by district order by n desc, district limit 3

-- a description
describe people

-- the tables
show tables

-- a summary
select column_name, column_type, min, max, count, null_percentage from (summarize people)

-- json
select '{"a": {"b": [1, 2, {"c": null}]}}'::json as j, j->'$.a.b[0]' as x, j->>'a' as y, json_extract_string(j, '$.a.b[1]') as z, json_type(j, '$.a.b') as t, json_array_length(j->'a'->'b') as n

-- json out of rows
select to_json({'n': count(*), 's': list(distinct sex order by sex)}) as j, json_object('a', 1, 'b', [true, null]) as o, json_group_array(sex) is not null as g from people

-- json into structs
select from_json('{"a": 1, "b": ["x"]}', '{"a": "INTEGER", "b": ["VARCHAR"]}') as s, json_structure('{"a": [1.5]}') as t, unnest(json_keys('{"k": 1, "l": 2}')) as k

-- casts and missing values
select coalesce(null, 3) as a, nullif(1, 1) as b, ifnull(null, 'x') as c, try_cast('x' as integer) as d, '7'::integer as e, 1 is distinct from null as f, greatest(1, null, 3) as g

-- whole and broken numbers
select 7 / 2 as a, 7 // 2 as b, -7 % 3 as c, round(2.5) as d, 1e308 * 10 as e, 'nan'::double as f, 0.1 + 0.2 as g, 0.1::float as h, 2 ** 10 as i, 10::decimal(9, 3) / 3 as j, 12345678901234567890::hugeint * 10 as k, 1.10 as l

-- numbers that are large
select 9223372036854775807 as a, 18446744073709551615::ubigint as b, 170141183460469231731687303715884105727::hugeint as c, sum(9223372036854775807) as d, 123456789012345678901234567890.12::decimal(38, 2) as e from range(2)

-- mathematics
select round(ln(10), 12) as a, round(exp(1), 12) as b, ceil(1.2) as c, floor(-1.2) as d, abs(-3) as e, sign(-2) as f, gcd(12, 18) as g, factorial(5) as h, bit_count(7) as i, xor(5, 3) as j, trunc(1.9) as k, even(1.2) as l, isnan('nan'::double) as m

-- other kinds
select '\xAA\x00b'::blob as a, '10110'::bit as b, uuid '00000000-0000-0000-0000-0000000000ff' as c, 'b'::enum('a', 'b') as d, union_value(k := 5) as e, true as f, row(1, 'x') as g, 1::bignum as h

-- hashes and encodings
select md5('x') as a, sha256('x') as b, base64('x'::blob) as c, hex('ab') as d, to_base(255, 16) as e, url_encode('a b') as f, hash('x') = hash('x') as g

-- generated rows
select i, i * i as s, chr((65 + i % 26)::integer) as c from range(10) t(i) order by i desc

-- distinct on
select distinct on (hospital) hospital, person, days from stays order by hospital, days desc, person limit 5

-- limits
select person from people order by score desc, person limit 10 offset 5

-- a limit in per cent
select count(*) as n from (select person from people limit 10%)

-- quantified comparisons
select count(*) as n from people where score > all (select score from people where district = 'D1') or person = any (select person from stays where days > 12)

-- a correlated subquery
select p.person, (select count(*) from stays s where s.person = p.person and s.days > 3) as n from people p order by p.person limit 15

-- values as a table
select v.label, count(*) as n from people p join (values ('f', 'female'), ('m', 'male')) v(code, label) on p.sex = v.code group by 1 order by 1

-- an explanation
explain select count(*) from people;
select 1 as explained

-- transactions
begin;
create table brief as select 1 as a;
rollback;
select count(*) as n from duckdb_tables() where table_name = 'brief'

-- comments and odd spacing
select /* one */ 1 as a, -- two
  2 as b /* three /* four */ */
-- five

-- many rows, ordered
select person, admitted, hospital, days, cost from stays order by admitted desc, person, days, hospital, cost limit 900

-- kaplan and meier
with t as (select days as d, count(*) as n from stays group by 1), r as (select d, n, sum(n) over (order by d rows between current row and unbounded following) as at_risk from t) select d, n, at_risk, round(exp(sum(ln(1 - n / at_risk)) over (order by d)), 9) as s from r where n < at_risk order by d

-- standardised rates
with strata as (select district, (year(date '2024-01-01') - year(born)) // 10 as band, count(*) as n, count(*) filter (score > 50) as cases from people group by all), standard as (select band, sum(n) as w from strata group by 1) select district, round(sum(cases / n * w) / sum(w), 9) as rate from strata join standard using (band) group by 1 order by 1

-- readmissions within thirty days
select count(*) as n from (select admitted - (lag(admitted) over (partition by person order by admitted) + lag(days) over (partition by person order by admitted)) as gap from (select person, admitted, max(days)::integer as days from stays group by all)) where gap between 0 and 30
