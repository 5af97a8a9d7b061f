# What an analyst writes on another day. Tables: people (person, sex, born, district, score) and
# stays (person, admitted, hospital, days, cost, note). Answers are compared with a plain DuckDB's own.

-- qualify
select person, hospital, days from stays qualify row_number() over (partition by hospital order by days desc, person, admitted, cost) <= 3 order by hospital, days desc, person

-- a named window
select person, score, rank() over w as r, lag(score, 2, 0) over w as two_before from people window w as (partition by sex order by score, person) order by person limit 30

-- a window over a range of days
select admitted, count(*) over (order by admitted range between interval 30 days preceding and current row) as month from stays order by admitted, month limit 40

-- a window over groups, without the row itself
select person, district, round(sum(score) over (partition by district order by born groups between 1 preceding and 1 following exclude current row), 6) as near from people order by person limit 30

-- ntile and cumulative distribution
select quarter, count(*) as n, min(score) as low, max(score) as high from (select score, ntile(4) over (order by score, person) as quarter from people) group by 1 order by 1

-- the nth value and the last that is there
select person, nth_value(days, 2) over w as second, last_value(nullif(note, '') ignore nulls) over w as noted from stays window w as (partition by person order by admitted, cost rows between unbounded preceding and unbounded following) order by all limit 30

-- filtered windows
select hospital, admitted, count(*) filter (where days > 7) over (partition by hospital order by admitted, person, cost) as long_so_far from stays order by hospital, admitted, long_so_far limit 30

-- lists by comprehension
select [x * x for x in range(10) if x % 2 = 0] as squares, list_reduce([1, 2, 3, 4], lambda a, b: a * b) as product, list_zip([1, 2], ['a', 'b']) as zipped

-- ordered lists of each person
select person, list(hospital order by admitted, cost) as visits, string_agg(distinct hospital, ', ' order by hospital) as places from stays group by person order by person limit 20

-- lists sliced, sorted and searched
select list_sort([3, 1, 2], 'desc') as s, ([1, 2, 3, 4])[2:3] as part, list_position(['a', 'b'], 'b') as at, list_has_any([1, 2], [2, 3]) as any_of, array_to_string([1, 2, 3], '-') as joined, flatten([[1], [2, 3]]) as flat, list_distinct([1, 1, 2]) as d

-- several unnests with their places
select person, unnest(generate_series(1, 3)) as n, unnest(['a', 'b', 'c']) as c from people order by person, n limit 9

-- the two highest of each
select hospital, max(days, 2) as longest, arg_max(person, cost, 2) as dearest from stays group by 1 order by 1

-- a pivot of several aggregates
pivot (select hospital, year(admitted) as y, days from stays) on y using count(*) as n, sum(days) as d group by hospital order by hospital

-- a pivot on two columns
pivot (select s.hospital, p.sex, s.days from stays s join people p using (person)) on hospital, sex using count(*)

-- an unpivot that keeps what is missing
from (select person, nullif(sex, 'f') as a, district as b from people where person < 5) unpivot include nulls (what for kind in (a, b)) order by person, kind

-- regular expressions with groups
select note, regexp_extract(note, '([a-z]+)-(\d+)', ['word', 'number']) as parts, regexp_replace(note, '\d', '#', 'g') as masked from (select distinct note from stays) order by note

-- regular expressions without case
select count(*) filter (where regexp_matches(note, 'FLU', 'i')) as flu, count(*) filter (where note similar to 'fall-[0-9]+') as falls, count(*) filter (where note ilike 'F%') as f, count(*) filter (where note glob 'flu-?') as g from stays

-- dates by name and by format
select strftime(admitted, '%A %d %B %Y') as long, dayname(admitted) as day, monthname(admitted) as month, weekofyear(admitted) as week, isodow(admitted) as dow, last_day(admitted) as last from stays order by admitted, person, cost limit 15

-- ages and differences
select person, age(date '2024-06-01', born) as age, date_diff('year', born, date '2024-06-01') as boundaries, date_sub('year', born, date '2024-06-01') as completed, datesub('month', born, date '2024-06-01') as months from people order by person limit 20

-- dates that are cut and built
select date_trunc('quarter', admitted)::date as q, count(*) as n, make_date(year(min(admitted)), 1, 1) as new_year, epoch(min(admitted)) as seconds from stays group by 1 order by 1

-- intervals
select max(to_days(days::integer)) as longest, to_hours(36) as hours, interval '1 year 2 months' + interval 3 days as mixed from stays

-- generated days that nobody was admitted on
select count(*) as empty_days from generate_series(date '2019-01-01', date '2023-12-31', interval 1 day) as d(day) anti join stays on d.day::date = stays.admitted

-- samples that repeat
select count(*) as n from people tablesample reservoir(100 rows) repeatable (42);
select count(*) between 0 and 1000 as so from people using sample 10 percent (bernoulli)

-- a temporary table that is changed
create temp table work as select person, score from people where person < 10;
insert into work values (100, 1.5), (101, 2.5);
update work set score = score * 2 where person >= 100;
delete from work where person < 5;
alter table work add column seen boolean default false;
select * from work order by person

-- a temporary table with a key
create temp table keyed (id integer primary key, n integer default 1 check (n > 0));
insert into keyed (id) values (1), (2);
insert into keyed values (2, 5), (3, 6) on conflict (id) do update set n = excluded.n;
insert or ignore into keyed values (3, 9);
select * from keyed order by id

-- rows that come back from a change
create temp table back as select range as id from range(5);
delete from back where id > 2 returning id * 10 as gone

-- a merge
create temp table target as select 1 as id, 'old' as v union all select 2, 'old';
merge into target using (select 2 as id, 'new' as v union all select 3, 'new') as s on target.id = s.id when matched then update set v = s.v when not matched then insert values (s.id, s.v);
select * from target order by id

-- types and sequences of one's own
create type severity as enum ('low', 'mid', 'high');
create temp sequence counter start 10;
select 'mid'::severity as s, 'low'::severity < 'high'::severity as below, nextval('counter') as n

-- macros with defaults and tables
create temp macro band(x, width := 10) as (x // width) * width;
create temp macro of_district(d) as table select person, score from people where district = d;
select band(37) as tens, band(37, width := 5) as fives, (select count(*) from of_district('D1')) as n

-- macros by number of arguments
create temp macro add_up(a, b) as a + b, (a, b, c) as a + b + c;
select add_up(1, 2) as two, add_up(1, 2, 3) as three

-- views upon views
create temp view adults as select * from people where born < date '2000-01-01';
create or replace temp view adult_stays as select s.* from stays s semi join adults using (person);
select count(*) as n, sum(days) as days from adult_stays

-- a prepared statement with names
prepare by_place as select count(*) as n from stays where hospital = $place and days > $more;
execute by_place(place := 'North', more := 5);
deallocate by_place

-- structs that are built, changed and taken apart
select struct_pack(a := 1, b := 'x') as s, {'a': 1, 'b': {'c': 2}}.b.c as deep, struct_insert({'a': 1}, b := 2) as more, unnest({'x': 1, 'y': 2})

-- maps that are built and read
select map(['a', 'b'], [1, 2])['b'] as b, map_keys(map {'x': 1}) as k, map_entries(map {'x': 1, 'y': 2}) as e, histogram(days % 3) as h from stays

-- unions of types
select union_value(num := 2) as u, union_tag(union_value(txt := 'a')) as t

-- case, coalesce and their kin
select count(*) filter (where coalesce(nullif(note, ''), 'none') = 'none') as none, sum(case when days = 0 then 1 when days between 1 and 3 then 2 else 3 end) as points, greatest(1, 3, 2) as g, least(3, 1, 2) as l, ifnull(null, 5) as i, if(1 > 2, 'a', 'b') as c from stays

-- casts that may fail
select try_cast('x' as integer) as x, try_cast('2024-13-01' as date) as d, '12'::integer + 1 as n, cast(1.5 as integer) as half, cast(2.5 as integer) as even, try(1 // 0) as t

-- text that is padded, cut and counted
select lpad('7', 3, '0') as padded, split_part('a-b-c', '-', 2) as part, string_split('a,b', ',') as parts, substring('hello', 2, 3) as mid, 'hello'[1:2] as head, strip_accents('é') as plain, format('{:.2f} of {}', 1.234, 'x') as f, printf('%05d', 42) as p, length('ü') as chars, strlen('ü') as bytes, reverse('abc') as r, translate('abc', 'ab', 'xy') as t, starts_with('abc', 'a') as s, contains('abc', 'b') as c, concat_ws('-', 'a', null, 'b') as w

-- text by bits and bytes
select bit_count(7) as ones, 5 & 3 as both, 5 | 3 as either, xor(5, 3) as one, 1 << 4 as left_by, '10101'::bit as bits, to_base(255, 16) as hex, from_hex('ff') as blob, base64(encode('a')) as b

-- exact numbers
select 0.1 + 0.2 as d, 0.1::double + 0.2::double as f, 10 / 4 as quotient, 10 // 4 as whole, -7 % 3 as rest, 2 ** 10 as power, round(2.345, 2) as r, 1e308 * 10 as large, 123456789012345678901234567890::hugeint as h, 18446744073709551615::ubigint as u, 3.14::decimal(4, 1) as cut

-- estimates
select approx_count_distinct(person) between 800 and 1000 as n, abs(approx_quantile(days, 0.5) - 7) <= 1 as median from stays

-- statistics by group
select hospital, round(stddev_samp(cost), 6) as sd, round(var_pop(days), 6) as v, round(skewness(cost), 6) as sk, round(kurtosis(cost), 6) as ku, round(sem(cost), 6) as se, mad(days) as mad, round(entropy(days), 6) as e from stays group by 1 order by 1

-- a regression by hand
select round(regr_slope(cost, days), 6) as slope, round(regr_intercept(cost, days), 4) as intercept, round(regr_r2(cost, days), 9) as r2, regr_count(cost, days) as n from stays

-- bits and truth
select bool_and(days >= 0) as all_of, bool_or(days > 14) as any_of, bit_or(days) as bits, bit_xor(person) as x, product(1 + days / 100) > 1 as p, favg(cost) as f, fsum(days) as s from stays where person < 100

-- any value and the first
select any_value('x') as any_one, first(person order by admitted, person, cost) as f, last(person order by admitted, person, cost) as l from stays

-- json that is taken apart
select j->'$.a[1]' as second, j->>'$.b' as b, json_extract(j, ['$.a', '$.b']) as both, json_array_length(j->'$.a') as n, json_type(j) as t, json_keys(j) as k, json_structure(j) as s from (select '{"a": [1, 2], "b": "x"}'::json as j)

-- json that is built
select json_object('sex', sex, 'n', count(*)) as o, json_group_array(sex) as a, to_json({'a': [1, null]}) as t, json_merge_patch('{"a": 1}', '{"b": 2}') as m from people group by sex order by sex

-- joins by place and by all names
select count(*) as n from (from people natural join stays);
select a, b from (select unnest([1, 2, 3]) as a) positional join (select unnest(['x', 'y']) as b)

-- a join on a range
select count(*) as n from stays a join stays b on a.person = b.person and b.admitted > a.admitted and b.admitted <= a.admitted + 30

-- exists and not exists
select count(*) as n from people p where exists (from stays s where s.person = p.person and days > 10) and not exists (from stays s where s.person = p.person and hospital = 'North')

-- scalar subqueries and tuples
select count(*) as n from stays where (hospital, days) in (select hospital, max(days) from stays group by 1) and cost > (select avg(cost) from stays)

-- intersections and differences with repeats
select count(*) as n from (select hospital from stays except all select 'North' from range(100));
select count(*) as n from (select person from people intersect select person from stays)

-- group by position, alias and expression
select upper(sex) as s, district as d, count(*) as n from people group by s, 2 having n > 50 order by n desc, s, d

-- group by several sets
select hospital, days > 7 as longer, count(*) as n from stays group by grouping sets ((hospital), (longer), ()) order by all

-- columns, replaced and renamed
select * exclude (note, cost) replace (days * 24 as days) rename (hospital as place) from stays order by person, admitted, place, days limit 10

-- columns with a function over all
select min(columns(* exclude (note, hospital))), max(columns('days|cost')) from stays

-- columns by lambda
select columns(lambda c: c like 's%') from people order by person limit 5

-- a recursion over a calendar
with recursive months as (select date '2023-01-01' as m union all select (m + interval 1 month)::date from months where m < date '2023-12-01') select m, count(s.person) as n from months left join stays s on date_trunc('month', s.admitted)::date = m group by m order by m

-- materialised expressions
with heavy as materialized (select hospital, sum(cost) as c from stays group by 1), light as not materialized (select * from heavy where c > 0) select count(*) as n from light

-- a table in a few words
from stays select hospital, sum(days) as days group by all order by all;
table people limit 3;
select count(*) as n from (summarize people)

-- comments upon one's own tables
create temp table told (a integer);
comment on table told is 'mine';
select comment from duckdb_tables() where table_name = 'told'

-- what an explanation holds
explain analyze select count(*) from stays where days > 3;
select 1 as explained

-- settings that an analyst may change
set default_null_order = 'nulls_first';
select nullif(note, '') as n from stays group by 1 order by 1 limit 1;
reset default_null_order

-- person years at risk
select sex, round(sum(date_diff('day', greatest(born, date '2019-01-01'), date '2023-12-31')) / 365.25, 6) as years from people where born < date '2023-12-31' group by 1 order by 1

-- islands and gaps
select count(*) as spells from (select person, sum(case when gap is null or gap > 7 then 1 else 0 end) over (partition by person order by admitted) as spell from (select person, admitted, admitted - lag(admitted) over (partition by person order by admitted) as gap from (select distinct person, admitted from stays)) ) where spell is not null

-- a funnel
select count(*) as everybody, count(*) filter (where person in (select person from stays)) as seen, count(*) filter (where person in (select person from stays where days > 7)) as long_stays from people

-- quintiles and their ends
select quintile, min(score) as low, max(score) as high, round(avg(score), 6) as mean from (select score, ntile(5) over (order by score, person) as quintile from people) group by 1 order by 1

-- charlson by keywords
select sum(coalesce(points, 0)) as points from stays left join (values ('flu', 1), ('fall', 2)) k(word, points) on starts_with(note, word)

-- a hash for a split that can be repeated
select (hash(person) % 10 < 8) as train, count(*) as n from people group by 1 order by 1

-- matching on nearest score
select count(*) as pairs, round(avg(abs(a.score - b.score)), 6) as distance from (select * from people where sex = 'f' and person < 100) a, lateral (select score from people b where sex = 'm' order by abs(b.score - a.score), person limit 1) b

-- bars in text
select hospital, bar(count(*), 0, 1000, 20) as b from stays group by 1 order by 1

-- statements with odd names
select 1 as "select", 2 as "a b", 3 as "ä""ö";
select "a b" + 1 as n from (select 2 as "a b")
